"""The canonical form of a ledger: one form for one set of records, and nothing else is read."""

import hashlib
import random
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_kpi.business.ledgers import SCHEMAS, canonical_csv, read_canonical
from plantseal_kpi.business.schema import DTYPES, Kind, framed, number_text
from plantseal_kpi.plant import LedgerName

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
CELLS = {
    "id": WORDS, "text": WORDS, "truth": st.booleans(),
    "day": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    "posting": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    "time": st.integers(-(9 * 10**15), 9 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us)),
    "number": st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9),
                          max_value=10**9).map(lambda d: number_text(str(d))),
}  # fmt: skip


def cell(column):
    if column.kind == "word":
        return st.sampled_from(sorted(column.words))
    if column.kind in CELLS:
        return CELLS[column.kind]
    return st.integers(-(2**63) if column.least is None else column.least, 2**63 - 1)


@st.composite
def ledgers(draw):
    name = draw(st.sampled_from(sorted(SCHEMAS)))
    schema = SCHEMAS[name]
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        row = {
            c.name: draw(st.none() | cell(c)) if c.nullable else draw(cell(c))
            for c in schema.columns
        }
        for low, high in schema.ordered:
            if row[low] is not None and row[high] is not None and row[low] > row[high]:
                row[low], row[high] = row[high], row[low]
        pairs = [(row[a], row[b]) for a, b in schema.ordered]
        if all(a is None or b is None or a <= b for a, b in pairs):
            rows.append(row)
    kept = {tuple(r[k] for k in schema.key): r for r in rows}
    return name, list(kept.values())


@settings(max_examples=150)
@given(ledgers(), st.randoms(use_true_random=False))
def test_what_is_written_is_what_is_read_in_any_order(given_ledger, chance):
    name, rows = given_ledger
    body = canonical_csv(framed(rows, SCHEMAS[name]), name)
    back = read_canonical(body, name)
    assert back.schema == SCHEMAS[name].dtypes
    assert canonical_csv(back, name) == body
    again = list(rows)
    chance.shuffle(again)
    assert canonical_csv(framed(again, SCHEMAS[name]), name) == body
    columns = SCHEMAS[name].dtypes.names()
    as_read = {tuple(r[c] for c in columns) for r in back.to_dicts()}
    assert as_read == {tuple(r[c] for c in columns) for r in framed(rows, SCHEMAS[name]).to_dicts()}


def test_the_form_is_fixed_to_the_byte():
    rows = [
        {"part": "b", "inspection": 'say "ok"', "time": datetime(2024, 1, 31, 8, tzinfo=UTC),
         "passed": True},
        {"part": "a,1", "inspection": "x\r\ny",
         "time": datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), "passed": False},
    ]  # fmt: skip
    body = canonical_csv(framed(rows, SCHEMAS["inspections"]), "inspections")
    assert body == (
        b"part,inspection,time,passed\n"
        b'"a,1","x\r\ny",1969-12-31T23:59:59.999999000Z,false\n'
        b'b,"say ""ok""",2024-01-31T08:00:00.000000000Z,true\n'
    )
    assert hashlib.sha256(body).hexdigest() == (
        hashlib.sha256(canonical_csv(read_canonical(body, "inspections"), "inspections"))
        .hexdigest()
    )  # fmt: skip


LOT = b"lot,time,inspected,defective\n%s,2024-01-01T00:00:00.000000000Z,%s,%s\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"lot,time,inspected\n",
        b"\xef\xbb\xbf" + LOT % (b"a", b"3", b"1"),
        LOT % (b"a", b"3", b"1") + b"\n",
        (LOT % (b"a", b"3", b"1")).replace(b"\n", b"\r\n"),
        LOT % (b"a", b"03", b"1"),
        LOT % (b"a", b"+3", b"1"),
        LOT % (b"a", b"3.0", b"1"),
        LOT % (b"a", b" 3", b"1"),
        LOT % (b"a", b"1_0", b"1"),
        LOT % (b'"a"', b"3", b"1"),
        LOT % (b'"a', b"3", b"1"),
        LOT % (b"", b"3", b"1"),
        LOT % (b"a", b"", b"1"),
        LOT % (b"a", b"1", b"3"),
        LOT % (b"a", b"-3", b"-4"),
        LOT % (b"a", b"9223372036854775808", b"1"),
        LOT % (b"a\xff", b"3", b"1"),
        (LOT % (b"a", b"3", b"1")).replace(b".000000000Z", b"Z"),
        (LOT % (b"a", b"3", b"1")).replace(b"-01-01T", b"-02-30T"),
        LOT % (b"b", b"3", b"1") + b"a,2024-01-01T00:00:00.000000000Z,3,1\n",
        LOT % (b"a", b"3", b"1") + b"a,2024-01-02T00:00:00.000000000Z,3,1\n",
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(ValueError, match="ledger lots: "):
        read_canonical(body, "lots")


