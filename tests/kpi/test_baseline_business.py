"""Improvements of ledger figures, and of pieces judged one by one, through the whole core."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import polars as pl
from plantseal_testing_kpi import frame, machine, plant

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.plant import Period
from plantseal_kpi.statistics.exact import digits, normal_quantile
from plantseal_kpi.statistics.score import dispersion, ratio_interval

Z = normal_quantile(Fraction("0.95"))


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BASELINE = {
    "kind": "pre_project",
    "period": {"start": utc("2022-01-01"), "end": utc("2023-01-01")},
    "works": {"start": utc("2023-01-01"), "end": utc("2023-03-01")},
}
AFTER = Period(start=utc("2023-03-01"), end=utc("2024-03-01"))


def report(ledgers, baseline=BASELINE, **more):
    p = plant([machine()], baseline=baseline, **more)
    return evaluate(frame([]).lazy(), p, AFTER, ledgers=ledgers)


def figure(of, metric):
    return next(r for r in of.results if r.metric == metric and r.scope == "plant")


def orders(*sides):
    """Orders of two years: (first day, number, late, days each takes)."""
    rows = []
    for first, n, late, lengths in sides:
        for i in range(n):
            confirmed = first + timedelta(days=i % 300)
            takes = lengths[i % len(lengths)]
            delivered = confirmed + timedelta(days=takes)
            promised = delivered - timedelta(days=1) if i < late else delivered
            rows.append({
                "order": f"{first}/{i}", "line": "1", "confirmed": confirmed,
                "promised_first": promised, "promised": None, "ordered": 5, "delivered": delivered,
                "delivered_quantity": 5,
            })  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"promised": pl.Date})


YEARS = date(2022, 1, 3), date(2023, 3, 3)


def test_on_time_delivery_has_a_score_interval_of_its_lines():
    ledger = orders((YEARS[0], 400, 100, [10]), (YEARS[1], 500, 25, [9]))
    gain = figure(report({"orders": ledger}), "on_time_delivery_gain")
    assert gain.value == digits(Fraction(475, 500) / Fraction(300, 400) - 1)
    low, high = ratio_interval((475, 500), (300, 400), Z)
    assert (gain.interval.low, gain.interval.high) == (digits(low - 1), digits(high - 1))
    assert gain.parts["points"] == "0.2"


def test_the_order_cycle_has_a_bootstrap_of_its_medians():
    ledger = orders((YEARS[0], 60, 0, [8, 10, 12, 14]), (YEARS[1], 60, 0, [6, 8, 9, 10]))
    cut = figure(report({"orders": ledger}), "order_cycle_reduction")
    assert cut.value == digits(1 - Fraction(17, 2) / 11)
    assert cut.interval.method == "bootstrap_median_ratio/1"
    assert (cut.interval.data["n_before"], cut.interval.data["n_after"]) == ("60", "60")
    assert Fraction(cut.interval.low) <= 1 - Fraction(17, 2) / 11 <= Fraction(cut.interval.high)
    # Where every order takes as long as the others, there is nothing to draw.
    flat = orders((YEARS[0], 20, 0, [10]), (YEARS[1], 20, 0, [9]))
    sure = figure(report({"orders": flat}), "order_cycle_reduction").interval
    assert (sure.low, sure.high) == ("0.1", "0.1")


def projects(before, after, open_after=0):
    rows = []
    for end, lengths in ((date(2022, 11, 1), before), (date(2023, 11, 1), after)):
        rows += [
            {"project": f"{end}/{i}", "cls": "a", "approved": end - timedelta(days=n),
             "released": end, "cancelled": None}
            for i, n in enumerate(lengths)
        ]  # fmt: skip
    rows += [
        {"project": f"open/{i}", "cls": "a", "approved": date(2023, 3, 5), "released": None,
         "cancelled": None}
        for i in range(open_after)
    ]  # fmt: skip
    days = dict.fromkeys(("approved", "released", "cancelled"), pl.Date)
    return pl.DataFrame(rows, schema_overrides=days)


def test_open_projects_take_the_bound_of_the_cycle_away():
    before, after = [400, 420, 440, 460, 480], [300, 310, 320, 330, 340]
    cut = figure(report({"projects": projects(before, after)}), "rd_cycle_reduction")
    assert cut.value == digits(1 - Fraction(320, 440))
    assert Fraction(cut.interval.low) > Fraction(15, 100)
    still = figure(report({"projects": projects(before, after, 4)}), "rd_cycle_reduction")
    assert still.interval.low is None
    one = figure(report({"projects": projects(before, [300])}), "rd_cycle_reduction")
    assert one.interval is None
    assert "interval.few_times" in {f.code for f in one.findings}


def inspections(*sides):
    """Pieces judged one by one: (first day, failures of each day, pieces a day)."""
    rows = [
        {"part": f"{first}/{d}/{i}", "inspection": "final",
         "time": utc(first) + timedelta(days=d, minutes=i), "passed": i >= failed}
        for first, failures, n in sides
        for d, failed in enumerate(failures)
        for i in range(n)
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))


def test_pieces_judged_one_by_one_are_clustered_by_day():
    before, after = [0, 8, 0, 8, 0, 8], [0, 4, 0, 4, 0, 4]
    ledger = inspections(("2022-05-01", before, 40), ("2023-05-01", after, 40))
    cut = figure(report({"inspections": ledger}), "defect_rate_reduction")
    phi = [dispersion([(k, 40) for k in side]) for side in (after, before)]
    assert cut.value == "0.5"
    assert cut.interval.data["phi_after"] == digits(phi[0])
    high = ratio_interval((12, 240), (24, 240), Z, (phi[0], phi[1]))[1]
    assert cut.interval.low == digits(1 - high)


def made(products):
    """The ledger output: one line a product and side, in hours of 36e11 ns."""
    rows = [
        {"date": day, "product": name, "good": n, "standard": 36 * 10**11}
        for day, side in zip((date(2022, 5, 31), date(2023, 5, 31)), products, strict=True)
        for name, n in side.items()
    ]
    return pl.DataFrame(rows)


def test_other_products_than_before_are_not_comparable():
    ledger = inspections(("2022-05-01", [4], 100), ("2023-05-01", [2], 100))
    mix = {"shaft-1": 60, "shaft-2": 40}, {"shaft-1": 50, "shaft-3": 50}
    families = {f"shaft-{i}": "shaft" for i in (1, 2, 3)}
    both = {"inspections": ledger, "output": made(mix)}
    codes = [
        {
            f.code
            for f in figure(report(both, {**BASELINE, **more}), "defect_rate_reduction").findings
        }
        for more in ({}, {"families": families})
    ]
    assert "unassessable.baseline.families" in codes[0]
    assert "unassessable.baseline.families" not in codes[1]
    assert "baseline.families" in codes[1]


def test_another_class_of_projects_is_not_comparable():
    ledger = projects([400, 420, 440], [300, 310, 320])
    later = pl.col("approved") >= date(2022, 12, 1)
    other = ledger.with_columns(cls=pl.when(later).then(pl.lit("b")).otherwise("cls"))
    cut = figure(report({"projects": other}), "rd_cycle_reduction")
    assert "unassessable.baseline.classes" in {f.code for f in cut.findings}
    same = figure(report({"projects": ledger}), "rd_cycle_reduction")
    assert not {f.code for f in same.findings if f.code.startswith("unassessable")}
