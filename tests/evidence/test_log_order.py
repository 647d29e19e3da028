"""Step 7 on a log whose chain holds: entries in an order that no gateway writes."""

import pytest

from plantseal.evidence.format import Code
from plantseal.evidence.verify_log import read_log
from plantseal.log import Head

HEX = "00" * 32
GENESIS = ("genesis", {"origin": "o", "vkey": "k"})
BLOCK = (
    "block",
    {
        "seq0": "0", "n": "5", "rows_sha256": HEX, "text0": "0", "text_n": "0",
        "texts_sha256": HEX, "wall_ns": "1", "boot_ns": "1", "config": None,
    },
)  # fmt: skip
SEGMENT = (
    "segment",
    {
        "path": "segments/000001.parquet", "size": "9", "sha256": HEX, "seq0": "0", "n": "5",
        "t_min": "1", "t_max": "2",
    },
)  # fmt: skip


def findings(*entries):
    head, lines = Head(), b""
    for kind, body in entries:
        line = head.next_line(kind, body)
        head.follow(line)
        lines += line + b"\n"
    found = []
    read_log(lines, found)
    return [(f.code, f.message) for f in found]


def test_a_segment_after_its_block_is_in_order():
    assert findings(GENESIS, BLOCK, SEGMENT) == []


@pytest.mark.parametrize("entries", [(GENESIS, SEGMENT, BLOCK), (GENESIS, SEGMENT)])
def test_a_segment_before_the_block_that_ends_it_is_named(entries):
    ((code, message),) = findings(*entries)
    assert code == Code.SEQUENCE
    assert "segment does not end with a block before it" in message


def test_a_second_genesis_is_named():
    assert [code for code, _ in findings(GENESIS, GENESIS)] == [Code.SEQUENCE]
