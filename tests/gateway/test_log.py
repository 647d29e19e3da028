import hashlib
import json

import pytest

from plantseal import log, merkle


def test_entries_are_canonical_and_chained() -> None:
    head = log.Head()
    lines = []
    for body in ({"origin": "渝"}, {"reason": "断电", "from_ns": "-9223372036854775807"}, {}):
        line = head.next_line("gap", body)
        head.follow(line)
        lines.append(line)
    assert lines[0].startswith(b'{"i":0,"origin":"\xe6\xb8\x9d","prev":"0000')
    assert json.loads(lines[1])["prev"] == hashlib.sha256(lines[0]).hexdigest()
    assert (head.size, head.prev) == (3, hashlib.sha256(lines[2]).hexdigest())
    assert head.tree.root() == merkle.root(map(merkle.leaf_hash, lines))


@pytest.mark.parametrize("field", ["i", "prev", "t"])
def test_a_body_cannot_take_the_place_of_the_chain(field: str) -> None:
    with pytest.raises(ValueError, match=f"field '{field}' belongs to the log"):
        log.entry_line(3, log.FIRST_PREV, "gap", {field: "x"})
