"""Ledgers as plants save them: every mistake named by row and column, every value exact."""

import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from plantseal_connectors.cells import UNITS, value
from plantseal_connectors.ledger import read_records
from plantseal_kpi.business.ledgers import SCHEMAS, canonical_csv, read_canonical
from plantseal_kpi.business.schema import framed

EXAMPLES = Path(__file__).parents[2] / "config" / "ledgers"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, name: str) -> tuple[list[tuple[object, ...]], list[str]]:
    """Records as tuples without their nulls at the end, and messages without the path."""
    records, findings = read_records(path, SCHEMAS[name])
    assert all({"file", "row", "column", "got"} <= set(f.data) for f in findings if "row" in f.data)
    return (
        [tuple(r.values()) for r in records],
        [f"{f.code} " + f.message.replace(str(path), "t") for f in findings],
    )


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_examples_read_without_a_finding(name: str) -> None:
    records, findings = read_records(EXAMPLES / f"{name}.csv", SCHEMAS[name])
    assert findings == []
    assert records
    body = canonical_csv(framed(records, SCHEMAS[name]), name)
    assert read_canonical(body, name).height == len(records)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_ledger_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    text = "凭证号,记账日期,科目,成本类别,金额（万元）\n1,2024年1月31日,５００１,物流,１，２３４．５６\n"
    rows, findings = read(write(tmp_path / "t.csv", text.replace("１，２", '"１，２')
                                .replace("５６\n", '５６"\n'), encoding), "costs")  # fmt: skip
    assert findings == []
    assert rows == [("1", date(2024, 1, 31), "5001", "logistics", 1_234_560_000, None)]


def test_every_bad_cell_has_its_own_finding_with_row_and_remedy(tmp_path: Path) -> None:
    text = (
        "entry,date,account,kind,amount,amount_baseline_prices\n"
        "1,2024-01-31,5001,materials,100.00,\n"
        "\n"
        "2,31/01/2024,,freight,12.345,1.2e5\n"
        "1,2024-02,5001,materials,7,\n"
        '3,2024-02-30,5001,energy,"1,23",5,extra\n'
    )
    rows, findings = read(write(tmp_path / "t.csv", text), "costs")
    assert rows == [("1", date(2024, 1, 31), "5001", "materials", 10_000, None)]
    kinds = ", ".join(f"{k} ({'/'.join(v)})" for k, v in SCHEMAS["costs"].columns[3].words.items())
    number = "expected a number such as 1234.56 or 1,234.56"
    assert findings == [
        "table.cell t:4 date: got '31/01/2024', expected a date such as 2024-01-31 or a month such"
        " as 2024-01",
        "table.cell t:4 account: got '', expected a value; it may not be empty",
        f"table.cell t:4 kind: got 'freight', expected one of {kinds}",
        "table.cell t:4 amount: got '12.345', expected whole fen; round it in the table",
        "table.cell t:4 amount_baseline_prices: got '1.2e5', expected all digits; the spreadsheet "
        "has shortened it, widen its format",
        "table.duplicate t:5 entry: got '1', already given in row 2, expected once; keep one of "
        "them",
        "table.cell t:6 date: got '2024-02-30', expected a day of the calendar (day is out of range"
        " for month)",
        f"table.cell t:6 amount: got '1,23', {number}",
        "table.cell t:6 column 7: got 'extra', expected no cell where the header has none; give "
        "the column a header or clear it",
    ]


