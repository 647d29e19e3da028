"""Exit codes, and the one place where an exception becomes one.

Source: ``docs/guide/command-line.md``.
"""

import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)


class Exit(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    FAULT = 1  # unexpected; the traceback is in the named file
    USAGE = 2
    INPUT = 3  # configuration or input invalid, not a bundle
    UNREACHABLE = 4  # device, network or store
    BELOW = 5  # a threshold is missed (only with --fail-on threshold)
    INVALID = 6  # verify: invalid
    UNKNOWN_SIGNER = 7  # verify: valid, signer not in the policy
    INCOMPLETE = 8  # verify: incomplete, or a figure cannot be computed
    INTERRUPTED = 130


class Stop(Exception):
    """End the command with a message for a person and an exit code."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


_CODES: Final = (
    ("plantseal.config", "ConfigError", Exit.INPUT),
    ("plantseal.importing", "ImportRefused", Exit.INPUT),
    ("plantseal.journal", "JournalError", Exit.UNREACHABLE),
    ("plantseal.keys", "KeyFileError", Exit.INPUT),
)
"""Errors of our own by module: a module that was never imported cannot have raised one."""


def code_of(error: Exception) -> Exit | None:
    """Return the exit code of an error that a person can act on, None for a fault of ours."""
    if isinstance(error, Stop):
        return error.code
    for module, name, code in _CODES:
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], name)):
            return code
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return Exit.INPUT
    if isinstance(error, OSError):
        return Exit.UNREACHABLE
    return None


def guarded(command: Callable[[], object], say: Callable[[str], None]) -> int:
    """Run ``command``; return its exit code, with every error told in words, never a traceback."""
    try:
        command()
    except KeyboardInterrupt:
        say("interrupted")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001  the edge of the process: told, filed, never shown raw
        code = code_of(error)
        if code is not None:
            say(str(error))
            return code
        say(_filed(error))
        return Exit.FAULT
    return Exit.OK


def _filed(error: Exception) -> str:
    path = Path(tempfile.gettempdir()) / f"plantseal-fault-{os.getpid()}.log"
    try:
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        _log.exception("unexpected fault")
        return f"unexpected fault: {type(error).__name__}: {error}"
    return (
        f"unexpected fault: {type(error).__name__}: {error}\n"
        f"this is a defect of plantseal; the details are in {path}, please send that file"
    )
