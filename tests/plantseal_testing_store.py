"""Stores for tests, and a check of a store that shares nothing with the code that wrote it."""

import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plantseal import keys, merkle, note
from plantseal.journal import Journal, Submitted
from plantseal_connectors.rows import ROW, Batch

ORIGIN = "plantseal/测试厂"
CONFIG = b'{"plant":{},"schema":"plantseal.config/1"}'


def new_store(root: Path) -> Journal:
    signer = keys.create(root / "keys" / "gateway.pem", ORIGIN)
    return Journal.create(root, origin=ORIGIN, signer=signer, software="plantseal test")


def open_store(root: Path) -> Journal:
    return Journal.open(root, signer=keys.load(root / "keys" / "gateway.pem"))


def numbered(seq0: int, n: int) -> NDArray[np.void]:
    """Rows whose every field follows from the row's number, so a reader knows what to expect."""
    number = np.arange(seq0, seq0 + n, dtype="<i8")
    rows = np.zeros(n, dtype=ROW)
    rows["tag"] = number % 7 + 1
    rows["t_source"] = 10**18 + number * 1_000_003
    rows["t_server"] = rows["t_source"] + number % 13
    rows["t_receive"] = rows["t_source"] + 5_000_000 + number % 11
    rows["kind"], rows["vtype"], rows["value"] = 1, 2, number.astype("<u8")
    return rows


def submitted(rows: NDArray[np.void], texts: Sequence[bytes] = ()) -> list[Submitted]:
    return [Submitted("test", Batch(rows, tuple(texts)))]


def stored_rows(journal: Journal) -> NDArray[np.void]:
    """Every row of a store in ``seq`` order, the sealed ones through the verifier's own reader."""
    from plantseal.evidence.verify_rows import read_segment  # not needed to write

    parts = [read_segment(journal.root / s.path, s.path) for s in journal.segments()]
    parts += journal.tail(journal.sealed_end())
    return np.concatenate([np.zeros(0, ROW), *[p.astype(ROW) for p in parts]])


def check_store(root: Path) -> list[dict[str, object]]:
    """Assert that chain, tree, blocks, texts and segments agree; return the log's entries."""
    with Journal.open(root, read_only=True) as journal:
        lines = list(journal.entries())
        entries = [json.loads(line) for line in lines]
        prev = "0" * 64
        for i, (line, entry) in enumerate(zip(lines, entries, strict=True)):
            assert (entry["i"], entry["prev"]) == (i, prev)
            prev = hashlib.sha256(line).hexdigest()
        assert journal.head() == prev
        signed = journal.checkpoint()
        if signed is not None:
            checkpoint = note.open_checkpoint(signed, [journal.vkey])
            leaves = [merkle.leaf_hash(line) for line in lines[: checkpoint.size]]
            assert (checkpoint.origin, checkpoint.root) == (ORIGIN, merkle.root(leaves))
        rows = stored_rows(journal)
        assert np.array_equal(rows["seq"], np.arange(len(rows), dtype="<u8"))
        assert len(rows) == journal.next_seq()
        next_seq = next_text = 0
        for block in (e for e in entries if e["t"] == "block"):
            seq0, n, text0, text_n = (int(block[k]) for k in ("seq0", "n", "text0", "text_n"))
            assert (seq0, text0) == (next_seq, next_text)
            piece = rows[seq0 : seq0 + n]
            assert hashlib.sha256(piece.tobytes()).hexdigest() == block["rows_sha256"]
            texts = b"".join(struct.pack("<L", len(t)) + t for t in journal.texts(text0, text_n))
            assert hashlib.sha256(texts).hexdigest() == block["texts_sha256"]
            next_seq, next_text = seq0 + n, text0 + text_n
        for entry, segment in zip(
            (e for e in entries if e["t"] == "segment"), journal.segments(), strict=True
        ):
            data = (root / segment.path).read_bytes()
            assert hashlib.sha256(data).hexdigest() == entry["sha256"] == segment.sha256
            assert (str(len(data)), str(segment.n)) == (entry["size"], entry["n"])
        return entries


EXTREME_TIMES = (-(2**63), -(2**63) + 1, -1, 0, 1, 10**18, 2**63 - 1)
EXTREME_BITS = (
    0, 1, 2**63 - 1, 2**63, 2**64 - 1,
    0x7FF8_0000_0000_0001, 0xFFF0_0000_0000_0001, 0x7FF0_0000_0000_0000,  # NaN payloads, infinity
)  # fmt: skip


def random_rows(seed: int, n: int, texts: int) -> NDArray[np.void]:
    """Rows of every kind and type, with the extremes of every field; text values below ``texts``."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(n, dtype=ROW)
    rows["tag"] = chance.integers(1, 4, n)
    rows["status"] = chance.choice([0, 1, 0x800A0000, 2**32 - 1], n)
    for name in ("t_source", "t_server", "t_receive"):
        rows[name] = chance.choice(EXTREME_TIMES, n) + chance.choice([0, 0, 0, 5], n)
    rows["src_seq"] = chance.integers(0, 2**32, n)
    rows["kind"], rows["flags"] = chance.integers(1, 11, n), chance.integers(0, 128, n)
    rows["vtype"] = chance.integers(0, 7 if texts else 5, n)
    rows["value"] = chance.choice(np.array(EXTREME_BITS, dtype="<u8"), n)
    indexed = rows["vtype"] >= 5
    rows["value"][indexed] = chance.integers(0, max(texts, 1), int(indexed.sum()))
    rows["value"][rows["vtype"] == 0] = 0
    return rows
