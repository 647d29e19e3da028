"""What the journal promises while all goes well, and how it refuses."""

import hashlib
import json
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from plantseal_testing_store import (
    CONFIG,
    ORIGIN,
    check_store,
    new_store,
    numbered,
    open_store,
    stored_rows,
    submitted,
)

from plantseal import keys, note
from plantseal.journal import Journal, JournalError, Progress, Submitted
from plantseal_connectors.rows import ABSENT, ROW, Batch, Kind, RowList, VType


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return new_store(tmp_path / "store")


def entries(journal: Journal) -> list[dict[str, object]]:
    return [json.loads(line) for line in journal.entries()]


def test_a_new_store_begins_with_genesis_and_a_clean_boot(journal: Journal) -> None:
    genesis, boot = entries(journal)
    assert (genesis["t"], genesis["origin"], genesis["custody"]) == ("genesis", ORIGIN, "K0")
    assert genesis["vkey"] == journal.vkey
    assert (boot["t"], boot["clean"]) == ("boot", True)
    assert (journal.origin, journal.size, journal.next_seq()) == (ORIGIN, 2, 0)
    assert journal.checkpoint() is None


def test_appended_rows_get_the_next_numbers_and_the_rest_as_it_was(journal: Journal) -> None:
    rows = numbered(0, 1_000)
    rows["seq"] = 77  # whatever a connector left there
    assert journal.append(submitted(rows[:300])) == range(300)
    assert journal.append(submitted(rows[300:])) == range(300, 1_000)
    assert journal.append([]) == range(1_000, 1_000)
    rows["seq"] = np.arange(1_000)
    assert np.array_equal(stored_rows(journal), rows)


def test_one_commit_takes_the_batches_of_several_sources_in_order(journal: Journal) -> None:
    def batch(value: str, t: int, closed: tuple[tuple[int, int], ...] = ()) -> Batch:
        rows = RowList()
        rows.add(tag=1, t_receive=t, value=value)
        return rows.batch(closed)

    journal.append(
        [
            Submitted("cell", batch("运行", 10, ((0, 41), (1, 7)))),
            Submitted("meter", batch("停机", 20)),
            Submitted("cell", batch("运行", 30, ((0, 42),))),
        ]
    )
    assert journal.progress() == {
        ("cell", 0): Progress(42, 30),
        ("cell", 1): Progress(7, 10),
        ("cell", -1): Progress(0, 30),
        ("meter", -1): Progress(0, 20),
    }
    assert stored_rows(journal)["value"].tolist() == [0, 1, 0]
    assert journal.texts(0, 2) == ["运行".encode(), "停机".encode()]
    assert journal.texts_at([1]) == {1: "停机".encode()}


def test_rows_without_receive_time_are_no_progress_of_the_source(journal: Journal) -> None:
    rows = RowList()
    rows.add(tag=1, t_receive=ABSENT, t_source=5)
    journal.append([Submitted("recorded", rows.batch())])
    assert journal.progress() == {}


def test_a_text_that_is_not_utf8_becomes_bytes_and_a_null_has_no_bits(journal: Journal) -> None:
    rows = np.zeros(3, dtype=ROW)
    rows["vtype"], rows["value"] = [VType.TEXT, VType.NULL, VType.BYTES], [0, 99, 1]
    rows["zero"] = 1
    journal.append(submitted(rows, [b"\xff", "é".encode()]))
    kept = stored_rows(journal)
    assert kept["vtype"].tolist() == [VType.BYTES, VType.NULL, VType.BYTES]
    assert kept["value"].tolist() == [0, 0, 1]
    assert kept["zero"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("batch", "why"),
    [
        (Batch(np.zeros(2, dtype="<u8")), "batch of test: dtype uint64"),
        (Batch(np.array([(0,) * 9 + (0, 0, 0)], ROW).reshape(1, 1)), "expected rows of 56 bytes"),
        (Batch(np.array([(0,) * 8 + (7, 0, 0, 0)], ROW)), "value type 7 is unknown"),
        (Batch(np.array([(0,) * 8 + (5, 0, 0, 1)], ROW), (b"a",)), "points at text 1, it has 1"),
    ],
)
def test_a_malformed_batch_is_refused_whole_and_the_journal_goes_on(
    journal: Journal, batch: Batch, why: str
) -> None:
    good = RowList()
    good.add(tag=1, t_receive=1, value="x")
    first = good.batch()
    with pytest.raises(ValueError, match=why):
        journal.append([Submitted("test", first), Submitted("test", batch)])
    assert (journal.next_seq(), journal.progress()) == (0, {})
    assert journal.append([Submitted("test", first)]) == range(1)
    assert journal.texts(0, 1) == [b"x"]
    journal.close()
    check_store(journal.root)


