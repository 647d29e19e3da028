"""Defects by inspections: forty real parts whose two inspections disagree, and lots."""

import gzip
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantseal_testing_ledgers import codes, figures, ledger, shop, year

from plantseal_kpi.business.inspections import lots_in

DATA = Path(os.environ.get("DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
PLATES = DATA / "nist_mtc_cover_plate"
WHEN = {"incoming": datetime(2017, 3, 20, tzinfo=UTC), "fair": datetime(2017, 6, 1, tzinfo=UTC)}


def qif(part, inspection):
    """One record a MeasurementResults element; QIF 2.1 keeps its verdict in InspectionStatus."""
    text = gzip.decompress((PLATES / f"{part}_{inspection}.qif.gz").read_bytes()).decode(
        "utf-8-sig"
    )
    blocks = re.findall(r"<MeasurementResults .*?</MeasurementResults>", text, re.S)
    verdicts = [
        re.findall(r"<InspectionStatus>.*?<\w*Enum>(PASS|FAIL)</", block, re.S) for block in blocks
    ]
    assert all(len(v) == 1 for v in verdicts)
    return [
        {"part": f"{part}-{i}", "inspection": inspection, "time": WHEN[inspection],
         "passed": v == ["PASS"]}
        for i, v in enumerate(verdicts, 1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def forty():
    return [r for part in ("cover", "plate") for i in WHEN for r in qif(part, i)]


@pytest.mark.recorded
@pytest.mark.parametrize(("counts", "rejected"), [("incoming", 20), ("fair", 20)])
def test_forty_parts_say_which_inspection_counts(forty, counts, rejected):
    plant = shop(quality={"inspection": counts})
    found = figures(plant, year(2017), inspections=ledger("inspections", *forty))
    rate = found["inspection_defect_rate"]
    assert (rate.numerator, rate.denominator) == (str(rejected), "40")
    assert (rate.parts["by_incoming"], rate.parts["by_fair"]) == ("20 / 40", "20 / 40")
    # Equal totals hide it: one cover and one plate are judged the other way.
    assert (rate.parts["inspection"], rate.parts["disagree"]) == (counts, "2")
    assert codes(rate) == {"inspections.disagree"}


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("part", "incoming", "fair"), [("cover", "0 / 20", "1 / 20"), ("plate", "20 / 20", "19 / 20")]
)
def test_cover_and_plate_alone(forty, part, incoming, fair):
    mine = [r for r in forty if r["part"].startswith(part)]
    plant = shop(quality={"inspection": "fair"})
    found = figures(plant, year(2017), inspections=ledger("inspections", *mine))
    parts = found["inspection_defect_rate"].parts
    assert (parts["by_incoming"], parts["by_fair"], parts["disagree"]) == (incoming, fair, "1")


@pytest.mark.recorded
def test_two_inspections_and_no_choice_is_no_figure(forty):
    found = figures(shop(), year(2017), inspections=ledger("inspections", *forty))
    rate = found["inspection_defect_rate"]
    assert (rate.value, rate.parts["by_fair"]) == (None, "20 / 40")
    assert "unassessable.inspection" in codes(rate)


def judged(part, inspection, hour, passed):
    return {"part": part, "inspection": inspection, "passed": passed,
            "time": datetime(2023, 1, 1, hour, tzinfo=UTC)}  # fmt: skip


def test_a_piece_judged_again_counts_as_judged_first():
    rows = [judged("a", "final", 1, False), judged("a", "final", 2, True),
            judged("b", "final", 1, True), judged("b", "final", 3, False),
            judged("c", "other", 1, False)]  # fmt: skip
    plant = shop(quality={"inspection": "final"})
    found = figures(plant, year(2023), inspections=ledger("inspections", *rows))
    rate = found["inspection_defect_rate"]
    assert (rate.numerator, rate.denominator) == ("1", "2")
    assert codes(rate) == {"inspections.unjudged"}
    wrong = shop(quality={"inspection": "FINAL{x}"})
    none = figures(wrong, year(2023), inspections=ledger("inspections", *rows))
    assert codes(none["inspection_defect_rate"]) == {"unassessable.inspection"}


RECORDS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 3), st.booleans()),
    max_size=12, unique_by=lambda r: r[:3],
)  # fmt: skip


@given(RECORDS)
def test_inspections_equal_a_slow_count(drawn):
    rows = [judged(*r) for r in drawn]
    plant = shop(quality={"inspection": "x"})
    found = figures(plant, year(2023), inspections=ledger("inspections", *rows))
    rate = found["inspection_defect_rate"]
    first = {}
    for r in sorted(rows, key=lambda r: r["time"]):
        if r["inspection"] == "x":
            first.setdefault(r["part"], r["passed"])
    if first:
        assert (rate.numerator, rate.denominator) == (
            str(sum(not p for p in first.values())), str(len(first))
        )  # fmt: skip
    else:
        assert rate.value is None


def test_lots_are_a_ratio_of_sums():
    rows = [{"lot": name, "time": datetime(2023, 1, day, tzinfo=UTC), "inspected": n, "defective": bad}
            for name, day, n, bad in (("b", 2, 90, 0), ("a", 1, 10, 5))]  # fmt: skip
    rows.append({"lot": "next", "time": datetime(2024, 1, 1, tzinfo=UTC), "inspected": 9,
                 "defective": 9})  # fmt: skip
    ledgers = {"lots": ledger("lots", *rows)}
    found = figures(shop(), year(2023), **ledgers)["lot_defect_rate"]
    assert (found.value, found.parts["lots"]) == ("0.05", "2")  # not the mean of 0 and 0.5
    span = (1_672_531_200 * 10**9, 1_704_067_200 * 10**9)
    assert [(x.lot, x.inspected, x.defective) for x in lots_in(span, ledgers)] == [
        ("a", 10, 5), ("b", 90, 0)
    ]  # fmt: skip
    assert lots_in(span, {}) == []
    none = figures(shop(), year(2022), **ledgers)["lot_defect_rate"]
    assert (none.value, codes(none)) == (None, {"ledger.empty"})
