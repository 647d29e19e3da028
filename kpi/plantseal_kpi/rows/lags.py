"""Delays of rows that are left out, counted in whole milliseconds."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plantseal_kpi.rows.marks import LAGS
from plantseal_kpi.rows.stretches import Ints

_WIDE: Final = 4096
"""Delays of one group mostly differ by less [ms]."""
_MOST: Final = 2**20
Counted = tuple[Ints, Ints, NDArray[np.int64]]
"""Group, milliseconds, how often."""


def counted(group: Ints, n: Ints, ms: Ints, least: Ints) -> Counted:
    """Return how often each delay of each group comes up.

    Args:
        group: Of each stretch, from 0.
        n: Delays of each stretch.
        ms: Delays of all stretches, one after the other [ms].
        least: The least of each group [ms].

    Example:
        >>> one = np.array
        >>> found = counted(one([0, 1]), one([3, 1]), one([7, 9, 7, 99_999]), one([7, 99_999]))
        >>> [x.tolist() for x in found]
        [[0, 0, 1], [7, 9, 99999], [2, 1, 1]]
    """
    if not len(ms):
        return group[:0], ms, ms
    above = ms - np.repeat(least[group], n)
    width = min(int(above.max()) + 1, _WIDE)
    if width * len(least) > _MOST:
        return _slowly(np.repeat(group, n), ms)
    place = above + np.repeat(group * width, n)
    wide = above >= width
    rare = _slowly(np.repeat(group, n)[wide], ms[wide]) if wide.any() else None
    often = np.bincount(place if rare is None else place[~wide])
    found = np.flatnonzero(often)
    of = found // width
    plain = of, found - of * width + least[of], often[found]
    if rare is None:
        return plain
    a, b, c = (np.concatenate(x) for x in zip(plain, rare, strict=True))
    return a, b, c


def _slowly(group: Ints, ms: Ints) -> Counted:
    told = pl.DataFrame({"group": group, "ms": ms}).group_by("group", "ms").agg(n=pl.len())
    return told["group"].to_numpy(), told["ms"].to_numpy(), told["n"].cast(pl.Int64).to_numpy()


def lag_frame(
    heads: Sequence[tuple[int, bool, bool, int]], found: Sequence[Counted]
) -> pl.DataFrame:
    """Return :data:`LAGS` of all groups together.

    Args:
        heads: Link, imported, polled, earliest receive time [ns] of each group.
        found: What was counted of them.
    """
    if not found:
        return pl.DataFrame(schema=LAGS)
    group, ms, n = (np.concatenate(x) for x in zip(*found, strict=True))
    told = pl.DataFrame({"group": group, "ms": ms, "n": n}).group_by("group", "ms").agg(
        pl.col("n").sum()
    )  # fmt: skip
    named = pl.DataFrame(
        list(heads), schema={c: LAGS[c] for c in ("link", "imported", "polled", "since")},
        orient="row",
    ).with_columns(group=pl.int_range(pl.len(), dtype=pl.Int64))  # fmt: skip
    return told.join(named, on="group").select(*LAGS)
