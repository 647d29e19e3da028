"""The verifier's own reader and the producer agree on every bit, without sharing code."""

import hashlib
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from plantseal_testing_bundle import make_store
from polars.testing import assert_frame_equal

from plantseal import history, keys, segments
from plantseal.evidence import verify_rows
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.format import Code, Refused
from plantseal.evidence.verify_log import Block
from plantseal_connectors.rows import ABSENT, ROW, VType
from plantseal_kpi.schema import ROWS, check_rows


def test_both_layouts_are_the_same() -> None:
    assert verify_rows.ROW == ROW
    assert verify_rows.ROW.itemsize == 56
    assert verify_rows.SEGMENT == segments.SEGMENT_SCHEMA


def canonical_rows(raw: np.ndarray) -> np.ndarray:
    """Make any bytes rows that a journal could hold."""
    rows = np.frombuffer(raw.tobytes(), ROW).copy()
    rows["seq"] = np.arange(len(rows))
    rows["zero"] = 0
    rows["vtype"] %= max(VType) + 1
    rows["value"][rows["vtype"] == VType.NULL] = 0
    rows["t_source"][::3] = ABSENT
    rows["t_server"][::4] = ABSENT
    rows["t_receive"][::5] = ABSENT
    return rows


@settings(max_examples=60, deadline=None)
@given(raw=arrays(np.uint8, st.integers(1, 40).map(lambda n: 56 * n)))
def test_any_row_survives_the_way_through_parquet(
    raw: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = canonical_rows(raw)
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    segments.columns(rows).sort("tag", "t", "seq").write_parquet(path)
    assert verify_rows.read_segment(path, "any").tobytes() == rows.tobytes()


def test_nan_payloads_and_negative_zero_are_kept(tmp_path: Path) -> None:
    rows = np.zeros(3, dtype=ROW)
    rows["seq"] = range(3)
    rows["vtype"] = VType.F64
    rows["value"] = [0x7FF8_0000_DEAD_BEEF, 0x8000_0000_0000_0000, 0xFFF0_0000_0000_0001]
    segments.columns(rows).write_parquet(tmp_path / "f.parquet")
    assert verify_rows.read_segment(tmp_path / "f.parquet", "f").tobytes() == rows.tobytes()


def test_the_core_gets_the_same_frame_from_store_and_bundle(tmp_path: Path) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", "plantseal.test/site-7")
    journal = make_store(tmp_path / "data", signer)
    segments.seal(journal, force=True)
    paths = [tmp_path / "data" / s.path for s in journal.segments()]
    texts = dict(enumerate(journal.texts(0, sum(b.text_n for b in journal.blocks()))))
    kept = [tmp_path / f"{i}.arrow" for i in range(len(paths))]
    for path, target in zip(paths, kept, strict=True):
        verify_rows.keep(verify_rows.read_segment(path, path.name), target)
    ours = check_rows(verify_rows.frame(kept, texts)).sort("seq").collect()
    theirs = check_rows(history.rows(journal)).sort("seq").collect()
    assert_frame_equal(ours, theirs)
    assert ours["text"].drop_nulls().unique().sort().to_list() == ["IDLE", "RUN", '{"serial":"7"}']
    journal.close()


def test_without_segments_the_frame_is_empty_and_well_typed() -> None:
    assert verify_rows.frame([], {}).collect_schema() == ROWS


def block(data: bytes, n: int) -> Block:
    digest = hashlib.sha256(data).hexdigest()
    return Block(3, 0, 1, "", 0, n, digest, 0, 0, 0, None, None)


def test_text_files_are_read_to_the_byte() -> None:
    data = b"\x01\0\0\0a\0\0\0\0\x02\0\0\0\xff\xfe"
    assert verify_rows.read_texts(data, "t", block(data, 3)) == [b"a", b"", b"\xff\xfe"]
    for cut in (data[:-1], data[:3], data + b"\x05\0\0\0"):
        with pytest.raises(Refused, match="cut short"):
            verify_rows.read_texts(cut, "t", block(cut, 3))
    with pytest.raises(Refused, match="3 texts, the log says 2"):
        verify_rows.read_texts(data, "t", block(data, 2))


@pytest.mark.parametrize("body", [b"", b"hello", b"PAR1" * 9, b"PAR1\xff\xff\xff\x7fPAR1"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "s.parquet").write_bytes(body)
    with pytest.raises(Refused) as e:
        verify_rows.read_segment(tmp_path / "s.parquet", "s")
    assert e.value.code is Code.UNREADABLE


def test_damaged_files_are_unreadable_and_the_next_one_is_read(
    tmp_path: Path, decoder: Decoder
) -> None:
    """In the process of the test such a loop made Polars 2.1 abort it."""
    path = tmp_path / "damaged.parquet"
    rows = canonical_rows(np.arange(56 * 20, dtype=np.uint8))
    segments.columns(rows).write_parquet(path, compression="zstd")
    whole = path.read_bytes()
    random = Random(2)
    seen = set()
    for _ in range(8):
        body = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            body[random.randrange(len(body))] = random.randrange(256)
        path.write_bytes(body)
        try:
            decoder.rows(path, "damaged", tmp_path)
        except Refused as e:
            assert e.code in (Code.UNREADABLE, Code.SIZE)  # noqa: PT017  being read is right too
            seen.add(e.message)
    assert seen
    path.write_bytes(whole)
    assert decoder.rows(path, "whole", tmp_path).tobytes() == rows.tobytes()
    assert [p.name for p in tmp_path.iterdir()] == ["damaged.parquet"]


def test_a_decoder_that_dies_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    rows = canonical_rows(np.arange(56 * 4, dtype=np.uint8))
    segments.columns(rows).write_parquet(path)
    with Decoder() as decoder:
        assert decoder.rows(path, "s", tmp_path).tobytes() == rows.tobytes()
        child = decoder._child
        assert child is not None
        child.kill()
        child.wait()
        with pytest.raises(Refused, match="did not survive"):
            decoder.rows(path, "s", tmp_path)
        assert decoder.rows(path, "s", tmp_path).tobytes() == rows.tobytes()


def test_figures_do_not_depend_on_what_a_file_says_of_itself(tmp_path: Path) -> None:
    """Rows are computed from as they were verified, not from Parquet whose statistics may lie."""
    rows = canonical_rows(np.arange(56 * 9, dtype=np.uint8))
    rows["vtype"], rows["value"] = VType.U64, [2**63, 2**64 - 1, 0, 1, 2, 3, 4, 5, 6]
    verify_rows.keep(rows, tmp_path / "k.arrow")
    found = verify_rows.frame([tmp_path / "k.arrow"], {}).collect()
    assert found["value_i"].to_list() == [None, None, 0, 1, 2, 3, 4, 5, 6]
    assert found["t_source"].null_count() == 3
    assert found["seq"].to_list() == list(range(9))


def test_a_directory_for_a_segment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        verify_rows.read_segment(tmp_path, "s")


def test_pl_schema_order_is_part_of_the_format() -> None:
    assert list(verify_rows.SEGMENT) == list(segments.SEGMENT_SCHEMA)
    assert pl.Schema(verify_rows.SEGMENT)["seq"] == pl.UInt64
