"""Step 10: do the wall clock and the boot clock of the blocks run together.

The boot clock of the kernel cannot be set, so within one boot a change of their difference is a
step of the wall clock. A step that no ``clock`` entry explains does not refute a row; it leaves the
time unproven. A boot clock that runs backwards within a boot is no clock at all.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from plantseal.evidence.format import Code, Finding
from plantseal.evidence.verify_log import Log

MAX_STEP_NS: Final = 2 * 10**9
"""Slewing moves a clock by 500 ppm, 30 ms in a block of a minute; more than this is a step."""


def check_clock(log: Log) -> Iterator[Finding]:
    """Yield E503 for a boot clock that goes back, E505 for a step that no entry explains."""
    logged = [e.index for e in log.of("clock")]
    for before, block in zip(log.blocks, log.blocks[1:], strict=False):
        if before.boot != block.boot:
            continue
        elapsed = block.boot_ns - before.boot_ns
        if elapsed < 0:
            yield Finding(
                Code.TIME_BOUNDS,
                f"entry {block.index}: boot clock went back by {-elapsed} ns within one boot",
            )
        step = block.wall_ns - before.wall_ns - elapsed
        if abs(step) > MAX_STEP_NS and not any(before.index < i < block.index for i in logged):
            yield Finding(
                Code.CLOCK_STEP,
                f"entry {block.index}: wall clock stepped by {step / 1e9:.3f} s since entry "
                f"{before.index}, and no clock entry says so",
            )


def shown(t_ns: int) -> str:
    """Return a time as RFC 3339 UTC to the millisecond, for a person.

    Example:
        >>> shown(1_700_000_000_123_000_000)
        '2023-11-14T22:13:20.123Z'
    """
    try:
        t = datetime.fromtimestamp(t_ns // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{t_ns} ns"
    return f"{t:%Y-%m-%dT%H:%M:%S}.{t_ns // 10**6 % 1000:03}Z"
