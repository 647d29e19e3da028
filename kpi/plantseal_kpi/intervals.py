"""Sets of half-open time intervals, one set a key: union, intersect, subtract, measure.

A frame of spans has key columns and ``start``, ``end`` [ns since the epoch, Int64]. Every function
returns disjoint spans that do not touch, sorted by key and start, whatever the order, overlap or
split of its input; empty spans vanish. All is one sweep over the edges: sort, running sum, keep.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

SPAN: Final = {"start": pl.Int64, "end": pl.Int64}


def spans_frame(spans: Sequence[tuple[int, int]], **keys: int | str) -> pl.DataFrame:
    """Return a frame of ``spans`` [ns] with constant key columns.

    Example:
        >>> spans_frame([(0, 5)], tag=7).rows()
        [(7, 0, 5)]
    """
    frame = pl.DataFrame(spans, schema=SPAN, orient="row")
    return frame.select(*(pl.lit(v).alias(k) for k, v in keys.items()), "start", "end")


def _sweep(sets: Sequence[pl.DataFrame], by: Sequence[str], keep: pl.Expr) -> pl.DataFrame:
    depths = [f"_depth{i}" for i in range(len(sets))]
    edges = []
    for i, spans in enumerate(sets):
        real = spans.filter(pl.col("end") > pl.col("start"))
        for column, step in (("start", 1), ("end", -1)):
            steps = [pl.lit(step if i == j else 0, pl.Int64).alias(d) for j, d in enumerate(depths)]
            edges.append(real.select(*by, pl.col(column).alias("start"), *steps))
    at = pl.concat(edges).group_by(*by, "start").agg(pl.col(depths).sum()).sort(*by, "start")
    inside = at.with_columns(pl.col(depths).cum_sum().over(by)).select(*by, "start", _in=keep)
    turns = inside.filter(
        pl.col("_in") != pl.col("_in").shift(1, fill_value=False).over(by)
    ).with_columns(end=pl.col("start").shift(-1).over(by))
    return turns.filter("_in").select(*by, "start", "end")


def union(spans: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the time covered by at least one span of each key.

    Example:
        >>> union(spans_frame([(0, 5), (5, 7), (9, 9)], tag=1), ["tag"]).rows()
        [(1, 0, 7)]
    """
    return _sweep([spans], by, pl.col("_depth0") > 0)


def intersect(a: pl.DataFrame, b: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the time that lies in both ``a`` and ``b``, key by key.

    Example:
        >>> intersect(spans_frame([(0, 9)], tag=1), spans_frame([(3, 5)], tag=1), ["tag"]).rows()
        [(1, 3, 5)]
    """
    return _sweep([a, b], by, (pl.col("_depth0") > 0) & (pl.col("_depth1") > 0))


def subtract(a: pl.DataFrame, b: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the time of ``a`` that does not lie in ``b``, key by key.

    Example:
        >>> subtract(spans_frame([(0, 9)], tag=1), spans_frame([(3, 5)], tag=1), ["tag"]).rows()
        [(1, 0, 3), (1, 5, 9)]
    """
    return _sweep([a, b], by, (pl.col("_depth0") > 0) & (pl.col("_depth1") == 0))


def clip(spans: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """Return each span cut to [start, end) [ns]; what lies outside vanishes.

    Example:
        >>> clip(spans_frame([(0, 9), (20, 30)], tag=1), 4, 25).rows()
        [(1, 4, 9), (1, 20, 25)]
    """
    return spans.with_columns(
        start=pl.max_horizontal("start", pl.lit(start)), end=pl.min_horizontal("end", pl.lit(end))
    ).filter(pl.col("end") > pl.col("start"))


def measure(spans: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return ``ns``, the summed length of the spans of each key [ns]; they must be disjoint.

    Example:
        >>> measure(spans_frame([(0, 3), (5, 9)], tag=1), ["tag"]).rows()
        [(1, 7)]
    """
    return spans.group_by(by).agg(ns=(pl.col("end") - pl.col("start")).sum()).sort(by)


def length(spans: Sequence[tuple[int, int]]) -> int:
    """Return the summed length [ns] of disjoint spans.

    Example:
        >>> length([(0, 3), (5, 9)])
        7
    """
    return sum(end - start for start, end in spans)
