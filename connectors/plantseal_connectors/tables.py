"""Tag tables and equipment registers from CSV and XLSX, one finding per bad cell.

Headers are the English names or the Chinese ones, case, spaces and full-width forms aside. A bad row is left out and
named; the good ones are returned, so that all of a plant's mistakes show at once.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError

from plantseal_connectors import sheet
from plantseal_connectors.cells import folded, plain
from plantseal_connectors.tags import Finding, Role, TagSpec

_WORDS: Final = {
    "是": "true", "否": "false", "yes": "true", "no": "false", "y": "true", "n": "false",
    "1": "true", "0": "false", "true": "true", "false": "false",
}  # fmt: skip
_ROLES: Final = {
    "运行状态": "state", "产量计数": "count_total", "合格计数": "count_good",
    "不良计数": "count_scrap", "电能读数": "energy", "区间电量": "energy_interval",
    "报警": "alarm", "心跳": "heartbeat", "其他": "value",
    "产品型号": "product", "工艺参数": "parameter", "回路模式": "loop_mode",
    "回路输出": "loop_output",
}  # fmt: skip
_CARRIERS: Final = {
    "电力": "electricity", "电": "electricity", "天然气": "natural_gas", "焦炉煤气": "coke_oven_gas",
    "液化石油气": "lpg", "液化天然气": "lng", "原煤": "raw_coal", "洗精煤": "washed_coal",
    "焦炭": "coke", "原油": "crude_oil", "燃料油": "fuel_oil", "汽油": "petrol", "煤油": "kerosene",
    "柴油": "diesel", "热力": "heat", "新水": "fresh_water", "压缩空气": "compressed_air",
    "氧气": "oxygen",
}  # fmt: skip
_GROUPED: Final = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")
_CLASSES: Final = {"加工": "processing", "检测": "inspection", "物流": "logistics", "其他": "other"}


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: what it is called, and how a cell is brought to its plain form."""

    names: tuple[str, ...]
    expected: str
    plain: Callable[[str], str | None]
    required: bool = False


def _listed(words: Mapping[str, str]) -> str:
    """Return what a cell may say: the identifiers, with the Chinese words that mean them."""
    also: dict[str, list[str]] = {}
    for chinese, name in words.items():
        also.setdefault(name, []).append(chinese)
    return "one of " + ", ".join(f"{name} ({'/'.join(c)})" for name, c in also.items())


def _any(text: str) -> str | None:
    return text


def _pattern(pattern: str) -> Callable[[str], str | None]:
    return lambda text: text if re.fullmatch(pattern, text) else None


def _word(words: Mapping[str, str]) -> Callable[[str], str | None]:
    known = dict(words) | {w: w for w in words.values()}
    return lambda text: known.get(text.lower())