def test_what_contradicts_itself_is_a_finding(tmp_path: Path) -> None:
    text = "批号,检验时间,检验数量,不良数\nL1,2024-01-08 16:00,5,6\nL2,2024-01-08 16:00,-5,0\n"
    text += "L3,2024-01-08 16:00,5,5\n"
    assert read(write(tmp_path / "t.csv", text), "lots") == (
        [("L3", datetime(2024, 1, 8, 8, tzinfo=UTC), 5, 5)],
        [
            "table.order t:2 defective: got '6', expected at most inspected, which is 5; correct "
            "one of them",
            "table.cell t:3 inspected: got '-5', expected at least 0",
        ],
    )


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("date", "t:1 header: column amount (增加值) is missing; add it"),
        ("date,amount,note", "t:1 header: got 'note', expected one of date (日期), amount (增加值)"),
        ("date,amount,增加值", "t:1 header: got '增加值', expected amount once"),
        ("date,amount(USD)", "t:1 header: got 'amount(USD)', expected one of these units in "
         f"brackets: {', '.join(UNITS['money'])}"),
        ("date(万元),amount", "t:1 header: got 'date(万元)', expected one of these units in "
         "brackets: no unit"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_one_finding(tmp_path: Path, header: str, message: str) -> None:
    path = write(tmp_path / "t.csv", f"{header}\n2024-01-31,1,1\n")
    assert read(path, "value_added") == ([], [f"table.header {message}"])


def test_a_spreadsheet_with_real_dates_numbers_and_serials(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.write_row(0, 0, ["批号", "检验时间", "检验数量", "不良数"])
    page.write_row(3, 0, [1001])
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    page.write_datetime(3, 1, datetime(2024, 1, 31, 8, 30), moment)  # noqa: DTZ001
    page.write_row(3, 2, [500, 3.0])
    page.write_row(4, 0, ["L2", 45322.5, "1,000", 0])
    page.write_row(5, 0, ["L3"])
    page.write_datetime(5, 1, datetime(2024, 2, 1), day)  # noqa: DTZ001
    page.write_row(5, 2, [5, 1.5])
    book.close()
    rows, findings = read(path, "lots")
    utc = [datetime(2024, 1, 31, 0, 30, tzinfo=UTC), datetime(2024, 1, 31, 4, tzinfo=UTC)]
    assert rows == [("1001", utc[0], 500, 3), ("L2", utc[1], 1000, 0)]
    assert findings == [
        "table.cell t:6 defective: got '1.5', expected whole pieces; round it in the table"
    ]


def test_sums_of_a_spreadsheet_are_what_a_person_sees(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_row(0, 0, ["日期", "增加值"])
    page.write_row(1, 0, ["2024-01", 0.1 + 0.2])
    page.write_row(2, 0, [45351, 1_234_567_890.12])
    book.close()
    assert read(path, "value_added") == (
        [(date(2024, 1, 31), 30), (date(2024, 2, 29), 123_456_789_012)], []
    )  # fmt: skip


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_cut_spreadsheet_is_a_finding(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x" * 1000)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    records, findings = read_records(path, SCHEMAS["costs"])
    assert (records, [f.code for f in findings]) == ([], ["table.unreadable"])


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("2024/1/5", "day", date(2024, 1, 5)), ("2024.01.05", "day", date(2024, 1, 5)),
        ("２０２４年１月５日", "day", date(2024, 1, 5)), ("20240105", "day", date(2024, 1, 5)),
        ("45296", "day", date(2024, 1, 5)), ("45296.0", "day", date(2024, 1, 5)),
        ("2024-01-05 00:00:00", "day", date(2024, 1, 5)), ("25569", "day", date(1970, 1, 1)),
        ("2024-02", "posting", date(2024, 2, 29)), ("202402", "posting", date(2024, 2, 29)),
        ("2023年2月", "posting", date(2023, 2, 28)), ("2024-02-03", "posting", date(2024, 2, 3)),
        ("2024-01-05 08:00", "time", datetime(2024, 1, 5, tzinfo=UTC)),
        ("2024-01-05T08:00:00.25Z", "time", datetime(2024, 1, 5, 8, 0, 0, 250_000, UTC)),
        ("2024-01-05 08:00:00 +01:00", "time", datetime(2024, 1, 5, 7, tzinfo=UTC)),
        ("45296.75", "time", datetime(2024, 1, 5, 10, tzinfo=UTC)),
        ("12.5万元", "money", 12_500_000), ("¥1,234.50", "money", 123_450), ("3亿元", "money", 3 * 10**10),
        ("(1,234.50)", "money", -123_450), ("−5", "money", -500), ("0.01", "money", 1),
        ("12 分", "money", 12), ("1.5 t", "mass", 1_500_000), ("2.5", "mass", 2500),
        ("3.5", "hours", 12_600 * 10**9), ("90 min", "hours", 5400 * 10**9), ("1.2万件", "count", 12_000),
        ("1,000.0", "count", 1000), ("95%", "number", "0.95"), ("-0.0", "number", "0"),
        ("1,234.500", "number", "1234.5"), ("不合格", "truth", False), ("Ｙ", "truth", True),
    ],
)  # fmt: skip
def test_what_people_type(text: str, kind: str, expected: object) -> None:
    assert value(text, kind, {}, None, "Asia/Shanghai") == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("01/02/2024", "day"), ("2024-13-01", "day"), ("2024-02", "day"), ("60", "day"),
        ("2024", "day"), ("99999", "day"), ("1899-12-31", "day"), ("2024-01-05 08:00", "day"),
        ("202413", "posting"), ("2024", "posting"), ("昨天", "time"), ("2024-01-05 25:00", "time"),
        ("2024-01-05", "time"), ("1.234,5", "money"), ("12,34", "money"), ("1e5", "money"),
        ("NaN", "money"), ("inf", "number"), ("", "number"), ("5 USD", "money"), ("٣", "count"),
        ("0.5", "count"), ("92233720368547758.08", "money"), ("五", "count"), ("1 2", "count"),
        ("9.15E+17", "id"), ("a\nb", "id"), ("maybe", "truth"), ("=A1", "money"), ("--5", "money"),
    ],
)  # fmt: skip
def test_what_is_not_guessed(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        value(text, kind, {}, None, "Asia/Shanghai")


def test_a_cell_with_another_unit_than_its_header() -> None:
    assert value("5万元", "money", {}, "万元", "UTC") == 5_000_000
    with pytest.raises(ValueError, match="expected 万元, the unit of the header, not 元"):
        value("5元", "money", {}, "万元", "UTC")


def test_an_hour_that_a_clock_shows_twice_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="the clocks of Europe/Berlin change then"):
        value("2024-10-27 02:30", "time", {}, None, "Europe/Berlin")
    assert value("2024-10-27 02:30+01:00", "time", {}, None, "Europe/Berlin") == datetime(
        2024, 10, 27, 1, 30, tzinfo=UTC
    )


