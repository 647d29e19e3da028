"""Tag tables and equipment registers: every mistake named by file, row and column, none escapes."""

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_connectors.tables import read_register, read_tags, write_tags
from plantseal_connectors.tags import Role, TagSpec

CHINESE = "名称,设备,地址,类型,字节序,倍率,单位,周期ms,角色,必需,说明\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def workbook(path: Path, rows: list[list[object]], skip: int = 0) -> Path:
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    for i, row in enumerate(rows, skip):
        page.write_row(i, 0, row)
    book.close()
    return path


def messages(path: Path) -> list[str]:
    return [f.message.replace(str(path), "t") for f in read_tags(path)[1]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_table_reads_in_every_encoding_a_plant_saves_it_in(
    tmp_path: Path, encoding: str
) -> None:
    line = "meter1.kwh,meter1,holding:10,int32,CDAB,0.01,kWh,100,电能读数,是,总表电能\n"
    specs, findings = read_tags(write(tmp_path / "t.csv", CHINESE + line, encoding))
    assert findings == []
    assert specs == [
        TagSpec(
            name="meter1.kwh", equipment="meter1", address="holding:10", type="int32",
            order="CDAB", scale=Decimal("0.01"), unit="kWh", period_ms=100, role="energy",
            required=True, description="总表电能",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_separators_of_spreadsheets(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["name", "equipment", "address"]) + "\n"
    text += delimiter.join(["a", "m", "coil:1"]) + "\n"
    specs, findings = read_tags(write(tmp_path / "t.csv", text))
    assert ([s.name for s in specs], findings) == (["a"], [])


def test_every_bad_cell_is_named_at_once_and_the_good_rows_stay(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv",
        "name,equipment,address,scale,period_ms,order,role,required\n"
        "a,m,holding:1,0,5,ABDC,speed,maybe\n"
        "\n"
        "b c,m,,1,1000,abcd,energy,0\n"
        "ok,m,holding:2,0.10,1000,dcba,state,否\n"
        "ok,m,holding:3,1,1000,,,\n",
    )
    specs, _ = read_tags(path)
    assert [(s.name, s.order, s.required) for s in specs] == [("ok", "DCBA", False)]
    assert str(specs[0].scale) == "0.10"
    roles = (
        "state (运行状态), product (产品型号), count_total (产量计数), count_good (合格计数), count_scrap (不良计数), "
        "energy (电能读数), energy_interval (区间电量), alarm (报警), heartbeat (心跳), parameter (工艺参数), "
        "loop_mode (回路模式), loop_output (回路输出), value (其他)"
    )
    assert messages(path) == [
        "t:2 scale: got '0', expected a number greater than 0",
        "t:2 period_ms: got '5', expected 10..86400000",
        "t:2 order: got 'ABDC', expected ABCD, CDAB, BADC or DCBA",
        f"t:2 role: got 'speed', expected one of {roles}",
        "t:2 required: got 'maybe', expected true or false",
        "t:4 name: got 'b c', expected letters, digits and _ . - (at most 128)",
        "t:4 address: got '', expected an address",
        "t:6 name: got 'ok', already given in row 5, expected once",
    ]


def test_header_mistakes_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "name,adress,name\na,b,c\n")
    found = messages(path)
    assert found[0].startswith(
        "t:1 header: got 'adress', expected one of name (名称), equipment (设备), "
    )
    assert found[1] == "t:1 header: got 'name', expected each column once"
    assert found[2] == "t:1 header: column equipment (设备), address (地址) is missing; add it"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("t.csv", None),
        ("t.csv", b""),
        ("t.csv", b"\n \n"),
        ("t.csv", b"\xff\xff\x00"),
        ("t.csv", b'name,equipment,address\n"a,m,holding:1\n'),
        ("t.csv", b"name,equipment,address\na\x00,m,holding:1\n"),
        ("t.csv", "名称,设备,地址\n".encode()),
        ("t.xlsx", b""),
        ("t.xlsx", b"name,equipment,address\na,m,coil:1\n"),
    ],
)
def test_unreadable_files_are_findings(tmp_path: Path, name: str, body: bytes | None) -> None:
    path = tmp_path / name
    if body is not None:
        path.write_bytes(body)
    specs, findings = read_tags(path)
    assert specs == []
    assert findings
    assert all(str(path) in f.message for f in findings)


