"""Before and after through the whole core: a year of daily records on both sides of the works."""

from datetime import UTC, datetime
from fractions import Fraction

import polars as pl
import pytest
from plantseal_testing_kpi import frame, machine, plant, point, row

from plantseal_kpi.calendar import ns
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.plant import Period
from plantseal_kpi.schema import Flag
from plantseal_kpi.statistics.exact import digits, normal_quantile
from plantseal_kpi.statistics.generator import below, splitmix64
from plantseal_kpi.statistics.score import dispersion, ratio_interval

IMPORTED = int(Flag.IMPORTED)
DAY = 86_400 * 10**9
Z = normal_quantile(Fraction("0.95"))


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(start, end):
    return {"start": utc(start), "end": utc(end)}


YEAR, WORKS = between("2022-01-01", "2023-01-01"), between("2023-01-01", "2023-03-01")
AFTER = Period(**between("2023-03-01", "2024-03-01"))
BASELINE = {"kind": "pre_project", "period": YEAR, "works": WORKS}
POINTS = [
    point(tag, role=role, mode="imported", protocol="recorded", period_ms=86_400_000)
    for tag, role in ((1, "count_total"), (2, "count_good"))
]
STATE = point(3, role="state", mode="imported", protocol="recorded", period_ms=86_400_000)


def counted(start, made, bad, tags=(1, 2)):
    """Counter readings at each midnight: the pieces of a day are its last reading less its first."""
    first, rows, totals = ns(utc(start)), [], [0, 0]
    for i in range(len(made) + 1):
        for tag, n in zip(tags, totals, strict=True):
            rows.append(row(tag, None, n, t_source=first + i * DAY, flags=IMPORTED))
        if i < len(made):
            totals = [totals[0] + made[i], totals[1] + made[i] - bad[i]]
    return rows


