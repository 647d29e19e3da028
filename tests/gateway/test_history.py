"""History is one table, whatever part of it is sealed, and says what the rows say."""

import struct
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_store import (
    EXTREME_TIMES,
    check_store,
    new_store,
    numbered,
    random_rows,
    stored_rows,
    submitted,
)

from plantseal import history
from plantseal.evidence.verify_rows import frame as verifier_frame
from plantseal.evidence.verify_rows import keep, read_segment
from plantseal.journal import Journal, JournalError, SegmentInfo
from plantseal.journal import store as journal_store
from plantseal.segments import seal
from plantseal_kpi.schema import ROWS

TEXTS = ["运行".encode(), b"AVAILABLE", b"\xff\x00", b"", b"x" * 500, b"y" * 500]
ABSENT = -(2**63)

Span = tuple[int, int]


def slow(journal: Journal, spans: Sequence[Span] | None, tags: Sequence[int] | None) -> list:
    """The rows of a store, one by one, straight from their bytes."""
    found = []
    for row in stored_rows(journal):
        seq, tag, status, t_source, t_server, t_receive, src_seq, kind, vtype, flags, _, bits = row
        times = [int(t) for t in (t_source, t_receive) if t != ABSENT]
        if spans is not None and not any(a <= t < b for t in times for a, b in spans):
            continue
        if tags is not None and tag not in tags:
            continue
        bits = int(bits)
        signed = bits - 2**64 if bits >= 2**63 else bits
        found.append(
            (
                int(seq), int(tag), int(status),
                *(None if t == ABSENT else int(t) for t in (t_source, t_server, t_receive)),
                int(src_seq), int(kind), int(vtype), int(flags),
                signed if vtype in (1, 2) or (vtype == 3 and signed >= 0) else None,
                struct.pack("<Q", bits) if vtype == 4 else None,
                journal.texts(bits, 1)[0].decode() if vtype == 5 else None,
            )
        )  # fmt: skip
    return found


def listed(frame: pl.LazyFrame) -> list:
    """The rows of a frame in journal order, floats as their bytes."""
    found = frame.collect().sort("seq")
    assert found.schema == ROWS
    return [
        (*r[:11], None if r[11] is None else struct.pack("<d", r[11]), r[12]) for r in found.rows()
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return new_store(tmp_path / "store")


@pytest.fixture
def mixed(journal: Journal) -> Journal:
    """Two segments, closed blocks not yet sealed, and an open block."""
    rows = random_rows(11, 400, len(TEXTS))
    for i, part in enumerate(np.array_split(rows, 8)):
        journal.append(submitted(part, TEXTS))
        if i != 7:
            journal.close_block()
        if i in (1, 4):
            seal(journal, force=True)
    assert len(journal.segments()) == 2
    return journal


def test_every_row_says_what_its_bytes_say(mixed: Journal) -> None:
    assert listed(history.rows(mixed)) == slow(mixed, None, None)


@given(
    spans=st.none()
    | st.lists(
        st.tuples(st.sampled_from(EXTREME_TIMES[1:]), st.sampled_from(EXTREME_TIMES[1:])),
        max_size=3,
    ),
    tags=st.none() | st.lists(st.integers(0, 4), max_size=3),
)
@settings(deadline=None, max_examples=40)
def test_spans_and_tags_keep_what_a_slow_reader_keeps(
    shared: Journal, spans: list[Span] | None, tags: list[int] | None
) -> None:
    assert listed(history.rows(shared, spans, tags)) == slow(shared, spans, tags)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    journal = new_store(tmp_path_factory.mktemp("shared"))
    for i, part in enumerate(np.array_split(random_rows(3, 120, len(TEXTS)), 6)):
        journal.append(submitted(part, TEXTS))
        if i != 5:
            journal.close_block()
        if i in (1, 3):
            seal(journal, force=True)
    return journal


def test_an_empty_store_is_an_empty_table(journal: Journal) -> None:
    assert listed(history.rows(journal)) == []
    assert listed(history.rows(journal, [(0, 1)], [1])) == []
    assert listed(history.rows(journal, [])) == []


def test_the_verifier_reads_the_same_table(journal: Journal) -> None:
    journal.append(submitted(random_rows(2, 300, len(TEXTS)), TEXTS))
    journal.close_block()
    (made,) = seal(journal, force=True)
    texts = dict(enumerate(journal.texts(0, 6)))
    kept = journal.root / "kept.ipc"
    keep(read_segment(journal.root / made.path, made.path), kept)
    theirs = verifier_frame([kept], texts)
    assert listed(theirs) == listed(history.rows(journal))


@given(
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, 150), max_size=6),
    closes=st.sets(st.integers(0, 150), max_size=3),
)
@settings(deadline=None, max_examples=12)
def test_however_rows_are_split_into_batches_blocks_and_history_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: list[int], closes: set[int]
) -> None:
    rows = random_rows(seed, 150, len(TEXTS))
    stores = []
    for points in (closes, closes | set(cuts)):
        journal = new_store(tmp_path_factory.mktemp("split"))
        bounds = [0, *sorted(points), 150]
        for start, end in pairwise(bounds):
            journal.append(submitted(rows[start:end], TEXTS))
            if end in closes:
                journal.close_block()
        journal.close_block()
        stores.append(journal)
    one, other = (
        [(b.seq0, b.n, b.rows_sha256, b.text0, b.text_n, b.texts_sha256) for b in j.blocks()]
        for j in stores
    )
    assert one == other
    assert listed(history.rows(stores[0])) == listed(history.rows(stores[1]))
    for journal in stores:
        journal.close()
        check_store(journal.root)


