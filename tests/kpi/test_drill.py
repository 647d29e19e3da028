"""Drill-down: for every metric the frames add up to the figure, and nothing is left out unsaid."""

import random
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_drill import LENGTH, period, two_years, workshop, workshop_rows
from plantseal_testing_ledgers import shop, year

from plantseal_kpi.drill.drilling import BUILDERS, CHANGES, drilled, scopes
from plantseal_kpi.drill.frames import INTERVALS, RECORDS, ROWS, SUMS, UNITS
from plantseal_kpi.drill.reasons import REASONS
from plantseal_kpi.drill.scene import Scene
from plantseal_kpi.evaluate import worked
from plantseal_kpi.metrics import CATALOGUE

FRAMES = {"intervals": INTERVALS, "rows": ROWS, "records": RECORDS, "units": UNITS, "sums": SUMS}


def added(frames, column):
    """Sum entry by entry, the slow way."""
    return sum(Fraction(by) * n for f in frames for n, by in f.select(column, "weight").iter_rows())


def said(d):
    """The terms of the figure, from the entries one by one where they are sums."""
    entries = [d.intervals, d.rows, d.records, d.units]
    if d.form is None and d.formed is None:
        n, below = added(entries, "numerator"), added(entries, "denominator")
        if n.denominator == below.denominator == 1:
            return int(n), int(below)
        return (n / below).as_integer_ratio()
    if d.form is not None:
        return d.form(*(said(p) for p in d.parts))
    return d.terms()


def inspect(d):
    for name, schema in FRAMES.items():
        assert getattr(d, name).schema == schema
    for name in ("intervals", "rows", "records", "units"):
        found = getattr(d, name)
        assert found.height == d.total(name)
        unsaid = found.filter(~pl.col("used") & (pl.col("reason") == ""))
        assert not unsaid.height, unsaid
        codes = {r.partition(":")[0] for r in found["reason"].to_list()} - {""}
        assert codes <= set(REASONS)
    listed = d.rows.filter(pl.col("kind") != "METER_CHANGE")
    assert listed["seq"].n_unique() == listed.height
    assert_divides_the_period(d)
    for p in d.parts:
        inspect(p)


def assert_divides_the_period(d):
    if not d.intervals.height:
        return
    ordered = d.intervals.sort("equipment", "point", "tag", "start")
    key = ["equipment", "point", "tag"]
    lengths = ordered.group_by(key).agg(ns=(pl.col("end") - pl.col("start")).sum())
    assert lengths["ns"].n_unique() == 1
    before = pl.col("end").shift(1).over(key)
    assert not ordered.filter(pl.col("start") < before).height


def agrees(done, metric, scope="plant"):
    d = drilled(done, metric, scope)
    inspect(d)
    r = d.result
    if r is not None and r.numerator is not None and r.denominator is not None:
        terms = int(r.numerator), int(r.denominator)
        assert d.terms() == terms, (metric, scope)
        assert said(d) == terms
        return True
    return False


def every_scope(done):
    now = Scene(done.now, done.source, 1)
    return [(m, x) for m in CATALOGUE for x in (scopes(now, m) if m in BUILDERS else ["plant"])]


def test_every_metric_has_a_builder():
    assert set(BUILDERS) | set(CHANGES) == set(CATALOGUE)


@pytest.mark.parametrize("trouble", [0, 0.02])
def test_the_frames_of_every_metric_add_up_to_its_figure(trouble):
    p = workshop()
    done = worked(workshop_rows(1, p, trouble).lazy(), p, period(LENGTH))
    held = {m for m, scope in every_scope(done) if agrees(done, m, scope)}
    measured = set(BUILDERS) - set(two_years_metrics())
    # With trouble m2's three counters may contradict each other, and nothing else has all three.
    assert held >= (measured - {"rework_ratio"} if trouble else measured)


def two_years_metrics():
    from plantseal_kpi.business.figures import METRICS

    return [m.id for m in METRICS]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), trouble=st.sampled_from((0.01, 0.1, 0.3)))
def test_hostile_rows_add_up_too(seed, trouble):
    p = workshop()
    done = worked(workshop_rows(seed, p, trouble).lazy(), p, period(LENGTH))
    for metric, scope in random.Random(seed).sample(every_scope(done), 25):
        agrees(done, metric, scope)


def test_the_ledgers_of_every_business_figure_add_up():
    base = {"kind": "pre_project", "period": year(2022).model_dump()}
    business = {"cost_accounts": ["5001"]}
    p = shop(baseline=base, business=business, quality={"inspection": "in"})
    rows = workshop_rows(1, workshop()).clear()
    done = worked(rows.lazy(), p, year(2023), ledgers=two_years())
    held = {m for m in CATALOGUE if agrees(done, m)}
    assert held >= {*two_years_metrics(), "comprehensive_energy", "defect_rate"}
