"""The rows of one chunk as columns of numbers: what leaving out rows looks at, many tags at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plantseal_kpi.rows.lines import Lines
from plantseal_kpi.rows.readings import unavailable
from plantseal_kpi.rows.stretches import ABSENT, Block, Ints, Line, Mask, order_key
from plantseal_kpi.schema import Flag, Kind, VType

_NOT_FRESH: Final = int(Flag.HISTORICAL | Flag.BACKFILLED | Flag.RETAINED | Flag.FIRST)
_NOT_PLAIN: Final = 255 - int(Flag.IMPORTED)
_PLAIN, _IMPORTED, _FRESH, _INTEGER, _REAL = 1, 2, 4, 8, 16
_NONE: Final = np.zeros(0, dtype=np.int64)
_BLOCK_ROWS: Final = 65_536
"""So many rows fit into the cache of a core with all that is computed of them."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows by tag and time; times and values as :class:`plantseal_kpi.rows.stretches.Block`.

    Attributes:
        where: Rows of each tag.
        fresh: Values that came straight from the source.
        words: True where the text is that of the row before; None where no row has a text.
    """

    where: dict[int, slice]
    source: Ints
    receive: Ints
    plain: NDArray[np.int8]
    fresh: Mask
    integer: Ints
    whole: Mask
    real: NDArray[np.float64]
    vtype: NDArray[np.uint8]
    words: Mask | None
    src_seq: NDArray[np.uint32]
    seq: NDArray[np.uint64]


def in_order(frame: pl.DataFrame, rules: Lines) -> pl.DataFrame:
    """Return prepared rows by tag and time."""
    polled = pl.Series([t for t, line in rules.of.items() if line.polled], dtype=pl.UInt32)
    source, receive = (pl.when(pl.col(t) != ABSENT).then(t) for t in ("t_source", "t_receive"))
    key = (
        pl.when(pl.col("tag").is_in(polled.implode()))
        .then(pl.coalesce(receive, source))
        .otherwise(pl.coalesce(source, receive))
    )
    return frame.with_columns(_key=key).sort("tag", "_key").drop("_key")


def prepared(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return rows with what is absent filled in and ``_bits`` that say what was there.

    That is done while the rows are read; :func:`restored` takes it back.
    """
    flags, value = pl.col("flags"), pl.col("kind") == Kind.VALUE
    good = value & (pl.col("status") < 1 << 30) & (pl.col("vtype") != VType.NULL)
    good &= (flags & _NOT_PLAIN) == 0
    bits = {
        _PLAIN: good,
        _IMPORTED: (flags & int(Flag.IMPORTED)) != 0,
        _FRESH: ((flags & _NOT_FRESH) == 0) & value,
        _INTEGER: pl.col("value_i").is_not_null(),
        _REAL: pl.col("value_f").is_not_null(),
    }
    return rows.with_columns(
        pl.col("t_source").fill_null(ABSENT),
        pl.col("t_receive").fill_null(ABSENT),
        pl.col("value_i").fill_null(0),
        pl.col("value_f").fill_null(float("nan")),
        _bits=pl.sum_horizontal(e.cast(pl.UInt8) * pl.lit(n, pl.UInt8) for n, e in bits.items())
        .cast(pl.UInt8),
    )  # fmt: skip


