"""Interval sets against sets of whole numbers."""

from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from plantseal_kpi import intervals
from plantseal_kpi.calendar import merged, without

spans = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 40)), max_size=12)
SCHEMA = {"key": pl.Int64, "start": pl.Int64, "end": pl.Int64}


def as_frame(listed):
    return pl.DataFrame(listed, schema=SCHEMA, orient="row")


def points(listed):
    return {(k, t) for k, a, b in listed for t in range(a, b)}


def canonical(result):
    """Disjoint, not touching, sorted, none empty."""
    rows = result.rows()
    for (k, a, b), (k2, a2, _) in pairwise(rows):
        assert a < b
        assert (k, b) < (k2, a2)
    return points(rows)


@given(spans)
def test_union(a):
    assert canonical(intervals.union(as_frame(a), ["key"])) == points(a)


@given(spans, spans)
def test_intersect(a, b):
    assert canonical(intervals.intersect(as_frame(a), as_frame(b), ["key"])) == points(a) & points(
        b
    )


@given(spans, spans)
def test_subtract(a, b):
    assert canonical(intervals.subtract(as_frame(a), as_frame(b), ["key"])) == points(a) - points(b)


@given(spans, st.integers(0, 40), st.integers(0, 40))
def test_clip_and_measure(a, start, end):
    united = intervals.union(as_frame(a), ["key"])
    clipped = intervals.clip(united, start, end)
    wanted = {(k, t) for k, t in points(a) if start <= t < end}
    assert points(clipped.rows()) == wanted
    lengths = dict(intervals.measure(clipped, ["key"]).iter_rows())
    assert lengths == {k: n for k in range(3) if (n := sum(x == k for x, _ in wanted))}


@given(spans, spans)
def test_plain_spans_of_the_calendar(a, b):
    one, other = [(x, y) for _, x, y in a], [(x, y) for _, x, y in b]

    def flat(listed):
        return {t for x, y in listed for t in range(x, y)}

    assert flat(merged(one)) == flat(one)
    assert flat(without(one, other)) == flat(one) - flat(other)


def test_sums_go_past_32_bits():
    long = as_frame([(0, i * 10**12, i * 10**12 + 5 * 10**11) for i in range(20_000)])
    assert intervals.measure(intervals.union(long, ["key"]), ["key"]).item(0, "ns") == 10**16
