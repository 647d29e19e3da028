"""Leaving rows out changes no figure: condensed and whole, every result is the same to the digit."""

import random

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import (
    BAD,
    SECOND,
    T0,
    at,
    birth,
    frame,
    machine,
    plant,
    point,
    row,
)  # fmt: skip

from plantseal_kpi.energy.per_unit import energy_results
from plantseal_kpi.machines.equipment import equipment_results
from plantseal_kpi.machines.loops import loop_results
from plantseal_kpi.machines.production import production_results
from plantseal_kpi.machines.upload import upload_results
from plantseal_kpi.machines.work import machines
from plantseal_kpi.rows.by_span import amount_in, label_spans
from plantseal_kpi.rows.daily import daily_of
from plantseal_kpi.rows.marks import number
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.rows.source import read
from plantseal_kpi.rows.window import window
from plantseal_kpi.schema import Flag, Kind

LENGTH = 2 * 3600
SPAN = (T0, T0 + LENGTH * SECOND)
WAYS = {
    "polled": {"mode": "polled", "protocol": "modbus"},
    "subscribed": {"mode": "subscribed", "protocol": "opcua", "publishing_ms": 1000},
    "published": {"mode": "published", "protocol": "mqtt"},
    "sparkplug": {"mode": "published", "protocol": "sparkplug"},
}
ROLES = ("state", "count_total", "count_good", "energy", "value", "alarm")


def a_plant(ways, **more):
    points = [
        point(
            10 * m + r, f"m{m}", role=role, link=100 + m, **WAYS[way],
            unit="kWh" if role == "energy" else "", scale="0.01" if role == "energy" else "1",
            register_max=4000 if role == "count_total" else None,
        )
        for m, way in enumerate(ways, 1)
        for r, role in enumerate(ROLES)
    ]  # fmt: skip
    units = [
        machine(f"m{m}", ideal_cycle_s="9", rated_power_kw="40", rated_cycle_s="0.5",
                states={"RUN": "producing", "IDLE": "idle"}, stale_s=60)
        for m in range(1, len(ways) + 1)
    ]  # fmt: skip
    calendar = {"shifts": [{"name": "a", "start": "22:20", "end": "23:10"},
                           {"name": "b", "start": "23:30", "end": "06:00"}]}  # fmt: skip
    return plant(units, points, calendar=calendar, **more)


def a_day(rng, way, m, trouble):
    """Rows of one machine every ten seconds, with what goes wrong at ``trouble``."""
    link, offset = 100 + m, rng.choice((0, 0, 40, -2, -400, 0.0004)) if way != "polled" else 0
    out = [birth(link, at(-60), product=f"p{m}")]
    state, made, energy = "RUN", 0, 1000
    value = 0.5
    for slot in range(-3, LENGTH // 10 + 3):
        strikes = lambda k: rng.random() < trouble / k  # noqa: E731
        state = rng.choice(("RUN", "IDLE", "ODD")) if strikes(8) else state
        made = rng.choice((0, made - 3, made + 30)) if strikes(20) else made + (slot % 3 == 0)
        energy = rng.choice((0, 7, energy + 10**6)) if strikes(30) else energy + slot % 2
        value = rng.random() if strikes(3) else value
        if strikes(25):
            kind = rng.choice((Kind.DEATH, Kind.GAP, Kind.SEQ_GAP, Kind.BIRTH, Kind.KEEPALIVE))
            t = at(slot * 10 + rng.choice((0, 0, 3)))
            more = {"t_source": rng.choice((None, t - SECOND)), "t_server": t + 30 * SECOND}
            out.append(row(link, t, kind=kind, **(more if kind == Kind.GAP else {})))
        if strikes(25):
            continue
        late = rng.choice((3, 61, 600)) if strikes(20) else 0
        jumped = rng.choice((40, -700)) if strikes(400) else 0
        offset += jumped
        for r, v in enumerate((state, made, max(0, made - 1), energy, value, False)):
            heard = at(slot * 10 + 0.05 + r * 0.001 + late + rng.random() * 0.01)
            source = at(slot * 10 + offset + r * 0.001) if way != "polled" else None
            flags = rng.choice((0, 2, 4, 8, 16, 32)) if strikes(25) else 0
            one = row(10 * m + r, heard, v, t_source=source, flags=flags, src_seq=0)
            if way == "polled":
                one["src_seq"] = (T0 // SECOND // 10 + slot) % 2**32
                one["kind"] = int(Kind.SLOT) if strikes(40) else one["kind"]
            if strikes(40):
                one |= rng.choice(({"status": BAD}, {"kind": int(Kind.OVERFLOW)},
                                   {"vtype": 0, "value_i": None, "value_f": None, "text": None},
                                   {"text": "UNAVAILABLE"}, {"t_source": None}))  # fmt: skip
            out.append(one)
            if strikes(40):
                out.append(one | {"t_receive": heard + rng.choice((0, 1, 90)) * SECOND}
                           | rng.choice(({}, {"value_i": 77, "vtype": 2})))  # fmt: skip
    return out


def rows_of(seed, ways, trouble):
    rng = random.Random(seed)
    rows = [r for m, way in enumerate(ways, 1) for r in a_day(rng, way, m, trouble)]
    rows.sort(key=lambda r: r["t_receive"] if r["t_receive"] is not None else r["t_source"])
    return frame(rows)


def figures(w):
    worked = machines(w)
    upload = upload_results(w)
    results = [
        *upload, *equipment_results(w, upload), *production_results(w, worked, {}),
        *energy_results(w, worked), *loop_results(w),
    ]  # fmt: skip
    return [r.model_dump_json() for r in results], daily_of(w).rows(), number(w.rows)


def by_parts(rows, n):
    """The rows in ``n`` files one after another, as the gateway seals them."""
    cuts = [rows[i * rows.height // n : (i + 1) * rows.height // n] for i in range(n)]
    parts = []
    for cut in cuts:
        times = pl.concat([cut["t_source"], cut["t_receive"]]).drop_nulls()
        low, high = (times.min(), times.max()) if len(times) else (0, 0)
        parts.append(Part(low, high, cut.sort("tag", "t_receive").lazy()))
    return parts


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6), trouble=st.sampled_from((0.02, 0.1, 0.5, 2.0)), n=st.integers(1, 4)
)
def test_condensed_rows_give_the_figures_of_all_rows(way, seed, trouble, n):
    ways = (way,)
    rows, p = rows_of(seed, ways, trouble), a_plant(ways)
    whole = window(read(rows.lazy(), p, [SPAN], whole=True), p, SPAN)
    condensed = window(read(by_parts(rows, n), p, [SPAN]), p, SPAN)
    assert figures(condensed) == figures(whole)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), trouble=st.sampled_from((0.05, 0.5)), n=st.integers(2, 5))
