"""Sealing changes no bit, loses nothing, and never splits a block."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_store import (
    check_store,
    new_store,
    numbered,
    random_rows,
    stored_rows,
    submitted,
)

from plantseal import segments
from plantseal.journal import Journal, JournalError
from plantseal.journal.columns import decode, encode
from plantseal.segments import SEGMENT_SCHEMA, columns, read_rows, seal

TEXTS = ["运行".encode(), b"AVAILABLE", b"\xff\x00", "停机".encode(), b"", b"x" * 500]
DAY_NS = 86_400 * 10**9


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return new_store(tmp_path / "store")


def blocks_of(journal: Journal, sizes: list[int]) -> None:
    for n in sizes:
        journal.append(submitted(numbered(journal.next_seq(), n)))
        journal.close_block()


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_columns_keep_every_bit_in_the_database(seed: int, n: int) -> None:
    rows = random_rows(seed, n, 3)
    rows["seq"] = np.arange(7, 7 + n)
    assert decode(encode(rows), 7, n).tobytes() == rows.tobytes()


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(deadline=None)
def test_columns_keep_every_bit_in_a_segment(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int
) -> None:
    rows = random_rows(seed, n, 3)
    rows["seq"] = np.arange(n)
    frame = columns(rows)
    assert frame.schema == SEGMENT_SCHEMA
    path = tmp_path_factory.mktemp("segment") / "s.parquet"
    frame.sort("tag", "t", "seq").write_parquet(path)
    assert read_rows(path).tobytes() == rows.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_a_sealed_store_gives_back_what_was_appended_bit_for_bit(
    journal: Journal, seed: int
) -> None:
    rows = random_rows(seed, 700, len(TEXTS))
    for part in np.array_split(rows, [100, 101, 450]):
        journal.append(submitted(part, TEXTS))
        journal.close_block()
    before = stored_rows(journal)
    plain = before["vtype"] < 5
    for name in rows.dtype.names or ():
        if name != "seq":
            assert np.array_equal(before[name][plain], rows[name][plain])
    for row, original in zip(before[~plain], rows[~plain], strict=True):
        assert journal.texts(int(row["value"]), 1) == [TEXTS[int(original["value"])]]
    made = seal(journal, force=True)
    assert [(s.path, s.seq0, s.n) for s in made] == [("segments/000001.parquet", 0, 700)]
    assert stored_rows(journal).tobytes() == before.tobytes()
    assert read_rows(journal.root / made[0].path).tobytes() == before.tobytes()
    assert list(journal.tail()) == []
    times = np.concatenate([rows["t_source"], rows["t_receive"]])
    times = times[times != -(2**63)]
    assert (made[0].t_min, made[0].t_max) == (times.min(), times.max())
    journal.close()
    check_store(journal.root)


def test_a_segment_is_sorted_by_tag_and_time(journal: Journal) -> None:
    journal.append(submitted(random_rows(1, 500, 0)))
    journal.close_block()
    (made,) = seal(journal, force=True)
    frame = pl.read_parquet(journal.root / made.path)
    assert frame.equals(frame.sort("tag", "t", "seq"))


def test_rows_without_any_time_have_an_empty_extent(journal: Journal) -> None:
    rows = numbered(0, 2)
    rows["t_source"] = rows["t_receive"] = -(2**63)
    journal.append(submitted(rows))
    journal.close_block()
    (made,) = seal(journal, force=True)
    assert (made.t_min, made.t_max) == (0, -1)


def test_only_full_segments_and_ended_days_are_sealed_unless_forced(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "MAX_ROWS", 100)
    blocks_of(journal, [40, 40, 30, 70, 10, 20])
    journal.append(submitted(numbered(210, 5)))
    made = seal(journal)
    assert [(s.seq0, s.n) for s in made] == [(0, 80), (80, 100)]
    last = list(journal.blocks())[-1]
    assert seal(journal) == []
    assert [(s.seq0, s.n) for s in seal(journal, day_start_ns=last.wall_ns)] == [(180, 10)]
    assert [(s.seq0, s.n) for s in seal(journal, force=True)] == [(190, 20)]
    assert seal(journal, force=True) == []
    assert stored_rows(journal)["seq"].tolist() == list(range(215))
    journal.close()
    check_store(journal.root)


def test_a_block_larger_than_a_segment_is_sealed_alone(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "MAX_ROWS", 50)
    blocks_of(journal, [10, 120, 10])
    assert [s.n for s in seal(journal, force=True)] == [10, 120, 10]
    monkeypatch.setattr(segments, "MAX_BYTES", 1)
    blocks_of(journal, [3, 4])
    assert [s.n for s in seal(journal, force=True)] == [3, 4]


def test_a_row_changed_in_the_database_is_noticed_and_nothing_is_deleted(journal: Journal) -> None:
    blocks_of(journal, [10, 10])
    altered = numbered(10, 10)
    altered["value"][3] += 1
    with sqlite3.connect(journal.path) as db:
        db.execute("UPDATE batches SET body=? WHERE seq0=10", (encode(altered),))
    db.close()
    with pytest.raises(JournalError, match="rows 10 to 19 are not those of block entry 3"):
        seal(journal, force=True)
    assert journal.segments() == []
    assert len(stored_rows(journal)) == 20
    assert list((journal.root / "segments").iterdir()) == []


def test_a_file_left_by_a_crash_before_its_entry_is_written_anew(journal: Journal) -> None:
    blocks_of(journal, [10])
    (journal.root / "segments").mkdir()
    (journal.root / "segments" / "000001.parquet").write_bytes(b"half a file")
    (journal.root / "segments" / "000001.parquet.part").write_bytes(b"half a file")
    seal(journal, force=True)
    assert [p.name for p in (journal.root / "segments").iterdir()] == ["000001.parquet"]
    journal.close()
    check_store(journal.root)


def test_the_database_shrinks_when_its_rows_are_sealed(journal: Journal) -> None:
    rows = random_rows(5, 60_000, 0)
    for _ in range(4):
        journal.append(submitted(rows))
    journal.close_block()
    before = journal.stored_bytes(0, 240_000)
    seal(journal, force=True)
    journal.close()  # the last to leave moves the write-ahead log into the file
    assert before > 1_000_000
    assert journal.path.stat().st_size < before / 4


def test_two_that_seal_at_once_make_no_segment_twice(journal: Journal) -> None:
    blocks_of(journal, [50] * 6)
    other = Journal.open(journal.root)
    threads = [
        threading.Thread(target=seal, args=(j,), kwargs={"force": True}) for j in (journal, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(s.n for s in journal.segments()) == 300
    other.close()
    journal.close()
    kinds = [e["t"] for e in check_store(journal.root)]
    assert kinds.count("segment") == 1


def test_a_segment_out_of_order_is_refused(journal: Journal) -> None:
    blocks_of(journal, [10])
    (made,) = seal(journal, force=True)
    with pytest.raises(JournalError, match="does not follow row 9"):
        journal.add_segment(made)


def test_what_is_no_segment_is_refused_in_words(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"hello")
    with pytest.raises(JournalError, match="cannot be read"):
        read_rows(path)
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(JournalError, match="not those of a segment"):
        read_rows(path)
    with pytest.raises(JournalError, match="cannot be read"):
        read_rows(tmp_path / "missing.parquet")
    (journal.root / "segments").write_bytes(b"a file where a directory should be")
    with pytest.raises(JournalError, match="cannot be written"):
        seal(journal, force=True)