def test_a_block_covers_rows_and_new_texts_and_is_signed(journal: Journal) -> None:
    rows = RowList()
    rows.add(tag=1, t_receive=1, value="a")
    rows.add(tag=1, t_receive=2, kind=Kind.UNPARSED, value=b"\x00\xff")
    journal.append([Submitted("s", rows.batch())])
    assert not journal.block_due()
    assert journal.close_block()
    assert not journal.close_block()
    rows.add(tag=1, t_receive=3, value="a")
    journal.append([Submitted("s", rows.batch())])
    journal.close_block()
    first, second = (e for e in entries(journal) if e["t"] == "block")
    assert (first["seq0"], first["n"], first["text0"], first["text_n"]) == ("0", "2", "0", "2")
    assert (second["seq0"], second["n"], second["text0"], second["text_n"]) == ("2", "1", "2", "0")
    assert first["config"] is None
    signed = journal.checkpoint()
    assert signed is not None
    assert note.open_checkpoint(signed, [journal.vkey]).size == journal.size
    assert [(b.seq0, b.n, b.entry) for b in journal.blocks()] == [(0, 2, 2), (2, 1, 3)]
    journal.close()
    check_store(journal.root)


def test_a_checkpoint_on_demand_covers_every_entry(journal: Journal) -> None:
    journal.record("export", {"bundle": "七月", "rows": "12"})
    signed = journal.sign_checkpoint()
    assert signed == journal.checkpoint()
    assert note.open_checkpoint(signed, [journal.vkey]).size == journal.size == 3


def test_a_configuration_closes_the_block_and_is_logged_once(journal: Journal) -> None:
    assert journal.config_in_force() is None
    sha256 = journal.configure(CONFIG)
    assert journal.configure(CONFIG) == sha256
    journal.append(submitted(numbered(0, 5)))
    other = b'{"schema":"plantseal.config/2"}'
    journal.configure(other)
    journal.append(submitted(numbered(5, 5)))
    journal.close_block()
    kinds = [e["t"] for e in entries(journal)]
    assert kinds == ["genesis", "boot", "config", "block", "config", "block"]
    assert [e["config"] for e in entries(journal) if e["t"] == "block"] == ["2", "4"]
    assert journal.config(sha256) == CONFIG
    in_force = journal.config_in_force()
    assert in_force is not None
    assert in_force[1] == other
    journal.configure(CONFIG)  # back again: a change like any other
    assert [e["t"] for e in entries(journal)][-1] == "config"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"schema": "x"}', b'{"schema":1}', b"\xff"])
def test_a_configuration_that_is_not_canonical_is_refused(journal: Journal, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"json|configuration"):
        journal.configure(body)
    assert journal.size == 2


def test_only_the_journal_writes_its_own_entries(journal: Journal) -> None:
    for kind in ("genesis", "block", "segment", "config", "boot", "recovery", "clock"):
        with pytest.raises(ValueError, match="only the journal itself"):
            journal.record(kind, {})
    for body in ({"i": "1"}, {"n": 2**60}, {"x": float("nan")}):
        with pytest.raises(ValueError, match=r"."):
            journal.record("gap", body)
    assert journal.record("gap", {"reason": "停电"}) == 2


def test_tag_ids_are_given_once_and_kept(journal: Journal) -> None:
    assert journal.tag_ids(["b", "a", "b"]) == {"b": 1, "a": 2}
    root = journal.root
    journal.close()
    with open_store(root) as again:
        assert again.tag_ids(["主轴", "a"]) == {"主轴": 3, "a": 2}
        assert again.known_tags() == {"b": 1, "a": 2, "主轴": 3}


def test_a_clean_stop_closes_the_block_and_needs_no_recovery(journal: Journal) -> None:
    journal.append(submitted(numbered(0, 10)))
    root = journal.root
    journal.close()
    journal.close()
    with open_store(root) as again:
        assert again.append(submitted(numbered(10, 1))) == range(10, 11)
    kinds = [(e["t"], e.get("clean")) for e in check_store(root)]
    assert kinds == [
        ("genesis", None), ("boot", True), ("block", None), ("boot", True), ("block", None),
    ]  # fmt: skip


def test_two_writers_and_a_reader_see_one_store(tmp_path: Path) -> None:
    first = new_store(tmp_path)
    second = open_store(tmp_path)
    reader = Journal.open(tmp_path, read_only=True)
    for turn in range(6):
        for writer in (first, second):
            start = writer.next_seq()
            texts = [b"t%d" % (turn % 3), b"only here %d" % start]
            rows = numbered(start, 4)
            rows["vtype"][:2], rows["value"][:2] = VType.TEXT, [0, 1]
            assert writer.append(submitted(rows, texts)) == range(start, start + 4)
            assert reader.next_seq() == start + 4
        if turn % 2:
            (first if turn == 3 else second).close_block()
    assert first.tag_ids(["x"]) == second.tag_ids(["x"])
    first.close()
    second.append(submitted(numbered(48, 2)))
    second.close()
    assert len(stored_rows(reader)) == 50
    reader.close()
    kinds = [e["t"] for e in check_store(tmp_path)]
    assert kinds.count("boot") == 1
    assert "recovery" not in kinds


