"""What a ledger or a gap leaves unsaid must not make a figure better."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from plantseal_testing_kpi import frame, machine, plant, point, row
from plantseal_testing_ledgers import codes, figures, ledger, month_ends, shop, year

from plantseal_kpi.calendar import ns
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.judging.derived import derived
from plantseal_kpi.judging.facts import facts_from
from plantseal_kpi.judging.notices import load_notice
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Finding, Interval, Result
from plantseal_kpi.schema import Flag

DAY = 86_400 * 10**9
BEFORE, AFTER = 2022, 2024


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BASELINE = {
    "kind": "pre_project",
    "period": {"start": utc("2022-01-01"), "end": utc("2023-01-01")},
    "works": {"start": utc("2023-01-01"), "end": utc("2024-01-01")},
}


def compared(metric, baseline=BASELINE, **ledgers):
    p = plant([machine()], baseline=baseline)
    found = evaluate(frame([]).lazy(), p, year(AFTER), ledgers=ledgers).results
    return next(r for r in found if r.metric == metric and r.scope == "plant")


def judged(part, when, passed):
    return {"part": part, "inspection": "final", "time": utc(when), "passed": passed}


def test_a_piece_rejected_before_the_period_and_accepted_in_it_is_no_good_piece_of_it():
    rows = ledger("inspections", judged("a", "2023-12-31T23:00", False),
                  judged("a", "2024-01-01T01:00", True), judged("b", "2024-01-01T02:00", True),
                  judged("c", "2024-01-01T03:00", False))  # fmt: skip
    found = figures(shop(), year(2024), inspections=rows)["inspection_defect_rate"]
    assert (found.numerator, found.denominator) == ("1", "2")
    found = figures(shop(), year(2023), inspections=rows)["inspection_defect_rate"]
    assert (found.numerator, found.denominator) == ("1", "1")


def added(number, fen):
    return [{"date": d, "amount": fen} for d in month_ends(number)]


def staffed(number):
    return [{"date": d, "kind": "line", "persons": 10} for d in month_ends(number)]


@pytest.mark.parametrize("after", [-200, -50, 100])
def test_twice_the_loss_is_no_gain_of_one_hundred_per_cent(after):
    gain = compared(
        "labour_productivity_gain",
        value_added=ledger("value_added", *added(BEFORE, -100), *added(AFTER, after)),
        staff=ledger("staff", *staffed(BEFORE), *staffed(AFTER)),
    )
    assert gain.value is None
    assert "baseline.not_positive" in codes(gain)


def weighed(number, kind, grams):
    return [
        {"date": d, "kind": kind, "material": "steel", "mass": grams} for d in month_ends(number)
    ]


def test_good_product_not_recorded_before_is_no_gain_of_yield():
    rows = ledger("materials", *weighed(BEFORE, "input", 10),
                  *weighed(BEFORE, "good_product", 9)[:9], *weighed(AFTER, "input", 10),
                  *weighed(AFTER, "good_product", 9))  # fmt: skip
    gain = compared("resource_utilisation_gain", materials=rows)
    assert gain.value is None
    (lacks,) = (f for f in gain.findings if f.code == "unassessable.ledger.months")
    assert lacks.data["months"] == "2022-10,2022-11,2022-12"


def test_hardware_without_a_planned_amount_does_not_raise_the_share_of_software():
    def item(name, kind, fen):
        return {"item": name, "kind": kind, "planned": fen, "invoiced": 1, "date": date(2024, 1, 1)}

    known = [item("a", "软件购置费", 300), item("b", "设备购置及安装费", 600)]
    blank = item("c", "设备购置及安装费", None)
    found = figures(shop(), year(2024), investments=ledger("investments", *known, blank))
    share = found["software_investment_share"]
    assert (share.value, "unassessable.investments.unplanned" in codes(share)) == (None, True)
    assert found["planned_total_investment"].value == "0.0009"  # the least that it is
    software = item("c", "软件购置费", None)
    found = figures(shop(), year(2024), investments=ledger("investments", *known, software))
    assert found["software_investment_share"].value == "0.333333333333"


def stocked(number, **kinds):
    ends = [date(number - 1, 12, 31), *month_ends(number)]
    return [
        {"date": d, "item": k, "value": v, "pieces": None} for d in ends for k, v in kinds.items()
    ]


def test_a_stock_that_is_no_longer_counted_is_no_faster_turn():
    cogs = [{"date": d, "item": "cogs", "amount": 100}
            for n in (BEFORE, AFTER) for d in month_ends(n)]  # fmt: skip
    rows = stocked(BEFORE, raw=50, finished=50) + stocked(AFTER, raw=50)
    gain = compared("inventory_turnover_gain", inventory=ledger("inventory", *rows),
                    finance=ledger("finance", *cogs))  # fmt: skip
    assert "unassessable.baseline.items" in codes(gain)


def test_bookings_of_a_whole_month_in_a_part_of_it_give_a_point_value_at_best():
    base = BASELINE | {"period": {"start": utc("2021-12-31"), "end": utc("2023-01-01")}}
    spent = [{"entry": f"{n}/{i}", "date": d, "account": "1", "kind": "energy", "amount": 100,
              "amount_baseline_prices": 92}
             for n in (2021, BEFORE, AFTER) for i, d in enumerate(month_ends(n))]  # fmt: skip
    out = [{"date": d, "product": "p", "good": 10, "standard": 3600 * 10**9}
           for n in (BEFORE, AFTER) for d in month_ends(n)]  # fmt: skip
    out.append({"date": date(2021, 12, 31), "product": "p", "good": 0, "standard": 3600 * 10**9})
    gain = compared("operating_cost_reduction", base, costs=ledger("costs", *spent),
                    output=ledger("output", *out))  # fmt: skip
    assert Fraction(gain.value) > Fraction(15, 100)  # 8 % from prices, the rest from one more month
    assert "point_only.ledger.part_month" in codes(gain)


def counters(start, n, each, lost=0):
    """Daily counter readings; the counter begins anew on the first ``lost`` days."""
    rows, total = [], 0
    for i in range(n + 1):
        at = ns(utc(start)) + i * DAY
        rows += [row(tag, None, total, t_source=at, flags=int(Flag.IMPORTED)) for tag in (1, 2)]
        total = 1 if i < 2 * lost and i % 2 else total + each
    return rows


def efficiency(lost):
    points = [
        point(tag, role=role, mode="imported", protocol="recorded", period_ms=86_400_000)
        for tag, role in ((1, "count_total"), (2, "count_good"))
    ]
    rows = counters("2022-01-01", 365, 1000, lost) + counters("2024-01-01", 366, 1060)
    p = plant([machine(ideal_cycle_s="40")], points, baseline=BASELINE)
    done = evaluate(frame(rows).lazy(), p, Period(start=utc("2024-01-01"), end=utc("2025-01-01")))
    (gain,) = (r for r in done.results if r.metric == "production_efficiency_gain")
    (said,) = (v for v in done.verdicts if v.criterion == "cq2020.w5.efficiency")
    return gain, said


def test_pieces_that_nobody_counted_before_are_no_gain():
    gain, said = efficiency(0)
    assert (gain.value, gain.low, said.outcome) == ("0.06", None, "FAIL")
    gain, said = efficiency(30)
    assert Fraction(gain.value) > Fraction(10, 100)
    assert Fraction(gain.interval.low) > Fraction(10, 100)
    assert Fraction(gain.low) < Fraction(7, 100)
    assert said.outcome == "PASS_POINT"
    assert "criteria.unknown_bound" in {f.code for f in said.reasons}


@pytest.mark.parametrize("more", [
    {"findings": (Finding(code="point_only.baseline.short", message="x"),)}, {"low": "-0.1"},
])  # fmt: skip
def test_what_follows_from_a_point_value_is_a_point_value(more):
    gain = Result(metric="defect_rate_reduction", version=1, scope="plant", unit="1", numerator="1",
                  denominator="2", value="0.5", coverage="1",
                  interval=Interval(method="m/1", level="0.95", low="0.4"), **more)  # fmt: skip
    n22, n21 = load_notice("CQ2022-38"), load_notice("CQ2021-114")
    facts = facts_from([gain], None)
    assert derived(n22, facts, {})["effect_shown"].low is None
    shown = derived(n21, facts, {})["defect_reduced"]
    assert any(f.code.startswith("point_only.") for f in shown.findings)
