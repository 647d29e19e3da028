"""Wall clock, boot clock and what the kernel knows of their quality; reads only, never sets.

Every block entry carries one reading, so that a step of the wall clock shows against the boot
clock, which runs through suspend and cannot be set.
"""

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC: Final = 0x0040  # <linux/timex.h>
_STA_NANO: Final = 0x2000
_TIME_ERROR: Final = 5


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One reading of the clocks.

    Attributes:
        wall_ns: Wall clock [ns since the Unix epoch, UTC].
        boot_ns: Time since the machine booted, suspend included [ns].
        synced: What the kernel says of the wall clock; None where it does not say.
        offset_ns: Offset that the kernel is still slewing away [ns]; None where unknown.
        max_error_ns: Kernel's bound on the error [ns]; None where unknown.
    """

    wall_ns: int
    boot_ns: int
    synced: bool | None
    offset_ns: int | None
    max_error_ns: int | None


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux; with ``modes`` 0 the call only reads."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),  # longer than any kernel writes
    )


def read_clock() -> ClockReading:
    """Return the clocks now; never fails, what the kernel does not say is None."""
    synced, offset_ns, max_error_ns = _kernel()
    wall_ns, boot_ns = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return ClockReading(wall_ns, boot_ns, synced, offset_ns, max_error_ns)


def _kernel() -> tuple[bool | None, int | None, int | None]:
    timex = _Timex(modes=0)
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):  # a C library without the call
        return None, None, None
    if state < 0:  # forbidden, as in some containers
        return None, None, None
    scale = 1 if timex.status & _STA_NANO else 1_000
    synced = state != _TIME_ERROR and not timex.status & _STA_UNSYNC
    return synced, timex.offset * scale, timex.maxerror * 1_000


def boot_id() -> str:
    """Return the kernel's id of this boot of the machine; empty where it gives none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