def test_a_directory_is_a_finding(tmp_path: Path) -> None:
    assert [f.code for f in read_tags(tmp_path)[1]] == ["table.unreadable"]


def test_xlsx_reads_like_csv_with_the_row_numbers_of_the_spreadsheet(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["名称", "设备", "地址", "倍率", "周期ms", "必需"],
        ["a", "m", "holding:1", 0.01, 1000, True],
        [],
        ["b", "m", "holding:2", 1, 1000.5, False],
    ]
    path = workbook(tmp_path / "t.xlsx", rows, skip=1)
    specs, findings = read_tags(path)
    assert [(s.name, s.scale, s.period_ms, s.required) for s in specs] == [
        ("a", Decimal("0.01"), 1000, True)
    ]
    assert [f.data["row"] for f in findings] == [5]


@pytest.mark.parametrize("kept", [0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_xlsx_is_a_finding(tmp_path: Path, kept: float) -> None:
    path = workbook(tmp_path / "t.xlsx", [["name", "equipment", "address"], ["a", "m", "coil:1"]])
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * kept)])
    specs, findings = read_tags(path)
    assert specs == []
    assert [f.code for f in findings] == ["table.unreadable"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_xlsx_never_raises(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "t.xlsx"
    body = bytearray(workbook(path, [["name", "equipment", "address"]]).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, 2**20)) % len(body)  # the size varies with the date in it
        body[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(body))
    assert read_tags(path)[1]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(
    str.strip
)
SPECS = st.lists(
    st.builds(
        TagSpec,
        name=st.from_regex(r"[A-Za-z0-9_.\-]{1,12}", fullmatch=True),
        equipment=st.from_regex(r"[A-Za-z0-9_.\-]{1,12}", fullmatch=True),
        address=TEXT.filter(bool),
        type=st.sampled_from(["", "int32", "float64"]),
        unit=TEXT,
        scale=st.decimals("1E-9", "1E9", allow_nan=False, allow_infinity=False),
        period_ms=st.integers(10, 86_400_000),
        role=st.sampled_from(get_args(Role)),
        required=st.booleans(),
        description=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda spec: spec.name,
)


@settings(deadline=None)
@given(specs=SPECS)
def test_written_tags_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, specs: list[TagSpec]
) -> None:
    path = tmp_path_factory.mktemp("tags") / "t.csv"
    write_tags(path, specs)
    assert read_tags(path) == (specs, [])


def test_the_equipment_register_reads_in_chinese(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv",
        "编号,名称,资产卡片号,类别,生产装备,关键设备,申报等级,标准节拍s,额定功率kW,失效s\n"
        "cnc1,1号加工中心,A-001,加工,是,是,L1,36.5,22,60\n"
        "old1,旧车床,A-002,加工,是,否,L0,,,\n"
        "x,错,A-003,飞机,是,否,L2,0,,\n",
    )
    rows, findings = read_register(path)
    assert rows[0] == {
        "id": "cnc1", "name": "1号加工中心", "card": "A-001", "cls": "processing",
        "production": "true", "key": "true", "declared_level": "L1", "ideal_cycle_s": "36.5",
        "rated_power_kw": "22", "stale_s": "60",
    }  # fmt: skip
    assert "ideal_cycle_s" not in rows[1]
    assert [(f.data["row"], f.data["column"]) for f in findings] == [
        (4, "cls"), (4, "declared_level"), (4, "ideal_cycle_s"),
    ]  # fmt: skip