def days(total, n=365, spread=0):
    """A total over n days: evenly, or with every other day ``spread`` above and below."""
    each = [total // n + (i < total % n) for i in range(n)]
    return [k + (spread if i % 2 else -spread) * (i < n - n % 2) for i, k in enumerate(each)]


def report(before, after, baseline=BASELINE, **more):
    (made0, bad0), (made1, bad1) = before, after
    rows = counted("2022-01-01", made0, bad0)
    rows += counted("2023-03-01", made1, bad1)
    given = {"ideal_cycle_s": "20"} | more.pop("equipment", {})
    rows += more.pop("rows", [])
    p = plant([machine(**given)], more.pop("points", POINTS), baseline=baseline, **more)
    return evaluate(frame(rows).lazy(), p, AFTER)


def figure(of, metric):
    return next(r for r in of.results if r.metric == metric and r.scope == "plant")


def verdict(of, name="cq2020.w5.defect"):
    return next(v for v in of.verdicts if v.criterion.startswith(name))


def codes(of):
    return {f.code for f in of.findings}


def test_a_cut_that_the_pieces_show_passes():
    made = days(100_000, 365), days(100_000, 366)
    bad = days(3_000, 365), days(2_550, 366)
    got = report((made[0], bad[0]), (made[1], bad[1]))
    cut = figure(got, "defect_rate_reduction")
    assert (cut.value, cut.coverage) == ("0.15", "1")
    high = ratio_interval((2_550, 100_000), (3_000, 100_000), Z)[1]
    assert cut.interval.low == digits(1 - high)
    assert abs(Fraction(cut.interval.low) - Fraction("0.112")) < Fraction("0.0005")  # 3.5: 0.888
    assert (cut.interval.method, cut.interval.data["phi_after"]) == ("koopman_score/1", "1")
    assert verdict(got).outcome == "PASS"
    assert not {c for c in codes(cut) if c.startswith(("point_only", "unassessable"))}


def test_the_same_cut_of_fewer_pieces_is_a_point_value_with_advice():
    got = report((days(10_000), days(300)), (days(10_000, 366), days(255, 366)))
    cut = figure(got, "defect_rate_reduction")
    assert cut.value == "0.15"
    assert 0 < Fraction(cut.interval.low) < Fraction(1, 10)
    advised = next(f for f in cut.findings if f.code == "interval.sample_size")
    assert advised.data["n"] == "133505"
    assert verdict(got).outcome == "PASS_POINT"


def test_days_that_differ_widen_the_interval():
    made, bad = days(100_000, 365), days(3_000, 365, spread=8)
    made1, bad1 = days(100_000, 366), days(2_550, 366, spread=6)
    cut = figure(report((made, bad), (made1, bad1)), "defect_rate_reduction")
    phi = [dispersion(zip(k, n, strict=True)) for k, n in ((bad1, made1), (bad, made))]
    assert min(phi) > 2
    assert [cut.interval.data[f"phi_{side}"] for side in ("after", "before")] == [
        digits(p) for p in phi
    ]
    high = ratio_interval((2_550, 100_000), (3_000, 100_000), Z, (phi[0], phi[1]))[1]
    assert cut.interval.low == digits(1 - high)


GOOD = ((days(100_000), days(3_000)), (days(100_000, 366), days(2_000, 366)))


@pytest.mark.parametrize(
    ("baseline", "outcome", "code"),
    [
        (BASELINE, "PASS", None),
        ({**BASELINE, "works": None}, "PASS_POINT", "point_only.baseline.works"),
        ({**BASELINE, "works": between("2023-01-01", "2023-03-02")}, "NOT_ASSESSABLE",
         "unassessable.reporting.works"),
        ({**BASELINE, "period": between("2022-06-01", "2023-01-01")}, "PASS_POINT",
         "point_only.baseline.months"),
        ({**BASELINE, "period": between("2022-12-03", "2023-01-01")}, "PASS_POINT",
         "point_only.baseline.short"),
    ],
)  # fmt: skip
def test_the_rules_of_the_windows_decide(baseline, outcome, code):
    got = report(*GOOD, baseline=baseline)
    assert verdict(got).outcome == outcome
    assert code is None or code in codes(figure(got, "defect_rate_reduction"))


def test_a_cited_figure_is_taken_as_exact_and_a_missing_one_is_nothing():
    cited = {
        "kind": "industry_average",
        "citation": "yearbook 2023, p. 7",
        "figures": {"defect_rate": "0.03"},
    }
    got = report(*GOOD, baseline=cited)
    cut = figure(got, "defect_rate_reduction")
    assert (cut.value, cut.interval.method) == ("0.333333333333", "wilson_score/1")
    assert Fraction(cut.interval.low) < Fraction(1, 3) < Fraction(cut.interval.high)
    gain = figure(got, "production_efficiency_gain")
    assert gain.value is None
    assert "baseline.figure_missing" in codes(gain)
    # No defect at all before: there is nothing to cut.
    none = report((days(100_000), days(0)), GOOD[1])
    assert figure(none, "defect_rate_reduction").value is None
    assert verdict(none).outcome == "NOT_ASSESSABLE"


@pytest.mark.parametrize("wrong", ["3", "0", "-0.03"])
def test_a_cited_share_that_is_none_is_told_and_never_an_improvement(wrong):
    """3 % written as 3 would be a cut by 99 %."""
    cited = {"kind": "industry_average", "citation": "yearbook", "figures": {"defect_rate": wrong}}
    got = report(*GOOD, baseline=cited)
    cut = figure(got, "defect_rate_reduction")
    assert cut.value is None
    assert "baseline.figure_wrong" in codes(cut)
    assert verdict(got).outcome == "NOT_ASSESSABLE"


def noisy(total, n, seed):
    source = splitmix64(seed)
    return [total // n + below(41, source) - 20 for _ in range(n)]


def test_oee_and_efficiency_carry_the_interval_of_their_shifts():
    made0, made1 = noisy(1_000_000, 365, 1), noisy(1_200_000, 366, 2)
    bad0, bad1 = days(10_000), days(10_000, 366)
    states = [
        row(3, None, "run", t_source=ns(utc(start)) + i * DAY, flags=IMPORTED)
        for start, n in (("2022-01-01", 365), ("2023-03-01", 366))
        for i in range(n + 1)
    ]
    got = report(
        (made0, bad0), (made1, bad1), points=[*POINTS, STATE], rows=states,
        equipment={"states": {"run": "producing"}, "stale_s": None},
    )  # fmt: skip
    earned = [(20 * (m - b) * 10**9, DAY) for m, b in zip(made1, bad1, strict=True)]
    r1, r0 = (Fraction(sum(m) - 10_000, len(m)) * 20 * 10**9 / DAY for m in (made1, made0))
    for metric in ("overall_equipment_utilisation_gain", "production_efficiency_gain"):
        gain = figure(got, metric)
        assert gain.value == digits(r1 / r0 - 1)
        assert (gain.interval.method, gain.interval.data["shifts_after"]) == (
            "log_ratio_of_sums/1", str(len(earned)),
        )  # fmt: skip
        assert Fraction(gain.interval.low) < r1 / r0 - 1 < Fraction(gain.interval.high)
    assert figure(got, "overall_equipment_utilisation_gain").parts["points"] == digits(r1 - r0)
    assert figure(got, "overall_equipment_utilisation_gain").parts["utilisation_after"] == "1"
    assert verdict(got, "cq2020.w5.efficiency").outcome == "PASS"


def test_lots_of_a_ledger_are_the_clusters():
    lots = {
        "2022-05-01": [(0, 100), (10, 100), (0, 100), (10, 100)],
        "2023-05-01": [(0, 100), (4, 100), (0, 100), (4, 100)],
    }
    records = pl.DataFrame(
        [
            {"lot": f"{day}/{i}", "time": utc(day), "inspected": n, "defective": k}
            for day, listed in lots.items()
            for i, (k, n) in enumerate(listed)
        ]
    ).with_columns(pl.col("time").cast(pl.Datetime("ns", "UTC")))
    p = plant([machine()], POINTS, baseline=BASELINE)
    (made0, bad0), (made1, bad1) = GOOD
    rows = counted("2022-01-01", made0, bad0) + counted("2023-03-01", made1, bad1)
    got = evaluate(frame(rows).lazy(), p, AFTER, ledgers={"lots": records})
    cut = figure(got, "defect_rate_reduction")
    assert cut.value == "0.6"
    assert cut.interval.data["lots_before"] == "4"
    assert cut.interval.data["phi_before"] == digits(dispersion(lots["2022-05-01"]))


def test_energy_is_judged_by_its_adjusted_form():
    """More is made than before; the model of the year before takes that out."""
    made0, made1 = noisy(36_500, 365, 4), noisy(54_900, 366, 5)
    source = splitmix64(6)
    used0 = [100_000 + 500 * n + below(4_001, source) - 2_000 for n in made0]
    used1 = [(100_000 + 500 * n) * 88 // 100 + below(4_001, source) - 2_000 for n in made1]
    meter = point(4, role="energy", unit="Wh", mode="imported", protocol="recorded",
                  period_ms=86_400_000)  # fmt: skip
    rows = []
    for start, used in (("2022-01-01", used0), ("2023-03-01", used1)):
        total = 0
        for i, n in enumerate([*used, 0]):
            rows.append(row(4, None, total, t_source=ns(utc(start)) + i * DAY, flags=IMPORTED))
            total += n
    none = days(0), days(0, 366)
    plan = {"adjustment": {"step": "day", "drivers": [{"name": "output"}]}}
    raw, adjusted = (
        report((made0, none[0]), (made1, none[1]), points=[*POINTS, meter], rows=list(rows), **more)
        for more in ({}, {"energy": plan})
    )
    gain = figure(adjusted, "energy_utilisation_gain")
    assert gain.parts["form"] == "adjusted"
    assert abs(Fraction(gain.value) - Fraction(12, 88)) < Fraction(1, 100)
    assert Fraction(gain.interval.low) > Fraction(8, 100)
    assert verdict(adjusted, "cq2020.w5.energy").outcome == "PASS"
    assert figure(raw, "energy_utilisation_gain").parts["form"] == "raw"
    assert Fraction(figure(raw, "energy_utilisation_gain").value) > Fraction(gain.value)
    assert verdict(raw, "cq2020.w5.energy").outcome == "PASS_POINT"
