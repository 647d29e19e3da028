"""The same rows give the same report to the byte: whatever threads, engine, files, order of rows.

``seq`` is the journal's order and stays with its row; nothing else about how rows lie may matter.
"""

import functools
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plantseal_testing_kpi import (
    BAD,
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

from plantseal_kpi.evaluate import evaluate, report_json
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.schema import Flag, Kind

LENGTH = 3600
BEFORE = -30 * 86_400
IMPORTED = int(Flag.IMPORTED)
VALUES = (0, 1, -3, 2**53, 2**53 + 1, 2**63 - 1, -0.0, 2.5, 1e300, float("nan"), None, True)
STATES = ("RUN", "IDLE", "UNAVAILABLE", "unavailable", "运行", "", "1", 1, 1.0, None)
FLAGS = (0, 0, 0, int(Flag.FIRST), int(Flag.HISTORICAL), int(Flag.BACKFILLED), int(Flag.RETAINED),
         int(Flag.REDELIVERED))  # fmt: skip
ROLES = ("state", "count_total", "count_good", "energy", "value")
MODES = (("polled", "modbus"), ("subscribed", "opcua"), ("published", "sparkplug"),
         ("published", "mqtt"))  # fmt: skip


def a_plant():
    points = [
        point(
            10 * m + r, f"m{m}", role=role, mode=mode, protocol=protocol, link=100 + m,
            publishing_ms=1000 if mode == "subscribed" else 0,
            unit="kWh" if role == "energy" else "", scale="0.01" if role == "energy" else "1",
            register_max=500 if role == "count_total" else None,
        )
        for m, (mode, protocol) in enumerate(MODES, 1)
        for r, role in enumerate(ROLES)
    ]  # fmt: skip
    recorded = [
        point(10 * m + r + 5, f"m{m}", role=role, mode="imported", protocol="recorded",
              unit="kWh" if role == "energy" else "", period_ms=3_600_000)
        for m in (1, 2)
        for r, role in enumerate(ROLES[:4])
    ]  # fmt: skip
    machines = [
        machine(f"m{m}", ideal_cycle_s="9.7", rated_power_kw="40", key=m == 1,
                states={"RUN": "producing", "IDLE": "idle", "1": "setup", "运行": "producing"})
        for m in range(1, 6)
    ]  # fmt: skip
    start, end = (datetime.fromtimestamp(T0 // SECOND + BEFORE + t, UTC) for t in (0, 86_400))
    shifts = [{"name": "a", "start": "06:13", "end": "23:00"},
              {"name": "b", "start": "22:30", "end": "06:00"}]  # fmt: skip
    return plant(
        machines, [*points, *recorded], calendar={"shifts": shifts},
        baseline={"kind": "pre_project", "period": {"start": start, "end": end}},
    )  # fmt: skip


def hostile_rows(seed):
    """Rows of every kind; many share a time, repeat each other or contradict each other."""
    chooser = random.Random(seed)
    rows = [birth(100 + m, at(chooser.choice((-50, 0, 0))), product=f"p{m}") for m in range(1, 5)]
    count = dict.fromkeys(range(60), 400)
    for t in range(-200, LENGTH + 300, 10):
        for m, (mode, _) in enumerate(MODES, 1):
            if chooser.random() < 0.02:
                kind = chooser.choice((Kind.DEATH, Kind.BIRTH, Kind.GAP, Kind.SEQ_GAP))
                rows.append(row(100 + m, at(t), kind=kind, t_server=at(t + 30),
                                t_source=at(t - chooser.choice((0, 5)))))  # fmt: skip
            if chooser.random() < 0.3:
                rows.append(row(100 + m, at(t), kind=Kind.KEEPALIVE))
            for r, role in enumerate(ROLES):
                rows += _samples(chooser, 10 * m + r, role, mode, t, count)
    for tag, h in itertools.product((15, 16, 17, 18, 25, 26, 27, 28), range(25)):
        value = chooser.choice(("RUN", "IDLE")) if tag % 5 == 0 else 1000 + 90 * h
        rows.append(row(tag, None, value, t_source=at(BEFORE + 3600 * h), flags=IMPORTED))
    return frame(rows)


def _samples(chooser, tag, role, mode, t, count):
    if chooser.random() < 0.03:
        kind = chooser.choice((Kind.SLOT, Kind.OVERFLOW, Kind.VALUE))
        return [row(tag, at(t), kind=kind, status=BAD, src_seq=(T0 // SECOND + t) // 10)]
    value = chooser.choice(VALUES if role == "value" else STATES)
    if role not in ("state", "value"):
        count[tag] += chooser.choice((0, 0, 1, 2)) if role != "count_good" else t % 20 // 10
        tame = 20 <= tag < 30  # one machine whose counters hold, so that an OEE comes of it
        odd = not tame and chooser.random() < 0.02
        value = chooser.choice((0, 0.5, 7)) if odd else count[tag] if tame else count[tag] % 500
    received = at(t) + chooser.choice((0, 0, 1, 300_000_000, 90 * SECOND))
    said = None if mode == "polled" else at(t) - chooser.choice((0, 0, 5, 2 * SECOND))
    made = row(tag, received, value, t_source=said, flags=chooser.choice(FLAGS),
               src_seq=(T0 // SECOND + t) // 10)  # fmt: skip
    again = chooser.random()
    if again < 0.03:
        return [made, made | {"t_receive": received + chooser.choice((0, SECOND))}]
    if again < 0.05 and isinstance(value, int):
        return [made, made | {"value_i": 77, "vtype": 2, "value_f": None}]
    return [made]


def as_bytes(rows, p):
    report = report_json(evaluate(rows, p, period(LENGTH)))
    return json.dumps(report, sort_keys=True, ensure_ascii=False).encode()


def parts_of(rows, chooser, n):
    """Divide rows into ``n`` parts at random; a tenth of them lies in two parts."""
    owner = pl.Series("owner", [chooser.randrange(n) for _ in range(rows.height)])
    second = pl.Series("second", [chooser.randrange(10 * n) for _ in range(rows.height)])
    marked = rows.with_columns(owner, second)
    out = []
    for i in range(n):
        mine = marked.filter((pl.col("owner") == i) | (pl.col("second") == i))
        times = pl.concat([mine["t_source"], mine["t_receive"]]).drop_nulls()
        bounds = (times.min(), times.max()) if len(times) else (0, 0)
        out.append(Part(*bounds, mine.drop("owner", "second").lazy()))
    return out


@pytest.fixture(scope="module", params=[1, 2])
def hostile(request):
    rows, p = hostile_rows(request.param), a_plant()
    return rows, p, as_bytes(rows.lazy(), p)


def test_the_hostile_rows_make_figures(hostile):
    report = json.loads(hostile[2])
    known = {r["metric"] for r in report["results"] if r["value"] is not None}
    assert {"upload_rate", "availability", "oee", "defect_rate"} <= known
    codes = {f["code"] for r in report["results"] for f in r["findings"]}
    assert {"counter.reset", "counter.rollover", "clock.step", "rows.duplicates"} <= codes


def test_any_order_of_rows(hostile):
    rows, p, once = hostile
    assert as_bytes(rows.reverse().lazy(), p) == once
    assert as_bytes(rows.sort("tag", "t_source").lazy(), p) == once


def test_the_numbers_of_rows_do_matter(hostile):
    """Else nothing would be compared here: which of two equal times comes first is for seq to say."""
    rows, p, once = hostile
    backwards = rows.with_columns(seq=pl.col("seq").reverse())
    assert as_bytes(backwards.lazy(), p) != once


@functools.cache
def once_for_all():
    rows, p = hostile_rows(1), a_plant()
    return rows, p, as_bytes(rows.lazy(), p)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 9), in_parts=st.booleans())
def test_any_order_and_any_split(seed, n, in_parts):
    rows, p, once = once_for_all()
    chooser = random.Random(seed)
    mixed = rows.sample(fraction=1.0, shuffle=True, seed=seed)
    split = parts_of(mixed, chooser, n)
    chooser.shuffle(split)
    given_rows = split if in_parts else pl.concat([s.rows for s in split])
    assert as_bytes(given_rows, p) == once


def test_days_of_rows_far_away_in_other_parts_change_nothing(hostile):
    rows, p, once = hostile
    far = rows.with_columns(
        pl.col("t_source", "t_receive", "t_server") + 200 * 86_400 * SECOND,
        seq=pl.col("seq") + 10**6,
    )
    times = pl.concat([far["t_source"], far["t_receive"]]).drop_nulls()
    near = parts_of(rows, random.Random(3), 3)
    assert as_bytes([*near, Part(times.min(), times.max(), far.lazy())], p) == once


PROGRAM = """
import hashlib, json, sys
import polars as pl
from plantseal_kpi.evaluate import evaluate, report_json
from plantseal_kpi.plant import Period, Plant
plant = Plant.model_validate_json(open("plant.json", encoding="utf-8").read())
period = Period.model_validate_json(sys.argv[1])
for _ in range(int(sys.argv[3])):
    rows = pl.scan_parquet(sys.argv[2])
    if sys.argv[4] == "in-memory":
        rows = rows.collect(engine="in-memory").lazy()
    report = report_json(evaluate(rows, plant, period))
    body = json.dumps(report, sort_keys=True, ensure_ascii=False).encode()
    print(hashlib.sha256(body).hexdigest(), pl.thread_pool_size())
"""


def in_a_child(folder: Path, files: str, threads: int, engine: str, runs: int) -> set[str]:
    environment = os.environ | {
        "POLARS_MAX_THREADS": str(threads), "POLARS_ENGINE_AFFINITY": engine,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, period(LENGTH).model_dump_json(), files, str(runs), engine],
        cwd=folder, env=environment, capture_output=True, check=True, timeout=300, text=True,
    )  # fmt: skip
    lines = done.stdout.split("\n")[:-1]
    assert len(lines) == runs
    assert {line.split()[1] for line in lines} == {str(threads)}
    return {line.split()[0] for line in lines}


def laid_out(rows, p, folder: Path) -> None:
    """Write the rows once as one file in journal order, once as five, shuffled, small row groups."""
    (folder / "plant.json").write_text(p.model_dump_json(), encoding="utf-8")
    rows.write_parquet(folder / "one.parquet")
    mixed = rows.sample(fraction=1.0, shuffle=True, seed=5)
    for i in range(5):
        mixed.gather_every(5, i).write_parquet(folder / f"many_{i}.parquet", row_group_size=97)


@pytest.mark.parametrize(
    ("threads", "engine", "files"),
    [(1, "streaming", "many_*.parquet"), (8, "in-memory", "one.parquet")],
)
def test_threads_and_engines(hostile, tmp_path, threads, engine, files):
    rows, p, once = hostile
    laid_out(rows, p, tmp_path)
    assert in_a_child(tmp_path, files, threads, engine, 1) == {hashlib.sha256(once).hexdigest()}


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2, 4, 8])
@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize("files", ["one.parquet", "many_*.parquet"])
def test_threads_and_engines_ten_times(hostile, tmp_path, threads, engine, files):
    rows, p, once = hostile
    laid_out(rows, p, tmp_path)
    assert in_a_child(tmp_path, files, threads, engine, 10) == {hashlib.sha256(once).hexdigest()}