def test_one_flipped_bit_never_reads_as_another_form_of_the_same_records():
    rows = [{"date": date(2024, m, 1), "amount": 10**m} for m in range(1, 13)]
    body = canonical_csv(framed(rows, SCHEMAS["value_added"]), "value_added")
    known = read_canonical(body, "value_added")
    chance = random.Random(5)
    for _ in range(300):
        place, bit = chance.randrange(len(body)), 1 << chance.randrange(8)
        changed = bytearray(body)
        changed[place] ^= bit
        try:
            read = read_canonical(bytes(changed), "value_added")
        except ValueError:
            continue
        assert not read.equals(known)


def test_times_keep_their_nanoseconds():
    at = pl.Series([1_700_000_000_123_456_789]).cast(pl.Datetime("ns", "UTC"))
    frame = pl.DataFrame({"lot": ["a"], "time": at, "inspected": [3], "defective": [1]})
    body = canonical_csv(frame, "lots")
    assert b"2023-11-14T22:13:20.123456789Z" in body
    assert read_canonical(body, "lots").equals(frame)


def test_a_frame_of_another_dtype_is_not_coerced():
    frame = pl.DataFrame({"date": [date(2024, 1, 1)], "amount": [1.5]})
    with pytest.raises(ValueError, match="expected date: Date, amount: Int64"):
        canonical_csv(frame, "value_added")
    with pytest.raises(ValueError, match="got columns"):
        framed([{"date": date(2024, 1, 1), "amonut": 1}], SCHEMAS["value_added"])


def test_every_ledger_has_a_schema_that_a_person_can_fill():
    assert set(SCHEMAS) == set(get_args(LedgerName))
    assert set(DTYPES) == set(get_args(Kind))
    for name, schema in SCHEMAS.items():
        columns = {c.name: c for c in schema.columns}
        headers = [h for c in schema.columns for h in (c.name, *c.aliases)]
        assert len(set(headers)) == len(headers), name
        assert schema.key, name
        assert all(not columns[k].nullable for k in schema.key), name
        assert all(low in columns and high in columns for low, high in schema.ordered), name
        for c in schema.columns:
            assert c.aliases, (name, c.name)
            assert c.meaning, (name, c.name)
            assert bool(c.words) == (c.kind == "word"), (name, c.name)
            spoken = [w for word, zh in c.words.items() for w in (word, *zh)]
            assert len(set(spoken)) == len(spoken), (name, c.name)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_number_has_one_plain_form(value):
    text = number_text(str(value))
    if text is not None:
        assert value == 0 or value.compare(type(value)(text)) == 0
        assert number_text(text) == text
        assert "E" not in text.upper()


def test_dates_far_away_keep_four_digits():
    body = canonical_csv(framed([{"date": date(1, 1, 1), "amount": 1}], SCHEMAS["value_added"]),
                         "value_added")  # fmt: skip
    assert b"0001-01-01,1" in body
    assert read_canonical(body, "value_added")["date"].to_list() == [date(1, 1, 1)]


def test_the_page_lists_every_column_as_the_code_has_it():
    page = (Path(__file__).parents[2] / "docs" / "ledgers.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    assert list(sections) == list(SCHEMAS)
    for name, schema in SCHEMAS.items():
        rows = [
            line.strip("|").split("|") for line in sections[name].splitlines() if line[:3] == "| `"
        ]
        listed = [tuple(cell.strip() for cell in row) for row in rows]
        assert listed == [
            (
                f"`{c.name}`", ", ".join(c.aliases), c.kind,
                c.meaning + ("; " if c.words else "")
                + ", ".join(f"`{w}` {'/'.join(zh)}".strip() for w, zh in c.words.items())
                + ("; may be empty" if c.nullable else ""),
            )
            for c in schema.columns
        ]  # fmt: skip
        assert f"Key: {', '.join(schema.key)}." in sections[name]
