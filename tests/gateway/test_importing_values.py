"""Texts to instants and numbers: exact, against a slow reading of the same text."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal.importing.columns import TimeMap
from plantseal.importing.values import instants, numbers
from plantseal_connectors.rows import VType

SECOND_NS = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _ns(texts: list[str | None], **rule: object) -> list[int | None]:
    return instants(pl.Series(texts, dtype=pl.String), TimeMap.model_validate(rule)).to_list()


@given(
    second=st.integers(-8_500_000_000, 8_800_000_000),  # 1700 to 2248
    digits=st.text("0123456789", max_size=9),
    offset_min=st.integers(-14 * 60, 14 * 60),
)
def test_rfc3339_is_exact_to_the_last_digit(second: int, digits: str, offset_min: int) -> None:
    zone = timezone(timedelta(minutes=offset_min))
    whole = (EPOCH + timedelta(seconds=second)).astimezone(zone)
    fraction = f".{digits}" if digits else ""
    text = whole.strftime("%Y-%m-%dT%H:%M:%S") + fraction + whole.isoformat()[-6:]
    assert _ns([text]) == [second * SECOND_NS + int(digits.ljust(9, "0"))]


def test_six_and_seven_decimals_in_one_column() -> None:
    assert _ns(["2018-02-07T00:00:00.1234567Z", "2018-02-07 00:00:00.123456z"]) == [
        1_517_961_600_123_456_700,
        1_517_961_600_123_456_000,
    ]


@pytest.mark.parametrize(
    "text",
    ["", "2018-02-07", "2018-02-07T00:00:00", "2018-02-30T00:00:00Z", "2018-02-07T24:00:01Z",
     "1601-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "x2018-02-07T00:00:00Z", None],
)  # fmt: skip
def test_what_names_no_instant_is_null(text: str | None) -> None:
    assert _ns([text]) == [None]


def test_a_format_in_a_zone() -> None:
    rule = {"format": "%d/%m/%Y %H:%M", "zone": "Asia/Seoul"}
    assert _ns(["01/01/2018 0:15", "01/01/2018 00:15", "31/12/2018 24:15"], **rule) == [
        1_514_733_300 * SECOND_NS,
        1_514_733_300 * SECOND_NS,
        None,
    ]


def test_a_format_with_a_fraction_keeps_seven_digits() -> None:
    rule = {"format": "%Y-%m-%d %H:%M:%S%.f", "zone": "UTC"}
    assert _ns(["2018-02-07 00:00:00.1234567", "2018-02-07 00:00:00"], **rule) == [
        1_517_961_600_123_456_700,
        1_517_961_600_000_000_000,
    ]


def test_midnight_of_the_next_day_is_only_exact_midnight() -> None:
    rule = {"format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"}
    texts = ["2018-01-01 00:00:00", "2018-01-01 00:00:01", "2018-01-01 23:59:59"]
    plain, moved = _ns(texts, **rule), _ns(texts, **rule, midnight="next_day")
    assert [b - a for a, b in zip(plain, moved, strict=True)] == [86_400 * SECOND_NS, 0, 0]


def test_an_hour_that_the_clock_shows_twice_or_never_is_no_instant() -> None:
    rule = {"format": "%Y-%m-%d %H:%M", "zone": "Europe/Berlin"}
    assert _ns(["2018-10-28 02:30", "2018-03-25 02:30", "2018-10-28 03:30"], **rule) == [
        None, None, 1_540_693_800 * SECOND_NS,
    ]  # fmt: skip


def test_parquet_times_keep_their_nanoseconds() -> None:
    aware = pl.Series([1_517_961_600_123_456_789]).cast(pl.Datetime("ns", "UTC"))
    assert instants(aware, TimeMap()).to_list() == [1_517_961_600_123_456_789]
    naive = pl.Series(["2018-01-01T00:15:00"]).str.to_datetime()
    assert instants(naive, TimeMap(zone="Asia/Seoul")).to_list() == [1_514_733_300 * SECOND_NS]


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
SCALES = st.sampled_from(
    [Decimal(s) for s in ("1", "0.1", "0.01", "0.001", "10", "0.25", "1E+2", "3")]
)


@given(st.lists(DECIMALS, min_size=1, max_size=20), SCALES)
def test_raw_values_times_scale_give_the_text_back(values: list[Decimal], scale: Decimal) -> None:
    found = numbers(pl.Series([str(v) for v in values]), scale)
    for value, vtype, bits in zip(values, found.vtype, found.bits, strict=True):
        raw = Fraction(value) / Fraction(scale)
        if vtype == VType.I64:
            assert int(bits.view("<i8")) == raw
        else:
            assert vtype == VType.F64
            assert raw.denominator != 1 or abs(raw) >= 2**63
            assert float(bits.view("<f8")) == raw.numerator / raw.denominator


@pytest.mark.parametrize(
    "text", ["", "x", "1,5", "1 2", "0x10", "nan", "Infinity", "1_0", ".", "+", "1e999"]
)
def test_what_is_no_finite_decimal_is_unreadable(text: str) -> None:
    assert numbers(pl.Series([text]), Decimal(1)).readable.tolist() == [False]


@pytest.mark.parametrize(
    ("text", "raw"),
    [("3.17", 317), (" 3.17 ", 317), ("+3.17", 317), ("-0.01", -1), ("3.1700", 317), (".5", 50),
     ("5.", 500), ("00003", 300), ("1e2", 10_000), ("92233720368547758.07", 2**63 - 1)],
)  # fmt: skip
def test_forms_of_a_decimal(text: str, raw: int) -> None:
    found = numbers(pl.Series([text]), Decimal("0.01"))
    assert found.bits.view("<i8").tolist() == [raw]


def test_float_tags_are_doubles_even_where_whole() -> None:
    found = numbers(pl.Series(["2", "0.1"]), Decimal(1), whole=False)
    assert found.vtype.tolist() == [VType.F64, VType.F64]
    assert found.bits.view("<f8").tolist() == [2.0, 0.1]