def _ungrouped(text: str) -> str:
    """Return a number without the commas between its thousands."""
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def _decimal(text: str) -> str | None:
    text = _ungrouped(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return text if number.is_finite() and number > 0 else None


def _pairs(text: str) -> str | None:
    """Return ``A=12.5; B=30`` in its plain form; None where a product or a number is amiss."""
    pairs: dict[str, str] = {}
    for pair in re.split("[;；]", text):
        product, _, number = (part.strip() for part in pair.replace("＝", "=").rpartition("="))
        if not product or product in pairs or _decimal(number) is None:
            return None
        pairs[product] = number
    return "; ".join(f"{p}={n}" for p, n in pairs.items())


def cycles(text: str) -> dict[str, str]:
    """Return a cell of the column ``cycles_s`` as cycle time [s] by product.

    Example:
        >>> cycles("A=12.5; B=30")
        {'A': '12.5', 'B': '30'}
    """
    pairs = (pair.rpartition("=") for pair in text.split("; "))
    return {product: number for product, _, number in pairs}


def _whole(low: int, high: int) -> Callable[[str], str | None]:
    def number(text: str) -> str | None:
        digits = _ungrouped(text).removesuffix(".0")  # a spreadsheet may say 1000.0
        if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
            return None
        return digits if low <= int(digits) <= high else None

    return number


_ID: Final = "letters, digits and _ . - (at most 128)"
_IS_ID: Final = _pattern(r"[A-Za-z0-9_.\-]{1,128}")
_NUMBER: Final = "a number greater than 0"
_CYCLES: Final = "cycle times by product such as A=12.5; B=30"
_ORDERS: Final = {order.lower(): order for order in ("ABCD", "CDAB", "BADC", "DCBA")}

TAG_COLUMNS: Final = {
    "name": _Column(("name", "名称", "测点名称"), _ID, _IS_ID, required=True),
    "equipment": _Column(("equipment", "设备", "设备编号"), _ID, _IS_ID, required=True),
    "address": _Column(("address", "地址"), "an address", _any, required=True),
    "type": _Column(("type", "类型"), "a type", _any),
    "order": _Column(("order", "字节序"), "ABCD, CDAB, BADC or DCBA", _word(_ORDERS)),
    "scale": _Column(("scale", "倍率"), _NUMBER, _decimal),
    "unit": _Column(("unit", "单位"), "a unit", _any),
    "period_ms": _Column(
        ("period_ms", "周期ms", "周期(ms)", "周期（ms）"), "10..86400000", _whole(10, 86_400_000)
    ),
    "role": _Column(
        ("role", "角色"),
        _listed(
            {chinese: role for role in get_args(Role) for chinese, r in _ROLES.items() if r == role}
        ),
        _word(_ROLES | {role: role for role in get_args(Role)}),
    ),
    "required": _Column(("required", "必需"), "true or false", _word(_WORDS)),
    "carrier": _Column(("carrier", "能源品种"), _listed(_CARRIERS), _word(_CARRIERS)),
    "stuck_periods": _Column(
        ("stuck_periods", "不变周期数"), "a whole number from 2", _whole(2, 10**9)
    ),
    "description": _Column(("description", "说明"), "text", _any),
}
REGISTER_COLUMNS: Final = {
    "id": _Column(("id", "编号", "设备编号"), _ID, _IS_ID, required=True),
    "name": _Column(("name", "名称", "设备名称"), "a name", _any, required=True),
    "card": _Column(
        ("card", "资产卡片号", "固定资产卡片号", "资产编号", "固定资产编号"), "text", _any
    ),
    "cls": _Column(
        ("cls", "class", "类别", "设备类别"),
        _listed(_CLASSES),
        _word(_CLASSES),
        required=True,
    ),
    "production": _Column(
        ("production", "生产装备", "是否生产装备"), "true or false", _word(_WORDS)
    ),
    "key": _Column(("key", "关键设备", "是否关键设备"), "true or false", _word(_WORDS)),
    "declared_level": _Column(
        ("declared_level", "申报等级"), "L0 or L1", _word({"l0": "L0", "l1": "L1"})
    ),
    "numeric": _Column(("numeric", "数控装备", "是否数控装备"), "true or false", _word(_WORDS)),
    "ideal_cycle_s": _Column(("ideal_cycle_s", "标准节拍s"), _NUMBER, _decimal),
    "cycles_s": _Column(("cycles_s", "分产品节拍s"), _CYCLES, _pairs),
    "rated_cycle_s": _Column(("rated_cycle_s", "极限节拍s"), _NUMBER, _decimal),
    "short_stop_s": _Column(("short_stop_s", "短停s"), "0..600", _whole(0, 600)),
    "rated_power_kw": _Column(("rated_power_kw", "额定功率kW"), _NUMBER, _decimal),
    "stale_s": _Column(("stale_s", "失效s"), "a whole number from 1", _whole(1, 10**9)),
}


def read_tags(path: Path) -> tuple[list[TagSpec], list[Finding]]:
    """Return the tags of the table at ``path`` and what is wrong with it.

    Findings: ``table.unreadable`` (no such file, empty, broken), ``table.header`` (a column missing
    or unknown), ``table.cell`` (one bad cell), ``table.duplicate`` (a name given before).
    """
    rows, findings = _read(path, TAG_COLUMNS, key="name")
    specs = []
    for number, cells in rows:
        try:
            specs.append(TagSpec.model_validate(cells))
        except ValidationError as e:  # the columns check all of it; a model that grew may not fit
            error = e.errors()[0]
            where = f"{path}:{number} {'.'.join(map(str, error['loc']))}"
            findings.append(Finding("table.cell", f"{where}: {error['msg']}", {"row": number}))
    return specs, findings


def read_register(path: Path) -> tuple[list[dict[str, str]], list[Finding]]:
    """Return the rows of the equipment register at ``path`` and what is wrong with it.

    Each row holds plain text by column, empty cells left out: ``cls`` in English, truth as ``true``
    or ``false``. Findings as of :func:`read_tags`.
    """
    rows, findings = _read(path, REGISTER_COLUMNS, key="id")
    return [cells for _, cells in rows], findings


def write_tags(path: Path, specs: Iterable[TagSpec]) -> None:
    """Write ``specs`` as CSV that :func:`read_tags` reads back to the same tags.

    UTF-8 with a mark, without which spreadsheets take Chinese for GBK.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(TAG_COLUMNS)
    for spec in specs:
        cells = spec.model_dump()
        cells["required"] = "true" if spec.required else "false"
        writer.writerow(["" if (c := cells[column]) is None else str(c) for column in TAG_COLUMNS])
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def _read(
    path: Path, columns: Mapping[str, _Column], key: str
) -> tuple[list[tuple[int, dict[str, str]]], list[Finding]]:
    lines = sheet.read(path)
    if isinstance(lines, Finding):
        return [], [lines]
    header, *body = lines
    places, findings = _header(path, header, columns)
    if findings:
        return [], findings
    rows: list[tuple[int, dict[str, str]]] = []
    first: dict[str, int] = {}
    for line in body:
        cells, bad = _cells(path, line, places, columns)
        findings += bad
        if key in cells and first.setdefault(cells[key], line.number) != line.number:
            message = f"already given in row {first[cells[key]]}, expected once"
            findings.append(
                _finding("table.duplicate", path, line.number, key, cells[key], message)
            )
        elif not bad:
            rows.append((line.number, cells))
    if not body:
        findings.append(
            Finding("table.unreadable", f"{path}: got no data row, expected at least one")
        )
    return rows, findings


def _header(
    path: Path, header: sheet.Line, columns: Mapping[str, _Column]
) -> tuple[dict[str, int], list[Finding]]:
    """Return the index of each column, and a finding per column missing, unknown or doubled."""
    known = {folded(n): column for column, c in columns.items() for n in c.names}
    places: dict[str, int] = {}
    findings = []
    for index, cell in enumerate(header.cells):
        if not cell.strip():
            continue
        column = known.get(folded(cell))
        if column is None or column in places:
            named = ", ".join(map(_named, columns.values()))
            expected = f"one of {named}" if column is None else "each column once"
            findings.append(
                _finding(
                    "table.header", path, header.number, "header", cell, f"expected {expected}"
                )
            )
        else:
            places[column] = index
    missing = [name for name, c in columns.items() if c.required and name not in places]
    if missing:
        listed = ", ".join(_named(columns[name]) for name in missing)
        message = f"{path}:{header.number} header: column {listed} is missing; add it"
        findings.append(Finding("table.header", message, {"file": str(path), "missing": missing}))
    return places, findings


def _named(column: _Column) -> str:
    """Return a column as a finding names it: ``card (资产卡片号)``."""
    chinese = next((n for n in column.names if not n.isascii()), None)
    return f"{column.names[0]} ({chinese})" if chinese else column.names[0]


def _cells(
    path: Path, line: sheet.Line, places: Mapping[str, int], columns: Mapping[str, _Column]
) -> tuple[dict[str, str], list[Finding]]:
    cells: dict[str, str] = {}
    findings = []
    for name, index in places.items():
        column = columns[name]
        text = line.cells[index] if index < len(line.cells) else ""
        if name != "description":
            text = text.strip() if column.plain is _any else plain(text)
        if not text and not column.required:
            continue
        value = column.plain(text) if text else None
        if value is None:
            expected = f"expected {column.expected}"
            findings.append(_finding("table.cell", path, line.number, name, text, expected))
        else:
            cells[name] = value
    if any(cell.strip() for cell in line.cells[max(places.values()) + 1 :]):
        extra = next(c for c in line.cells[max(places.values()) + 1 :] if c.strip())
        findings.append(
            _finding(
                "table.cell", path, line.number, "row", extra, "expected no cell beyond header"
            )
        )
    return cells, findings


def _finding(code: str, path: Path, row: int, column: str, got: str, message: str) -> Finding:
    data: Mapping[str, object] = {"file": str(path), "row": row, "column": column, "got": got}
    return Finding(code, f"{path}:{row} {column}: got {got!r}, {message}", data)
