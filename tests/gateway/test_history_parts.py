"""History in parts: the same rows, each part with bounds that hold, texts only where asked for."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_store import (
    EXTREME_TIMES,
    new_store,
    numbered,
    random_rows,
    submitted,
)

from plantseal import history
from plantseal.journal import Journal
from plantseal.segments import seal
from plantseal_kpi.schema import ROWS

TEXTS = ["运行".encode(), b"AVAILABLE", b"\xff\x00", b"", b"x" * 500]
Span = tuple[int, int]
TIMES = st.sampled_from([t for e in EXTREME_TIMES for t in (e, e + 1) if -(2**63) < t < 2**63])
SPANS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """Three segments and a tail, with every kind of row."""
    journal = new_store(tmp_path_factory.mktemp("parts"))
    for seed in range(4):
        journal.append(submitted(random_rows(seed, 50, len(TEXTS)), TEXTS))
        if seed < 3:
            journal.close_block()
            seal(journal, force=True)
    return journal


def within(frame: pl.LazyFrame, spans: Sequence[Span]) -> pl.DataFrame:
    inside = [pl.lit(False)]
    for start, end in spans:
        for t in ("t_source", "t_receive"):
            inside.append(pl.col(t).is_between(start, end, closed="left").fill_null(False))
    return frame.filter(pl.any_horizontal(inside)).collect().sort("seq")


@given(spans=SPANS)
@settings(deadline=None)
def test_parts_hold_the_rows_of_the_spans(store: Journal, spans: list[Span]) -> None:
    parts = history.parts(store, spans)
    together = within(pl.concat([p.rows for p in parts]), spans)
    assert together.equals(history.rows(store, spans).select(ROWS.names()).collect().sort("seq"))


def test_no_time_of_a_part_lies_outside_its_bounds(store: Journal) -> None:
    parts = history.parts(store, [(-(2**63), 2**63 - 1)])
    assert len(parts) == 4
    for part in parts:
        found = part.rows.collect()
        assert found.schema == ROWS
        times = pl.concat([found["t_source"], found["t_receive"]]).drop_nulls()
        assert (part.start, part.end) == (times.min(), times.max())


def test_segments_outside_the_spans_are_left_out(tmp_path: Path) -> None:
    with new_store(tmp_path) as journal:
        for seq0 in (0, 100, 200):
            journal.append(submitted(numbered(seq0, 100)))
            journal.close_block()
            seal(journal, force=True)
        first = journal.segments()[0]
        parts = history.parts(journal, [(first.t_min, first.t_min + 1)])
        assert [p.rows.collect().height for p in parts] == [0, 100]  # the tail, one segment


def test_rows_from_an_end_on_are_left_out(store: Journal) -> None:
    parts = history.parts(store, [(-(2**63), 2**63 - 1)], rows_end=120)
    found = pl.concat([p.rows for p in parts]).collect()
    assert sorted(found["seq"]) == list(range(120))


def test_texts_are_the_same_whether_read_whole_or_as_used(
    store: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = history.rows(store).collect().sort("seq")
    monkeypatch.setattr(history, "MAX_TEXTS", 0)
    assert history.rows(store).collect().sort("seq").equals(whole)
    assert whole["text"].drop_nulls().n_unique() > 2


def test_who_asks_for_no_text_does_not_read_it(store: Journal) -> None:
    parts = history.parts(store, [(-(2**63), 2**63 - 1)])
    plan = pl.concat([p.rows for p in parts]).select("seq", "t_receive").explain()
    assert "replace" not in plan
    assert "value_i" not in plan
