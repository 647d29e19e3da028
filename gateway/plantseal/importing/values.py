"""Texts of recorded files as instants and numbers: exact, whole columns at a time.

No time passes through a float. A number is kept as the raw integer wherever the tag's scale divides
it exactly; otherwise as the double nearest to it.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plantseal.importing.columns import RFC3339, TimeMap
from plantseal_connectors.rows import VType

SECOND_NS: Final = 1_000_000_000
EARLIEST_S: Final = -9_223_372_036  # 1677-09-21, the first second that 64-bit nanoseconds reach
LATEST_S: Final = 9_223_372_035  # 2262-04-11
_RFC3339: Final = r"^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$"
_PLAIN: Final = r"^([+-]?)(\d{0,18})(?:\.(\d*))?$"
_I64: Final = range(-(2**63), 2**63)


def instants(times: pl.Series, rule: TimeMap) -> pl.Series:
    """Return times in ns since the epoch, UTC (Int64); null where one cannot be read.

    An hour that a zone's clock shows twice, or never, is not readable: it names no instant.

    Example:
        >>> instants(pl.Series(["2018-02-07T00:00:00.1234567Z"]), TimeMap()).to_list()
        [1517961600123456700]
        >>> rule = TimeMap(format="%d/%m/%Y %H:%M", zone="Asia/Seoul", midnight="next_day")
        >>> instants(pl.Series(["01/01/2018 0:00"]), rule).to_list()  # the end of that day
        [1514818800000000000]
    """
    if isinstance(times.dtype, pl.Datetime):
        return _of_datetimes(times, rule)
    if rule.format == RFC3339:
        return _of_rfc3339(times)
    whole, fraction = times, pl.Series([0], dtype=pl.Int64).new_from_index(0, len(times))
    form = rule.format
    for printed in ("%.f", ".%f"):
        if form.endswith(printed):  # the fraction is read apart, to the last digit
            parts = times.str.extract_groups(r"^(.*?)(?:\.(\d{1,9})\d*)?$").struct
            whole, form = parts.field("1"), form.removesuffix(printed)
            fraction = _fraction(parts.field("2"))
    read = whole.str.strip_chars().str.to_datetime(form, time_unit="us", strict=False)
    return _joined(_utc(read, rule), fraction)


def _of_rfc3339(times: pl.Series) -> pl.Series:
    parts = times.str.extract_groups(_RFC3339).struct
    offset = parts.field("4").str.to_uppercase().replace({"Z": "+00:00"})
    whole = parts.field("1") + "T" + parts.field("2") + offset
    read = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", strict=False)
    return _joined(read, _fraction(parts.field("3")))


def _of_datetimes(times: pl.Series, rule: TimeMap) -> pl.Series:
    exact = times.cast(pl.Datetime("ns", times.dtype.time_zone))  # type: ignore[attr-defined]
    whole = exact.dt.truncate("1s").cast(pl.Datetime("us", exact.dtype.time_zone))  # type: ignore[attr-defined]
    fraction = exact.dt.nanosecond().cast(pl.Int64)
    return _joined(_utc(whole, rule), fraction)


def _utc(read: pl.Series, rule: TimeMap) -> pl.Series:
    """Return wall-clock times as UTC; times that already have a zone are converted."""
    if isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone:
        return read.dt.convert_time_zone("UTC")
    if rule.midnight == "next_day":
        at_midnight = read == read.dt.truncate("1d")
        read = read.dt.offset_by("1d").zip_with(at_midnight.fill_null(False), read)
    zoned = read.dt.replace_time_zone(rule.zone or "UTC", ambiguous="null", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def _fraction(digits: pl.Series) -> pl.Series:
    return digits.fill_null("0").str.pad_end(9, "0").cast(pl.Int64)


def _joined(seconds: pl.Series, fraction_ns: pl.Series) -> pl.Series:
    whole = seconds.dt.epoch("us")
    whole_s = whole // 1_000_000
    below_ns = (whole % 1_000_000) * 1_000  # a format with a fraction of its own, read to the us
    reachable = whole_s.is_between(EARLIEST_S, LATEST_S)
    whole_s = whole_s.zip_with(reachable.fill_null(False), whole_s.clear(len(whole_s)))
    return whole_s * SECOND_NS + below_ns + fraction_ns


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers as rows carry them.

    Attributes:
        vtype: I64 where the raw value is a whole number, F64 elsewhere; NULL where unreadable.
        bits: The eight value bytes.
        readable: False where the text is no finite decimal number.
    """

    vtype: NDArray[np.uint8]
    bits: NDArray[np.uint64]
    readable: NDArray[np.bool_]


