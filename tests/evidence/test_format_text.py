"""``docs/bundle-format.md`` is normative; its tables and the code say the same."""

import re
from pathlib import Path

import plantseal_kpi.schema as kpi
from plantseal.evidence import verify_coverage, verify_rows
from plantseal.evidence.format import KNOWN, NOTES, REQUIRED, SAFE_NAME, SHORTFALLS, Code
from plantseal.evidence.verdict import STEPS, VERDICTS
from plantseal_connectors import rows, status
from plantseal_kpi.evaluate import CONTEXT_NS

TEXT = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    after = TEXT.split(f"{title}\n", 1)[1]
    return re.split(r"\n#+ ", after, maxsplit=1)[0]


def table(title: str) -> list[list[str]]:
    lines = [x for x in section(title).splitlines() if x.startswith("|")]
    return [[c.strip() for c in x.strip("|").split("|")] for x in lines if not x.startswith("| --")]


def numbered(title: str) -> dict[str, int]:
    return {name: int(n) for n, name, _ in table(title)[1:]}


def test_kinds_value_types_and_flags_are_those_of_writer_reader_and_core() -> None:
    for title, ours, theirs in (
        ("### 1.1 Kinds", rows.Kind, kpi.Kind),
        ("### 1.2 Value types", rows.VType, kpi.VType),
        ("### 1.3 Flags", rows.Flag, kpi.Flag),
    ):
        said = numbered(title)
        assert said == {m.name: m.value for m in ours} == {m.name: m.value for m in theirs}
    kinds, types, flags = (
        numbered(f"### 1.{i} {t}") for i, t in ((1, "Kinds"), (2, "Value types"), (3, "Flags"))
    )
    assert (kinds["VALUE"], kinds["SLOT"]) == (verify_coverage.VALUE, verify_coverage.SLOT)
    assert (kinds["BIRTH"], kinds["GAP"]) == (verify_coverage.BIRTH, verify_coverage.GAP)
    assert (
        flags["IMPORTED"], flags["BACKFILLED"],
    ) == (verify_coverage.IMPORTED, verify_coverage.BACKFILLED)  # fmt: skip
    assert (
        types["F64"], types["TEXT"], types["BYTES"],
    ) == (verify_rows.F64, verify_rows.TEXT, verify_rows.BYTES)  # fmt: skip


def test_the_row_is_laid_out_as_the_table_says() -> None:
    said = {name.strip("`"): int(offset) for offset, name, _, _ in table("## 1. The row")[1:]}
    fields = verify_rows.ROW.fields
    assert fields is not None
    assert said == {name: fields[name][1] for name in verify_rows.ROW.names or ()}


def test_status_codes_and_the_modbus_mapping_are_those_of_the_connectors() -> None:
    part = table("### 1.4 Status")
    codes = {int(r[0].strip("`"), 16): r[1] for r in part if len(r) == 3 and r[0].startswith("`0x")}
    assert codes == {code: status.text(code).split(" ")[0] for code in status.NAMES}
    modbus = {int(r[0].split()[0]): r[1] for r in part if re.match(r"\d+ ", r[0])}
    assert {n: int(s.strip("`"), 16) for n, s in modbus.items()} == {
        n: status.of_modbus_exception(n) for n in (1, 2, 3, 4, 5, 6, 8, 10, 11)
    }
    assert status.of_modbus_exception(7) == 0x8000_0000 + 7


def test_segment_columns_are_those_of_the_reader() -> None:
    said = {}
    for names, dtype, _ in table("## 3. Segments")[1:]:
        said |= dict.fromkeys(re.findall(r"`(\w+)`", names), dtype.split(",")[0])
    assert said == {name: str(dtype) for name, dtype in verify_rows.SEGMENT.items()}


def test_error_codes_steps_and_verdicts_are_all_there() -> None:
    said = set(re.findall(r"E\d{3}", section("### 7.1 Error codes")))
    assert said == {str(c) for c in Code} - {"note"}
    wanting = TEXT.split(" say that something is *wanting*")[0].rsplit("\n", 1)[1]
    assert set(re.findall(r"E\d{3}", wanting)) == {str(c) for c in SHORTFALLS}
    notes = re.search(r"(E202.*) are notes", TEXT)
    assert notes
    assert set(re.findall(r"E\d{3}", notes[1])) == {str(c) for c in NOTES} - {"note"}
    steps = {int(r[0]): r[2] for r in table("## 7. Verification")[1:]}
    assert steps == {number: rung for number, _, _, rung in STEPS}
    verdicts = {int(r[3]): (r[1], r[2]) for r in table("### 7.2 Verdict")[1:]}
    assert verdicts == VERDICTS


def test_every_file_of_the_table_is_a_name_that_the_verifier_takes() -> None:
    said = [r[0].strip("`") for r in table("## 6. Files of a bundle")[1:]]
    examples = [
        n.replace("<digest>", "0" * 64).replace("<nnnnnn>", "000001").replace("<seq0>", "0")
        for n in said
    ]
    assert set(REQUIRED) < set(examples)
    for name in set(examples) - set(REQUIRED) - {"bundle.dsse.json"}:
        assert KNOWN.fullmatch(name), name
    assert all(SAFE_NAME.fullmatch(n) for n in examples)


def test_the_context_of_a_span_and_the_slack_of_a_period_are_those_of_the_code() -> None:
    files, checks = section("## 6. Files of a bundle"), section("## 7. Verification")
    hours = re.search(r"widened by (\d+) h", files)
    assert hours
    assert int(hours[1]) * 3600 * 10**9 == CONTEXT_NS
    slack = re.search(r"begin up to (\d+) s after the start", checks)
    assert slack
    assert int(slack[1]) * 10**9 == verify_coverage.PRESENCE_SLACK_NS
