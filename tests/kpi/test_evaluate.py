"""The report as a whole: the same bytes whatever the order, the division and the threads."""

import json
import os
import random
import subprocess
import sys
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from plantseal_testing_kpi import (
    SECOND,
    T0,
    at,
    birth,
    frame,
    machine,
    period,
    plant,
    point,
    row,
)  # fmt: skip

from plantseal_connectors import rows as written
from plantseal_kpi import schema
from plantseal_kpi.business.figures import METRICS as BUSINESS
from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.evaluate import CONTEXT_NS, evaluate, report_json, spans
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import Plant
from plantseal_kpi.schema import Flag


def a_workshop():
    chooser = random.Random(7)
    points = [
        point(1, role="state", mode="subscribed", protocol="opcua", publishing_ms=1000),
        point(2, role="count_total"), point(3, role="count_good"),
        point(4, role="energy", unit="kWh", scale="0.01"),
        point(5, "m2", role="value", mode="published", protocol="sparkplug", link=101),
    ]  # fmt: skip
    rows = [birth(100, at(0), product="x"), birth(101, at(0), product="y")]
    for t in range(-100, 3700, 10):
        rows.append(row(1, at(t) + chooser.randrange(10**9), chooser.choice(["RUN", "IDLE"])))
        rows += [row(tag, at(t) + chooser.randrange(10**8), 10_000 + t) for tag in (2, 3, 4)]
        rows.append(
            row(5, at(t), chooser.random() * 100, t_source=at(t) - chooser.randrange(10**9))
        )
    machines = [
        machine(ideal_cycle_s="9.5", states={"RUN": "producing", "IDLE": "idle"}),
        machine("m2", cls="inspection"), machine("m3", cls="logistics"),
    ]  # fmt: skip
    return frame(rows), plant(machines, points)


def as_bytes(report):
    return json.dumps(report_json(report), sort_keys=True, ensure_ascii=False).encode()


def test_shuffled_and_split_rows_give_the_same_report():
    rows, p = a_workshop()
    once = as_bytes(evaluate(rows.lazy(), p, period(3600)))
    for seed in (1, 2):
        mixed = rows.sample(fraction=1.0, shuffle=True, seed=seed)
        parts = pl.concat([mixed.head(200).lazy(), mixed.slice(200).lazy()])
        assert as_bytes(evaluate(parts, p, period(3600))) == once


def test_a_plant_read_back_from_json_gives_the_same_report():
    rows, p = a_workshop()
    stated = {"construction_period": Decimal(30), "project_start_date": date(2018, 1, 1)}
    project = {"track": "workshop", "project_class": "I", "build": "renovation"}
    p = p.model_copy(update={"declared": stated, "project": project})
    again = Plant.model_validate_json(p.model_dump_json())
    once, twice = (evaluate(rows.lazy(), x, period(60)) for x in (p, again))
    assert as_bytes(once) == as_bytes(twice)
    judged = {v.criterion: v.outcome for v in once.verdicts}
    assert judged["cq2020.a3.i.duration"] == judged["cq2020.a3.i.start"] == "PASS"


def test_rows_beyond_the_context_are_never_used():
    rows, p = a_workshop()
    far = frame([row(2, at(-4 * 86_400), 1), row(1, at(5 * 86_400), "RUN")]).with_columns(
        seq=pl.col("seq") + 10**6
    )
    more = pl.concat([rows, far])
    once = evaluate(rows.lazy(), p, period(3600))
    assert as_bytes(evaluate(more.lazy(), p, period(3600))) == as_bytes(once)
    assert spans(p, period(3600)) == ((T0 - CONTEXT_NS, T0 + 3600 * SECOND + CONTEXT_NS),)


def test_imported_rows_beside_live_ones_change_no_figure():
    rows, p = a_workshop()
    imported = rows.with_columns(
        flags=pl.lit(int(Flag.IMPORTED), pl.UInt8), seq=pl.col("seq") + 10**6
    )
    alone = evaluate(rows.lazy(), p, period(3600))
    both = evaluate(pl.concat([rows, imported]).lazy(), p, period(3600))
    assert both.results == alone.results
    assert both.verdicts == alone.verdicts
    assert both.rows_imported > 0
    assert "rows.other_origin" in {f.code for f in both.findings}


def test_versions_and_units_are_those_of_the_catalogue():
    rows, p = a_workshop()
    report = evaluate(rows.lazy(), p, period(3600))
    for r in report.results:
        assert (r.version, r.unit) == (CATALOGUE[r.metric].version, CATALOGUE[r.metric].unit)
    # Figures of the business are formed where there are ledgers, and only there.
    assert {r.metric for r in report.results} == set(CATALOGUE) - {m.id for m in BUSINESS}


BESIDE_ANOTHER = {"inspection_defect_rate", "lot_defect_rate", "operating_cost_actual_prices"}
"""Printed beside another figure, where there are records for both."""


def test_ledgers_bring_the_figures_of_the_business():
    rows, p = a_workshop()
    empty = {name: pl.DataFrame(schema=s.dtypes) for name, s in SCHEMAS.items()}
    report = evaluate(rows.lazy(), p, period(3600), ledgers=empty)
    missing = set(CATALOGUE) - {r.metric for r in report.results}
    assert missing <= BESIDE_ANOTHER
    for r in report.results:
        assert (r.version, r.unit) == (CATALOGUE[r.metric].version, CATALOGUE[r.metric].unit)
        assert r.metric not in {m.id for m in BUSINESS} or (r.value is None and r.findings)


def test_the_report_holds_only_what_canonical_json_can():
    def walk(value):
        match value:
            case dict():
                return all(isinstance(k, str) and walk(v) for k, v in value.items())
            case list():
                return all(map(walk, value))
            case bool() | None | str():
                return True
            case int():
                return abs(value) < 2**53
        return False

    rows, p = a_workshop()
    assert walk(report_json(evaluate(rows.lazy(), p, period(3600))))


@pytest.mark.parametrize("threads", ["1", "2"])
def test_one_thread_or_two(threads, tmp_path):
    rows, p = a_workshop()
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=300)
    (tmp_path / "plant.json").write_text(p.model_dump_json(), encoding="utf-8")
    program = (
        "import sys, json, polars as pl\n"
        "from plantseal_kpi.evaluate import evaluate, report_json\n"
        "from plantseal_kpi.plant import Period, Plant\n"
        "plant = Plant.model_validate_json(open('plant.json', encoding='utf-8').read())\n"
        "period = Period.model_validate_json(sys.argv[1])\n"
        "report = evaluate(pl.scan_parquet('rows.parquet'), plant, period)\n"
        "body = json.dumps(report_json(report), sort_keys=True, ensure_ascii=False)\n"
        "sys.stdout.buffer.write(body.encode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, period(3600).model_dump_json()],
        cwd=tmp_path, env=os.environ | {"POLARS_MAX_THREADS": threads}, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == as_bytes(evaluate(rows.lazy(), p, period(3600)))


@pytest.mark.parametrize("name", ["Kind", "VType", "Flag"])
def test_the_core_reads_what_the_connectors_write(name):
    ours, theirs = getattr(schema, name), getattr(written, name)
    assert {m.name: m.value for m in ours} == {m.name: m.value for m in theirs}


def test_a_frame_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="seq: got Int32, expected UInt64"):
        evaluate(frame([]).lazy().cast({"seq": pl.Int32}), plant([machine()]), period(1))


def test_an_unknown_notice_is_refused():
    with pytest.raises(ValueError, match="expected any of CQ2020-15"):
        evaluate(frame([]).lazy(), plant([machine()], notices=("X",)), period(1))
