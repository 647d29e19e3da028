"""OEE from rows: the table of edge cases of definitions 2.3, row by row; products; short stops."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import SECOND, at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.machines import oee, ratios
from plantseal_kpi.machines.oee import Output, Times
from plantseal_kpi.machines.short_stops import STOPS, short_stops, time_within
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.report import ratio

STATES = {"RUN": "producing", "IDLE": "idle", "SET": "setup", "DOWN": "down", "OFF": "off"}
STATE, TOTAL, GOOD, SCRAP, PRODUCT = range(1, 6)
ROLES = {STATE: "state", TOTAL: "count_total", GOOD: "count_good", SCRAP: "count_scrap",
         PRODUCT: "product"}  # fmt: skip


def series(tag, value, until=600, every=10):
    """Polled from 10 s before the period: ``value`` is called with the second."""
    return [row(tag, at(t), value(t)) for t in range(-every, until + 1, every)]


def report(*told, seconds=600, calendar=None, **register):
    rows = [r for each in told for r in each]
    tags = sorted({r["tag"] for r in rows})
    m = machine(**{"ideal_cycle_s": "10", "states": STATES} | register)
    points = [point(t, role=ROLES[t]) for t in tags]
    more = {} if calendar is None else {"calendar": calendar}
    return evaluate(frame(rows).lazy(), plant([m], points, **more), period(seconds))


def figure(of, metric, scope="m1"):
    return next(r for r in of.results if r.metric == metric and r.scope == scope)


def codes(result):
    return {f.code for f in result.findings}


def running(t):
    return "RUN"


def pieces(t):
    return max(0, t) // 10


# ── The edge cases, in the order of the table ───────────────────────────────────────────────


def test_not_scheduled_is_null_and_left_out_of_the_sum():
    closed = {"stops": [{"period": period(600).model_dump(), "reason": "r", "equipment": ["m2"]}]}
    rows = series(STATE, running) + series(TOTAL, pieces) + series(GOOD, pieces)
    other = [r | {"tag": r["tag"] + 10} for r in rows]
    roles = [point(t, role=ROLES[t]) for t in (1, 2, 3)]
    roles += [point(t + 10, "m2", role=ROLES[t]) for t in (1, 2, 3)]
    machines = [machine(n, ideal_cycle_s="10", states=STATES) for n in ("m1", "m2")]
    p = plant(machines, roles, calendar=closed)
    got = evaluate(frame(rows + other).lazy(), p, period(600))
    assert (figure(got, "oee", "plant").value, figure(got, "oee").value) == ("1", "1")
    assert not [r for r in got.results if r.scope == "m2" and r.metric == "oee"]
    assert figure(got, "oee", "plant").parts["machines"] == "m1"


def test_no_run_and_no_piece_is_an_oee_of_zero():
    got = report(
        series(STATE, lambda t: "IDLE"), series(TOTAL, lambda t: 7), series(GOOD, lambda t: 7)
    )
    assert [figure(got, m).value for m in ("availability", "effectiveness", "quality", "oee")] == [
        "0", None, None, "0"]  # fmt: skip


def test_pieces_without_any_run_contradict():
    got = report(series(STATE, lambda t: "IDLE"), series(TOTAL, pieces), series(GOOD, pieces))
    assert figure(got, "oee").value is None
    assert "oee.contradiction" in codes(figure(got, "oee"))


def test_effectiveness_above_one_is_flagged_and_not_clipped():
    rows = [series(STATE, running), series(TOTAL, pieces), series(GOOD, pieces)]
    got = report(*rows, ideal_cycle_s="12")
    assert figure(got, "effectiveness").value == "1.2"
    assert "oee.effectiveness_above_one" in codes(figure(got, "oee"))


def test_rework_is_no_good_piece():
    made, good, scrap = pieces, lambda t: pieces(t) * 8 // 10, lambda t: pieces(t) // 10
    got = report(
        series(STATE, running), series(TOTAL, made), series(GOOD, good), series(SCRAP, scrap)
    )
    # 60 made, 48 good at first pass, 6 scrapped: 6 reworked
    assert [figure(got, m).value for m in ("oee", "scrap_ratio", "rework_ratio")] == [
        "0.8", "0.1", "0.1"]  # fmt: skip
    assert (figure(got, "first_pass_yield").value, figure(got, "defect_rate").value) == (
        "0.8",
        "0.2",
    )


def test_unknown_time_is_a_bucket_of_its_own_with_bounds():
    rows = [
        [r for r in each if not 300 <= (r["t_receive"] - at(0)) // SECOND < 420]
        for each in (series(STATE, running), series(TOTAL, pieces), series(GOOD, pieces))
    ]
    got = report(*rows, stale_s=10)
    a = figure(got, "availability")
    # the last word before the gap is at 290 s and believed for 10 s
    assert (a.parts["unknown_ns"], a.low, a.high) == (str(120 * SECOND), "0.8", "1")
    e = figure(got, "effectiveness")
    assert (e.value, e.low, e.high) == ("1.25", "1", "1.25")
    # the counters bridge the gap by their own difference: OEE itself is known
    assert (figure(got, "oee").value, figure(got, "oee").low) == ("1", None)


def test_time_without_counters_bounds_oee():
    rows = series(STATE, running), series(TOTAL, pieces, 300), series(GOOD, pieces, 300)
    got = figure(report(*rows), "oee")
    # 300 s of 600 are not counted, and the piece in work at the last reading ends in them
    assert (got.value, got.low, got.high, got.coverage) == ("0.5", "0.5", "1.01666666667", "0.5")
    assert "oee.uncounted" in codes(got)
    faster = figure(report(*rows, rated_cycle_s="8"), "oee")
    assert faster.high == "1.14166666667"


def test_a_scrap_counter_that_fell_silent_lowers_the_least_oee():
    rows = series(STATE, running), series(TOTAL, pieces), series(SCRAP, lambda t: 0, 300)
    got = figure(report(*rows), "oee")
    assert (got.value, got.low) == ("1", "0.483333333333")


def test_without_counters_there_is_availability_only():
    got = report(series(STATE, lambda t: "RUN" if t < 300 else "DOWN"))
    assert figure(got, "availability").value == "0.5"
    assert not [r for r in got.results if r.metric == "oee" and r.scope == "m1"]
    assert "figure.none" in codes(figure(got, "oee", "plant"))


# ── Short stops ─────────────────────────────────────────────────────────────────────────────


def stopping(t):
    return "IDLE" if 100 <= t < 130 or 300 <= t < 400 else "RUN"


@pytest.mark.parametrize(
    ("threshold", "availability"), [(0, "0.783333333333"), (29, "0.783333333333"),
                                    (30, "0.833333333333"), (100, "1")]
)  # fmt: skip
def test_a_stop_up_to_the_threshold_is_a_loss_of_performance(threshold, availability):
    rows = series(STATE, stopping), series(TOTAL, pieces), series(GOOD, pieces)
    got = report(*rows, short_stop_s=threshold)
    assert figure(got, "availability").value == availability
    assert figure(got, "oee").value == "1"  # OEE itself does not move
    a, e, q = (figure(got, m) for m in ("availability", "effectiveness", "quality"))
    product = Fraction(1)
    for r in (a, e, q):
        product *= Fraction(int(r.numerator), int(r.denominator))
    assert product == 1


def slow_short_stops(spells, longest):
    """Nanosecond by nanosecond: a maximal run of stop between two producing ones."""
    line = {}
    for state, start, end in spells:
        for t in range(start, end):
            line[t] = state
    out = dict.fromkeys(STOPS, 0)
    t = 0
    while t <= 60:
        run = []
        while line.get(t) in STOPS:
            run.append(line[t])
            t += 1
        if run and len(run) <= longest:
            framed = line.get(t - len(run) - 1) == line.get(t) == "producing"
            for state in run if framed else ():
                out[state] += 1
        t += not run
    return {state: n for state, n in out.items() if n}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 60), unique=True, min_size=2, max_size=14),
    st.lists(st.sampled_from(["producing", "idle", "down", "off", "setup", None]), min_size=14,
             max_size=14),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_short_stops_equal_a_walk(edges, states, longest, shuffle):
    spells = [
        (state, a, b)
        for (a, b), state in zip(pairwise(sorted(edges)), states, strict=False)
        if state
    ]
    expected = slow_short_stops(spells, longest)
    shuffle.shuffle(spells)
    assert time_within(short_stops(spells, longest), [(0, 61)]) == expected


# ── Mixed products ──────────────────────────────────────────────────────────────────────────

CYCLES = {"A": "30", "B": "20", "C": "12"}


def mixed(product, **more):
    """The worked example in a tenth: 26 000 s of running, 2 800 s idle, three products."""
    made = {"A": (40, 38), "B": (50, 49), "C": (15, 15)}
    begins = {"A": 0, "B": 1000, "C": 2000}

    def count(index):
        def value(t):
            total = 0
            for name, (m, g) in made.items():
                total += min((m, g)[index], max(0, t - begins[name]) // 18)
            return total

        return value

    return report(
        series(STATE, lambda t: "RUN" if t < 2600 else "IDLE", 2880),
        series(TOTAL, count(0), 2880), series(GOOD, count(1), 2880),
        series(PRODUCT, product, 2880), seconds=2880, cycles_s=CYCLES, **more,
    )  # fmt: skip


def scheduled(t):
    return "A" if t < 1000 else "B" if t < 2000 else "C"


def test_pieces_earn_the_run_time_of_the_product_in_force():
    got = mixed(scheduled)
    earned = 30 * 38 + 20 * 49 + 12 * 15
    made = 30 * 40 + 20 * 50 + 12 * 15
    assert figure(got, "oee").numerator == str(earned * SECOND)
    assert figure(got, "quality").denominator == str(made * SECOND)
    a, e, q = (figure(got, m) for m in ("availability", "effectiveness", "quality"))
    product = Fraction(1)
    for r in (a, e, q):
        product *= Fraction(int(r.numerator), int(r.denominator))
    assert product == Fraction(earned, 2880)


def test_a_product_without_run_time_forms_no_oee():
    got = mixed(lambda t: "X" if scheduled(t) == "B" else scheduled(t))
    r = figure(got, "oee")
    assert r.numerator == str((30 * 38 + 12 * 15) * SECOND)
    assert "oee.product_without_cycle" in codes(r)
    assert r.coverage == "0.52380952381"  # 55 of 105 pieces
    assert r.high == ratio((30 * 38 + 12 * 15 + 1000), 2880)


def test_pieces_of_no_known_product_form_no_oee():
    def lost(t):
        return None if 1000 <= t < 2000 else scheduled(t)

    r = figure(mixed(lost), "oee")
    assert "oee.product_unknown" in codes(r)
    assert int(r.numerator) <= (30 * 38 + 12 * 15) * SECOND
    assert Fraction(r.high) >= Fraction(30 * 38 + 20 * 49 + 12 * 15, 2880)


def test_run_times_by_product_need_a_product_tag():
    rows = series(STATE, running), series(TOTAL, pieces), series(GOOD, pieces)
    got = report(*rows, cycles_s=CYCLES, ideal_cycle_s=None)
    assert "oee.no_product_tag" in codes(figure(got, "oee", "plant"))
    assert figure(got, "oee", "plant").value is None


# ── The other ratios ────────────────────────────────────────────────────────────────────────


def test_the_other_ratios_from_rows():
    def state(t):
        return "RUN" if t < 300 else "SET" if t < 400 else "DOWN" if t < 500 else "IDLE"

    got = report(series(STATE, state), series(TOTAL, pieces), series(GOOD, pieces))
    assert {m: figure(got, m).value for m in (
        "technical_efficiency", "utilisation_efficiency", "allocation_efficiency", "setup_rate",
        "throughput_rate")} == {
        "technical_efficiency": "0.75", "utilisation_efficiency": "0.6",
        "allocation_efficiency": "0.833333333333", "setup_rate": "0.25",
        "throughput_rate": "432",  # 60 pieces in 500 s
    }  # fmt: skip


def test_the_published_names_and_arguments():
    """The formulas of the HSU ontology (V11) as far as definitions 2.3 transcribe them."""
    t, p = Times(pbt=100, apt=60, setup=10, down=20), [Output(2, 25, 20)]
    pq, gq, sq, pru = 25, 20, 3, 2
    published = {
        "availability": Fraction(60, 100), "effectiveness": Fraction(pru * pq, 60),
        "quality": Fraction(gq, pq), "technical_efficiency": Fraction(60, 60 + 20),
        "utilisation_efficiency": Fraction(60, 60 + 10 + 20), "scrap_ratio": Fraction(sq, pq),
        "rework_ratio": Fraction(pq - gq - sq, pq), "first_pass_yield": Fraction(gq, pq),
        "nee": Fraction(70, 100) * Fraction(pru * pq, 60) * Fraction(gq, pq),
        "oee": Fraction(60, 100) * Fraction(pru * pq, 60) * Fraction(gq, pq),
    }  # fmt: skip
    given_ = {
        "availability": (t,), "effectiveness": (t, p), "quality": (p,), "technical_efficiency": (t,),
        "utilisation_efficiency": (t,), "scrap_ratio": (sq, pq), "rework_ratio": (pq, gq, sq),
        "first_pass_yield": (gq, pq), "nee": (t, p), "oee": (t, p),
    }  # fmt: skip
    for name, value in published.items():
        assert CATALOGUE[name].function is getattr(ratios, name, getattr(oee, name, None))
        assert Fraction(*CATALOGUE[name].function(*given_[name])) == value


def test_the_greatest_oee_goes_on_as_fast_as_before():
    rows = series(STATE, lambda t: "RUN" if t < 200 else "IDLE")
    counts = series(TOTAL, pieces, 300), series(GOOD, pieces, 300)
    got = figure(report(rows, *counts), "oee")
    # 30 pieces of 10 s in 200 s of running: effectiveness 1.5; 300 s are not counted, nor the
    # piece in work when they begin
    assert (got.value, got.high) == ("0.5", "1.26666666667")
