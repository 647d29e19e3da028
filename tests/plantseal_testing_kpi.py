"""Rows and plants for the tests of the figures, written as a person would."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl

from plantseal_kpi.plant import Period, Plant
from plantseal_kpi.schema import ROWS, Kind, VType

SECOND = 10**9
T0 = 1_700_000_000 * SECOND  # 2023-11-14T22:13:20Z, a multiple of 10 s
BAD = 0x8000_0000


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def row(tag, t_receive, value=None, *, kind=Kind.VALUE, t_source=None, **more):
    given = {"value_i": None, "value_f": None, "text": None}
    match value:
        case None:
            vtype = VType.NULL
        case bool():
            vtype, given["value_i"] = VType.BOOL, int(value)
        case int():
            vtype, given["value_i"] = VType.I64, value
        case float():
            vtype, given["value_f"] = VType.F64, value
        case str():
            vtype, given["text"] = VType.TEXT, value
    return {
        "seq": 0, "tag": tag, "status": 0, "t_source": t_source, "t_server": None,
        "t_receive": t_receive, "src_seq": 0, "kind": int(kind), "vtype": int(vtype), "flags": 0,
    } | given | more  # fmt: skip


def frame(rows) -> pl.DataFrame:
    numbered = [r | {"seq": i} for i, r in enumerate(rows)]
    return pl.DataFrame(numbered, schema=ROWS, orient="row")


def period(seconds: float) -> Period:
    start = datetime.fromtimestamp(T0 // SECOND, UTC)
    return Period(start=start, end=start + timedelta(seconds=seconds))


def machine(name="m1", **more):
    return {"id": name, "name": name, "cls": "processing"} | more


def point(tag=1, equipment="m1", **more):
    return {
        "tag": tag, "name": f"{equipment}.t{tag}", "equipment": equipment, "source": "s",
        "link": 100, "mode": "polled", "protocol": "modbus", "period_ms": 10_000,
        "keepalive_ms": 10_000,
    } | more  # fmt: skip


def plant(equipment, points=(), **more) -> Plant:
    return Plant.model_validate(
        {"site": "test", "zone": "UTC", "equipment": equipment, "points": points} | more
    )


def birth(link, t, **identity):
    return row(link, t, json.dumps({"identity": identity}), kind=Kind.BIRTH)