def numbers(texts: pl.Series, scale: Decimal, *, whole: bool = True) -> Numbers:
    """Return decimal texts divided by ``scale``, exactly.

    Args:
        texts: Decimal numbers in the engineering unit; no nulls.
        scale: Engineering value = raw value times scale.
        whole: Keep whole raw values as integers; False makes every value a double.

    Example:
        >>> found = numbers(pl.Series(["3.17", "0.005", "x"]), Decimal("0.01"))
        >>> found.bits[:1].tolist(), found.vtype.tolist(), found.readable.tolist()
        ([317], [2, 4, 0], [True, True, False])
        >>> found.bits[1:2].view("<f8").tolist()
        [0.5]
    """
    n = len(texts)
    vtype, bits = np.zeros(n, np.uint8), np.zeros(n, np.uint64)
    raw = _whole_raws(texts, scale) if whole else pl.Series([None] * n, dtype=pl.Int64)
    done = raw.is_not_null().to_numpy()
    vtype[done] = VType.I64
    bits[done] = raw.drop_nulls().to_numpy().astype("<i8").view("<u8")
    left = np.flatnonzero(~done)
    if len(left):
        rest = texts.gather(left)
        distinct = rest.unique()
        read = {text: _slowly(text, scale, whole=whole) for text in distinct}
        found = [read[text] for text in rest]
        vtype[left] = [v for v, _ in found]
        bits[left] = np.array([b for _, b in found], dtype=np.uint64)
    return Numbers(vtype, bits, vtype != VType.NULL)


def _whole_raws(texts: pl.Series, scale: Decimal) -> pl.Series:
    """Return raw integers where plain digits divide by the scale within 18 digits, else null."""
    places = max(0, -int(scale.as_tuple().exponent))
    divisor = int(scale.scaleb(places))
    parts = texts.str.strip_chars().str.extract_groups(_PLAIN).struct
    sign, whole = parts.field("1"), parts.field("2")
    fraction = parts.field("3").fill_null("").str.strip_chars_end("0")
    given = whole.str.len_bytes() + parts.field("3").fill_null("").str.len_bytes() > 0
    fits = (fraction.str.len_bytes() <= places) & (whole.str.len_bytes() + places <= 18) & given
    digits = whole + fraction.str.pad_end(places, "0")
    value = digits.cast(pl.Int64, strict=False)
    if places == 0:
        fits &= whole.str.len_bytes() > 0
    exact = (fits & (value % divisor == 0)).fill_null(False)
    signed = (value // divisor) * sign.replace_strict({"-": -1}, default=1, return_dtype=pl.Int64)
    return signed.zip_with(exact, signed.clear(len(signed)))


def _slowly(text: str, scale: Decimal, *, whole: bool) -> tuple[VType, int]:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return VType.NULL, 0
    if not value.is_finite() or "_" in text:
        return VType.NULL, 0
    numerator, denominator = value.as_integer_ratio()
    over, under = scale.as_integer_ratio()
    numerator, denominator = numerator * under, denominator * over
    if whole and numerator % denominator == 0 and numerator // denominator in _I64:
        return VType.I64, (numerator // denominator) & 0xFFFF_FFFF_FFFF_FFFF
    try:
        double = numerator / denominator  # correctly rounded, once
    except OverflowError:
        return VType.NULL, 0
    return VType.F64, int(np.float64(double).view(np.uint64))