@example(seed=0, trouble=0.05, n=3)
def test_a_row_in_two_files_counts_once(seed, trouble, n):
    ways = ("polled", "subscribed")
    rows, p = rows_of(seed, ways, trouble), a_plant(ways)
    dealt = [rows[i::n] for i in range(n)]
    parts = [Part(-(2**62), 2**62, d.lazy()) for d in (*dealt, rows[: rows.height // 3])]
    whole = window(read(rows.lazy(), p, [SPAN], whole=True), p, SPAN)
    condensed = window(read(parts, p, [SPAN]), p, SPAN)
    assert figures(condensed) == figures(whole)


@pytest.mark.parametrize("way", WAYS)
def test_a_healthy_machine_needs_few_rows(way):
    rows, p = rows_of(1, (way,), 0), a_plant((way,))
    source = read(rows.lazy(), p, [SPAN])
    window(source, p, SPAN)
    assert number(source.rows) == rows.height
    assert source.rows.height < rows.height / 3
    assert not source.spare


def test_a_count_is_not_told_for_a_span_that_ends_within_a_stretch():
    rows, p = rows_of(1, ("polled",), 0), a_plant(("polled",))
    w = window(read(rows.lazy(), p, [SPAN]), p, SPAN)
    meter = next(x for x in p.points if x.role == "energy")
    assert amount_in(w, meter, [SPAN]) == amount_in(w, meter, [SPAN])
    with pytest.raises(ValueError, match="edge at"):
        amount_in(w, meter, [(SPAN[0], SPAN[0] + 1234 * SECOND)])


def test_what_a_tag_said_is_a_gap_while_its_machine_was_silent():
    p = a_plant(("polled",))
    rows = [row(10, at(10 * i), "RUN" if i < 30 else "IDLE") for i in range(60) if not 5 <= i < 20]
    w = window(frame(rows), p, SPAN)
    told = [(x, (a - T0) // SECOND, (b - T0) // SECOND)
            for x, a, b in label_spans(w, p.points[0]).select("label", "start", "end").rows()]  # fmt: skip
    assert told == [("RUN", 0, 100), ("RUN", 200, 300), ("IDLE", 300, 650)]


def test_flags_are_part_of_the_condensation():
    """The generator above must reach both outcomes, or it proves nothing."""
    rows, p = rows_of(5, ("subscribed",), 0.1), a_plant(("subscribed",))
    source = read(by_parts(rows, 2), p, [SPAN])
    assert 0 < source.rows.height < rows.height
    assert int(Flag.FIRST) in set(rows["flags"].to_list())
