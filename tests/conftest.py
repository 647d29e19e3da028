"""Recorded data lie outside the repository: where they do not, their tests are left out, loudly.

``make real``, which CI runs, fails without them.
"""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("DATA") or Path(__file__).parents[2] / "shared" / "data")
LEFT_OUT = pytest.StashKey[int]()


def _absent(item: pytest.Item) -> bool:
    """Whether the test reads what is not there: the marker's paths, relative to ``DATA``."""
    marker = item.get_closest_marker("recorded")
    return marker is not None and not all((DATA / p).exists() for p in marker.args or (".",))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = [item for item in items if _absent(item)]
    config.stash[LEFT_OUT] = len(absent)
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if n := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{n} tests of recorded data left out: not found at {DATA}; set DATA to the folder",
            yellow=True,
        )