@given(st.integers(-(10**14), 10**14), st.sampled_from(sorted(UNITS["money"])), st.booleans())
def test_money_is_exact_in_every_unit(fen: int, unit: str, commas: bool) -> None:
    exact = Decimal(fen) / Decimal(int(UNITS["money"][unit]))
    if len(exact.as_tuple().digits) > 15:
        return
    text = format(exact, ",f" if commas else "f")
    assert value(text + unit, "money", {}, None, "UTC") == fen
    assert value(text, "money", {}, unit, "UTC") == fen


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)))
def test_every_date_reads_back_from_every_way_to_write_it(day: date) -> None:
    serial = (day - date(1899, 12, 30)) // timedelta(days=1)
    for text in (f"{day}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}", f"{day:%Y/%m/%d}",
                 str(serial)):  # fmt: skip
        assert value(text, "day", {}, None, "UTC") == day


@given(st.text(max_size=12), st.sampled_from(["money", "day", "posting", "time", "number", "count",
                                              "truth", "mass", "hours", "id", "text"]))  # fmt: skip
def test_any_text_is_a_value_or_a_reason(text: str, kind: str) -> None:
    reason, found = "", None
    try:
        found = value(text, kind, {}, None, "Asia/Shanghai")
    except ValueError as e:
        reason = str(e)
    assert isinstance(found, int | str | date) or reason.startswith("expected")
    assert isinstance(found, int | None) or kind not in ("money", "count", "mass", "hours")