def restored(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that were :func:`prepared` as they were."""

    def has(bit: int) -> pl.Expr:
        return (pl.col("_bits") & pl.lit(bit, pl.UInt8)) != 0

    return rows.with_columns(
        *(pl.when(pl.col(t) != ABSENT).then(t).alias(t) for t in ("t_source", "t_receive")),
        pl.when(has(_INTEGER)).then("value_i").alias("value_i"),
        pl.when(has(_REAL)).then("value_f").alias("value_f"),
    ).drop("_bits")


def columns(frame: pl.DataFrame) -> Columns | None:
    """Return the columns of prepared rows; None if they do not lie by tag."""
    tag = frame["tag"].to_numpy()
    steps = np.flatnonzero(tag[1:] != tag[:-1]) + 1
    begins = [0, *steps.tolist()]
    tags = tag[begins].tolist()
    if any(a >= b for a, b in pairwise(tags)):
        return None
    bits = frame["_bits"].to_numpy()
    plain = np.array([0, 1, 0, 2], dtype=np.int8)[bits & (_PLAIN | _IMPORTED)]
    words = _words(frame["text"], plain)
    return Columns(
        where={
            t: slice(a, z) for t, a, z in zip(tags, begins, [*begins[1:], len(tag)], strict=True)
        },
        source=frame["t_source"].to_numpy(),
        receive=frame["t_receive"].to_numpy(),
        plain=plain,
        fresh=(bits & _FRESH) != 0,
        integer=frame["value_i"].to_numpy(),
        whole=(bits & _INTEGER) != 0,
        real=frame["value_f"].to_numpy(),
        vtype=frame["vtype"].to_numpy(),
        words=words,
        src_seq=frame["src_seq"].to_numpy(),
        seq=frame["seq"].to_numpy(),
    )


def _words(text: pl.Series, plain: NDArray[np.int8]) -> Mask | None:
    """Return where the text is that of the row before; what says that it is no value is not plain."""
    if text.null_count() == len(text):
        return None
    at = text.is_not_null().arg_true()
    told, where = text.gather(at), at.to_numpy()
    different = told.unique()
    bad = different.filter(different.to_frame("text").select(unavailable()).to_series())
    if len(bad):
        plain[where[told.is_in(bad.implode()).to_numpy()]] = 0
    words = np.ones(len(text) + 1, dtype=np.bool_)
    words[where + 1] = False
    words[where] = False
    again = (told == told.shift(1)).fill_null(False).to_numpy()
    words[where[1:][again[1:] & (np.diff(where) == 1)]] = True
    return words[:-1]


def blocks(c: Columns, rules: Lines) -> list[list[int]]:
    """Return the tags whose rows may be left out, in groups that are looked at together."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for tag, s in c.where.items():
        line = rules.of.get(tag)
        if line is not None and line.by != "each" and s.stop - s.start > 2:
            slot = line.period_ns if line.polled else 0
            alike.setdefault((line.polled, line.by, line.still, slot), []).append(tag)
    out: list[list[int]] = []
    for tags in alike.values():
        held = _BLOCK_ROWS
        for tag in tags:
            n = c.where[tag].stop - c.where[tag].start
            if held + n > _BLOCK_ROWS:
                out.append([])
                held = 0
            out[-1].append(tag)
            held += n
    return out


def block(c: Columns, tags: Sequence[int], rules: Lines) -> Block | None:
    """Return the rows of some tags together; None if they do not lie by time."""
    slices = [c.where[t] for t in tags]

    def taken(column: NDArray[Any]) -> NDArray[Any]:
        if len(slices) == 1:
            return column[slices[0]]
        return np.concatenate([column[s] for s in slices])

    lines = [rules.of[t] for t in tags]
    begins = np.cumsum([0, *(s.stop - s.start for s in slices)])
    source, receive = taken(c.source), taken(c.receive)
    key = order_key(lines[0], source, receive)
    back = key[1:] < key[:-1]
    back[begins[1:-1] - 1] = False
    if back.any():
        return None
    integer, whole, real, vtype = taken(c.integer), taken(c.whole), taken(c.real), taken(c.vtype)
    plain = taken(c.plain)
    if lines[0].by == "count":
        plain = np.where(whole | np.isfinite(real), plain, np.int8(0))
    bits = real.view(np.int64)
    same = np.ones(len(key), dtype=np.bool_)
    same[1:] = (integer[1:] == integer[:-1]) & (bits[1:] == bits[:-1]) & (vtype[1:] == vtype[:-1])
    if c.words is not None:
        same &= taken(c.words)
    slot = _NONE
    if lines[0].polled:
        slot = _slots(receive, taken(c.src_seq), lines[0])
    return Block(lines, begins, key, source, receive, plain, slot, integer, whole, real, same)


def distinct(times: Ints) -> Ints:
    """Return the values, sorted, each once."""
    ordered = np.sort(times)
    first: Ints = ordered[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]]
    return first


def _slots(receive: Ints, src_seq: NDArray[np.uint32], line: Line) -> Ints:
    # src_seq holds the low 32 bits of the slot number; the receive time tells the rest.
    current = receive // line.period_ns
    half = 2**31
    behind = ((current - src_seq + half) & (2**32 - 1)) - half
    near = np.abs(behind) <= 86_400 * 10**9 // line.period_ns + 1
    return np.where(near, current - behind, current) * line.period_ns