def test_long_batches_are_cut_into_the_same_blocks_however_they_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_store, "BLOCK_ROWS", 1_000)
    monkeypatch.setattr(journal_store, "MAX_ROWS", 300)
    rows = random_rows(9, 4_700, len(TEXTS))
    digests = []
    for name, sizes in (("whole", [4_700]), ("parts", [900, 1, 99, 2_500, 1_200])):
        journal = new_store(tmp_path / name)
        for part in np.split(rows, np.cumsum(sizes)[:-1]):
            journal.append(submitted(part, TEXTS))
        digests.append([(b.n, b.rows_sha256, b.texts_sha256) for b in journal.blocks()])
        journal.close()
        check_store(journal.root)
    assert digests[0] == digests[1]
    assert [n for n, _, _ in digests[0]] == [1_000] * 4


def test_a_reader_beside_a_writer_that_seals_misses_and_doubles_nothing(journal: Journal) -> None:
    reader = Journal.open(journal.root, read_only=True)
    done = threading.Event()

    def write() -> None:
        for _ in range(40):
            rows = numbered(journal.next_seq(), 100)
            rows["vtype"][0], rows["value"][0] = 5, 0
            journal.append(submitted(rows, [b"text %d" % len(journal.segments())]))
            journal.close_block()
            seal(journal, force=True)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    looks = []
    while not done.is_set():
        least = reader.next_seq()
        seqs = history.rows(reader).select("seq").collect()["seq"].sort()
        assert seqs.equals(pl.Series("seq", range(len(seqs)), dtype=pl.UInt64))
        assert len(seqs) >= least
        looks.append(len(seqs))
    writer.join()
    assert len(looks) > 3
    assert history.rows(reader).select(pl.len()).collect().item() == 4_000
    reader.close()


class SealedMeanwhile(Journal):
    """A reader whose writer seals just after it has looked at the list of segments."""

    writer: Journal | None = None

    def segments(self) -> list[SegmentInfo]:
        found = super().segments()
        if self.writer is not None:
            seal(self.writer, force=True)
            self.writer = None
        return found


@pytest.mark.parametrize("open_rows", [0, 5, 40])
def test_rows_sealed_while_history_looks_are_neither_lost_nor_doubled(
    journal: Journal, open_rows: int
) -> None:
    journal.append(submitted(numbered(0, 20)))
    journal.close_block()
    if open_rows:
        journal.append(submitted(numbered(20, open_rows)))
    reader = SealedMeanwhile.open(journal.root, read_only=True)
    reader.writer = journal
    seqs = history.rows(reader).select("seq").collect()["seq"].sort().to_list()
    assert journal.sealed_end() == 20
    assert seqs == list(range(20 + open_rows))
    reader.close()


def test_a_segment_that_is_missing_or_cut_short_is_refused_in_words(mixed: Journal) -> None:
    path = mixed.root / mixed.segments()[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(JournalError, match=f"{len(whole) - 10} bytes, the log says {len(whole)}"):
        history.rows(mixed)
    path.write_bytes(b"x" * len(whole))
    with pytest.raises(JournalError, match="cannot be read"):
        history.rows(mixed)
    path.unlink()
    with pytest.raises(JournalError, match="No such file"):
        history.rows(mixed)
