"""The simulator's true figures out of rows of every acquisition mode: equal, or within the bounds.

The truth is added up second by second from the simulated machine itself. Without a fault every
figure is equal to the last digit; with one, it is equal still, or lies within what is printed as
low and high, or the figure is null and a finding says why.
"""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import SECOND, frame, period, plant
from plantseal_testing_truth import LIVE, STALE, STATES, Away, Device, Faults

from plantseal_kpi.evaluate import evaluate
from plantseal_simulators.plant import Recipe

SECONDS = 240


@st.composite
def recipes(draw):
    low = draw(st.integers(3, 30))
    stop = draw(st.integers(1, 10))
    cycle = draw(st.integers(1, 12))
    return Recipe(
        cycle_ms=cycle,
        ideal_ms=draw(st.integers(1, 12)),
        scrap_per_mille=draw(st.sampled_from([0, 30, 200, 1000])),
        run_ms=(low, low + draw(st.integers(0, 40))),
        stop_ms=(stop, stop + draw(st.integers(0, 20))),
        power_w=draw(st.sampled_from([10, 60, 1000])),
    )


def device(draw, i, mode, faults=None):
    seed = draw(st.integers(0, 10**6))
    return Device(i, mode, seed, draw(recipes()), SECONDS, faults or Faults())


def report_of(devices):
    rows = [r for d in devices for r in d.rows()]
    p = plant([d.equipment for d in devices], [q for d in devices for q in d.points], notices=())
    return evaluate(frame(rows).lazy(), p, period(SECONDS))


class Figures:
    def __init__(self, report):
        self.found = {(r.metric, r.scope): r for r in report.results}

    def __call__(self, metric, scope):
        return self.found.get((metric, scope))

    def terms(self, metric, scope):
        r = self(metric, scope)
        if r is None or r.numerator is None or r.denominator is None:
            return None
        return int(r.numerator), int(r.denominator)


def true_figures(d):
    """Every figure of a machine as (numerator, denominator), by hand."""
    t, ns = d.truth(), SECOND
    pru = d.machine.recipe.ideal_ms * ns
    planned, run = SECONDS * ns, t.states["RUN"] * ns
    down, setup = t.states["ALARM"] * ns, t.states["SETUP"] * ns
    return {
        "availability": (run, planned),
        "utilisation": (run, planned),
        "technical_efficiency": (run, run + down),
        "allocation_efficiency": (run + setup + down, planned),
        "setup_rate": (setup, run + setup),
        "effectiveness": (pru * t.made, run),
        "quality": (pru * t.good, pru * t.made),
        "oee": (pru * t.good, planned),
        "production_efficiency": (pru * t.good, planned),
        "defect_rate": (t.made - t.good, t.made),
        "first_pass_yield": (t.good, t.made),
        "energy": (t.energy, 1),
        "energy_per_unit": (t.energy, t.good),
    }


def true_plant(devices):
    each = [true_figures(d) for d in devices]
    return {m: (sum(f[m][0] for f in each), sum(f[m][1] for f in each)) for m in each[0]} | {
        "energy": (sum(f["energy"][0] for f in each), 1)
    }


def value(terms):
    return Fraction(*terms) if terms[1] else None


def assert_equal(figures, scope, true):
    for metric, terms in true.items():
        got = figures.terms(metric, scope)
        if metric in ("effectiveness", "quality") and not terms[1]:
            assert got is None, (metric, scope, got)
        else:
            assert got == terms, (metric, scope, got, terms)


def assert_whole(figures, d):
    """All is known of a machine, and all of it is equal."""
    assert_equal(figures, d.id, true_figures(d))
    states = figures("availability", d.id).parts
    for raw, mapped in STATES.items():
        assert int(states.get(f"{mapped}_ns", 0)) == d.truth().states[raw] * SECOND
    assert (figures("availability", d.id).coverage, figures("energy", d.id).coverage) == ("1", "1")


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_without_a_fault_every_figure_of_every_mode_is_equal(data):
    devices = [device(data.draw, i, mode) for i, mode in enumerate(LIVE)]
    figures = Figures(report_of(devices))
    for d in devices:
        assert_whole(figures, d)
        assert figures("upload_rate", d.id).value == "1"
    assert_equal(figures, "plant", true_plant(devices))
    assert figures("upload_rate", "plant").value == "1"


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_imported_records_give_the_same(data):
    devices = [device(data.draw, i, "imported") for i in range(2)]
    figures = Figures(report_of(devices))
    for d in devices:
        assert_whole(figures, d)
    assert_equal(figures, "plant", true_plant(devices))
    assert figures("upload_rate", "plant").value is None


TIMES = st.integers(5, SECONDS - 40)


@st.composite
def outages(draw, stored=False):
    start = draw(TIMES)
    return Away(start, start + draw(st.integers(1, 30)), stored)


def within(figures, metric, scope, true, slack=Fraction(0)):
    """The figure is equal, or null with a finding, or the truth is between its low and high."""
    r = figures(metric, scope)
    if r is None or r.value is None:
        assert r is None or r.findings, (metric, scope)
        return
    truth = value(true)
    low = Fraction(r.value if r.low is None else r.low)
    high = Fraction(r.value if r.high is None else r.high)
    tiny = truth / 10**11  # twelve digits are printed
    assert low - slack - tiny <= truth, (metric, scope, r, float(truth))
    open_upwards = r.low is not None and r.high is None
    assert open_upwards or truth <= high + slack + tiny, (metric, scope, r, float(truth))


BOUNDED = ("availability", "utilisation", "oee", "effectiveness", "quality", "defect_rate",
           "first_pass_yield", "production_efficiency", "technical_efficiency",
           "allocation_efficiency", "setup_rate", "energy", "energy_per_unit")  # fmt: skip


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_an_outage_leaves_the_truth_within_the_bounds(data):
    devices = [
        device(data.draw, i, mode, Faults(away=(data.draw(outages()),)))
        for i, mode in enumerate(LIVE)
    ]
    figures = Figures(report_of(devices))
    for d in devices:
        true = true_figures(d)
        for m in BOUNDED:
            within(figures, m, d.id, true[m])
