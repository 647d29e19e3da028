"""``status.json``: what the running gateway says of itself, for everybody who asks.

Written beside the journal each second and replaced in one step, so a reader never sees half of it.
It proves nothing and nothing is computed from it: ages are the reader's own clock minus
``written_ns`` or ``t_receive``.
"""

import os
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from plantseal.pipe import State

FILE: Final = "status.json"


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SourceStatus(_Model):
    """One source.

    Attributes:
        state: What it does now; the words are explained in ``docs/guide/operations.md``.
        since_ns: Since when [ns since the epoch].
        detail: What is wrong; empty when nothing is.
        remedy: What a person can do about it.
        next_try_ns: When the next connection is tried [ns since the epoch]; None when not waiting.
        expected: Poll slots closed since the start, one a tag; 0 where nothing is polled.
        received: Rows since the start in which the device answered, whatever their status.
        bad: Rows since the start with a bad status, slots without an answer among them.
    """

    id: str
    state: State
    since_ns: int
    detail: str = ""
    remedy: str = ""
    next_try_ns: int | None = None
    expected: int = 0
    received: int = 0
    bad: int = 0


class TagStatus(_Model):
    """The last that was heard of one tag, once it is durable.

    Attributes:
        value: Last value in the tag's unit, as a person reads it; None before the first, and when
            the device said that it has none.
        status: Status of the last row, a slot without an answer included; None before the first.
        t_source: Time the device gave with the value [ns since the epoch]; None if it gave none.
        t_receive: When the value came [ns since the epoch]; None before the first.
    """

    id: int
    name: str
    value: str | None = None
    unit: str = ""
    status: int | None = None
    t_source: int | None = None
    t_receive: int | None = None


class Status(_Model):
    """The gateway.

    Attributes:
        written_ns: When this was written [ns since the epoch]; a second ago while it runs.
        state: ``stopped`` after an orderly end, ``failed`` when it ended with an error.
        pid: Process id.
        started_ns: When it started [ns since the epoch].
        rows: Rows in the journal, sealed ones among them.
        restarts: How often a worker process was started again.
        detail: Why it failed; empty otherwise.
    """

    written_ns: int
    state: Literal["running", "stopping", "stopped", "failed"] = "running"
    pid: int = 0
    started_ns: int = 0
    rows: int = 0
    restarts: int = 0
    detail: str = ""
    sources: tuple[SourceStatus, ...] = ()
    tags: tuple[TagStatus, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain JSON values; times and counts are numbers."""
        return self.model_dump(mode="json")


def write(data_dir: Path, status: Status) -> None:
    """Replace ``status.json`` in one step.

    Raises:
        OSError: The disk refuses.
    """
    path = data_dir / FILE
    new = path.with_suffix(".new")
    new.write_text(status.model_dump_json(), encoding="utf-8")
    os.replace(new, path)  # no fsync: it is of no use after a crash


def read(data_dir: Path) -> Status | None:
    """Return the last status written; None when there is none that can be read."""
    try:
        return Status.model_validate_json((data_dir / FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