def test_threads_may_share_a_journal(journal: Journal) -> None:
    def write() -> None:
        for _ in range(20):
            journal.append(submitted(numbered(0, 50)))
            journal.block_due()
            list(journal.entries())

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.next_seq() == 4 * 20 * 50
    journal.close()
    check_store(journal.root)


def test_what_is_read_only_closed_or_unsigned_says_so(journal: Journal) -> None:
    root = journal.root
    with Journal.open(root, read_only=True) as reader:
        with pytest.raises(JournalError, match="opened read-only"):
            reader.append(submitted(numbered(0, 1)))
        assert reader.size == 2
    with Journal.open(root) as unsigned:
        unsigned.append(submitted(numbered(0, 1)))
        assert unsigned.close_block()
        assert unsigned.checkpoint() is None
        with pytest.raises(JournalError, match="without the signing key"):
            unsigned.sign_checkpoint()
    journal.close()
    with pytest.raises(JournalError, match="it was shut down"):
        journal.append(submitted(numbered(0, 1)))
    with pytest.raises(JournalError, match="journal is closed"):
        journal.progress()


def test_a_foreign_key_or_name_is_refused(journal: Journal, tmp_path: Path) -> None:
    other = keys.create(tmp_path / "other.pem", ORIGIN)
    with pytest.raises(JournalError, match="the log belongs to key"):
        Journal.open(journal.root, signer=other)
    with pytest.raises(JournalError, match="cannot sign the log of"):
        Journal.create(tmp_path / "new", origin="plantseal/x", signer=other, software="t")
    with pytest.raises(JournalError, match="never overwritten"):
        Journal.create(journal.root, origin=ORIGIN, signer=other, software="t")
    assert not (tmp_path / "new").exists()


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value='2' WHERE key='format'")
    db.close()


def _unfinished(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM meta")
    db.close()


def _other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda p: p.unlink(), "no journal here; `plantseal run` makes one"),
        (lambda p: p.write_bytes(b"hello, this is a text" * 100), "no SQLite database"),
        (lambda p: p.write_bytes(b""), "not a journal"),
        (lambda p: p.write_bytes(p.read_bytes()[:5_000]), "damaged|malformed"),
        (_newer, "format 2, this version knows up to 1; upgrade"),
        (_unfinished, "never completed"),
        (_other_database, "a SQLite file, but not a journal"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_journal_of_ours_is_refused_in_words(
    journal: Journal, spoil: object, why: str, read_only: bool
) -> None:
    journal.close()
    assert callable(spoil)
    spoil(journal.path)
    with pytest.raises(JournalError, match=why) as refused:
        Journal.open(journal.root, read_only=read_only)
    assert str(journal.path) in str(refused.value)


def test_a_damaged_batch_is_named_and_not_guessed_at(journal: Journal) -> None:
    journal.append(submitted(numbered(0, 10)))
    journal.close()
    with sqlite3.connect(journal.path) as db:
        db.execute("UPDATE batches SET body = substr(body, 1, 20)")
    db.close()
    reader = Journal.open(journal.root, read_only=True)
    with pytest.raises(JournalError, match=r"batch 0: .*restore a copy"):
        list(reader.tail())
    reader.close()


def test_a_transaction_waits_for_a_neighbour_and_then_says_who_is_busy(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plantseal.journal.database.BUSY_S", 0.05)
    second = Journal.open(journal.root)
    blocker = sqlite3.connect(journal.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="another process holds the store"):
        second.append(submitted(numbered(0, 1)))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert second.append(submitted(numbered(0, 1))) == range(1)  # not final: nothing was begun
    second.close()


def test_a_neighbour_that_is_busy_while_space_is_given_back_stops_nobody(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Giving pages back is housekeeping: were its failure final, a slow import would end the gateway."""
    monkeypatch.setattr("plantseal.journal.database.BUSY_S", 0.05)
    with Journal.open(journal.root) as second, sqlite3.connect(journal.path) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        second._shrink()  # forget_sealed calls it after its own transaction
        blocker.rollback()
        assert second.append(submitted(numbered(0, 1))) == range(1)
    blocker.close()


def test_what_a_configuration_names_is_stored_with_it(journal: Journal) -> None:
    ledger = b"a,b\n1,2\n"
    before = time.time_ns()
    journal.configure(CONFIG, [ledger])
    assert journal.config(hashlib.sha256(ledger).hexdigest()) == ledger
    logged = entries(journal)[-1]
    assert before <= int(logged["wall_ns"]) <= time.time_ns()
    with pytest.raises(JournalError, match="no configuration or ledger"):
        journal.config("0" * 64)
