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

from plantseal.cli.output import word

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
    ("plantseal.evidence.seal", "SealError", Exit.INPUT),
    ("plantseal.evidence.inputs", "NothingConfigured", Exit.INPUT),
)
"""Errors of our own by module: a module that was never imported cannot have raised one."""


_EXTRAS: Final = {
    "asyncua": "gateway",
    "fastexcel": "gateway",
    "google": "gateway",
    "paho": "gateway",
    "pymodbus": "gateway",
    "zstandard": "gateway",
    "amqtt": "demo",
}
"""Which part of the installation brings a library that the evaluator's install is without."""


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
            say(_words(error))
            return code
        if remedy := _not_installed(error):
            say(remedy)
            return Exit.INPUT
        say(_filed(error))
        return Exit.FAULT
    return Exit.OK


def _words(error: Exception) -> str:
    """Return an error's message; the system's own without its number, the file in front.

    Example:
        >>> _words(PermissionError(13, "Permission denied", "data/journal.db"))
        'data/journal.db: permission denied'
    """
    if isinstance(error, OSError) and error.strerror and error.errno:
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


def _not_installed(error: Exception) -> str | None:
    """Return what to install when a library of an extra is missing, None for any other error."""
    library = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if library not in _EXTRAS:
        return None
    extra = _EXTRAS[library]
    return word(
        f"this installation is the evaluator's: {library} is not installed, which this command "
        f"needs; run: pip install 'plantseal[{extra}]'",
        f"当前为评审方安装，缺少本命令所需的 {library}；请执行：pip install 'plantseal[{extra}]'",
    )


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
