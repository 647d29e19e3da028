"""A plant of every role and acquisition with hostile rows, and ledgers of two years, to drill into."""

import random
from datetime import UTC, datetime, timedelta

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
)
from plantseal_testing_ledgers import HOUR, ledger, month_ends

from plantseal_kpi.schema import Kind

LENGTH = 3600
EARLIER = 86_400
"""The baseline begins so many seconds before the period."""
WAYS = (
    {"mode": "polled", "protocol": "modbus"},
    {"mode": "subscribed", "protocol": "opcua", "publishing_ms": 1000},
    {"mode": "published", "protocol": "sparkplug"},
)
ROLES = ("state", "heartbeat", "count_total", "count_good", "count_scrap", "energy", "value", "product",
         "loop_mode", "loop_output", "energy_interval")  # fmt: skip


def baseline(**more):
    start = datetime.fromtimestamp(T0 // SECOND - EARLIER, UTC)
    end = start + timedelta(seconds=LENGTH)
    return {"kind": "pre_project", "period": {"start": start, "end": end}} | more


def workshop(machines=3, **more):
    """m1 counts made and scrap, m2 all three, m3 made and good; m2 has products, m4 no point."""
    points = []
    for m in range(1, machines + 1):
        for r, role in enumerate(ROLES):
            if role == {1: "count_good", 3: "count_scrap"}.get(m):
                continue
            if role in ("product", "heartbeat") and m != 2:
                continue
            given = {"role": role, "link": 100 + m, **WAYS[(m - 1) % 3]}
            if role == "energy":
                given |= {"unit": "kWh", "scale": "0.01", "register_max": 90_000}
            if role == "energy_interval":
                given |= {"unit": "m3" if m == 2 else "Wh", "period_ms": 60_000,
                          "carrier": "natural_gas" if m == 2 else "electricity"}  # fmt: skip
            points.append(point(20 * m + r, f"m{m}", name=f"m{m}.{role}", **given))
    states = {"RUN": "producing", "IDLE": "idle", "DOWN": "down", "SET": "setup"}
    units = [
        machine(f"m{m}", card="A" if m < 3 else "", ideal_cycle_s="9.5", states=states,
                rated_cycle_s="0.5", key=m == 1, declared_level="L1" if m == 2 else "L0",
                numeric=[None, True, False][m % 3], short_stop_s=[0, 60, 20][m % 3],
                cycles_s={"P1": "8", "P2": "11.5"} if m == 2 else {}, rated_power_kw="400")
        for m in range(1, machines + 1)
    ]  # fmt: skip
    units += [machine("m4", cls="logistics"), machine("m5", cls="other", production=False)]
    start = datetime.fromtimestamp(T0 // SECOND, UTC)
    stop = {"reason": "清扫", "equipment": ["m1"],
            "period": {"start": start + timedelta(seconds=900),
                       "end": start + timedelta(seconds=1200)}}  # fmt: skip
    shifts = [{"name": "a", "start": "22:20", "end": "22:50"},
              {"name": "b", "start": "22:55", "end": "06:00"}]  # fmt: skip
    left_out = {"loop": "L1", "reason": "startup", "period": stop["period"]}
    process = {
        "parameters": [{"id": "p1", "name": "T", "point": "m1.value", "kind": "原料"},
                       {"id": "p2", "name": "U", "point": "m2.value", "kind": "关键工艺"},
                       {"id": "p3", "name": "V"}],
        "loops": [{"id": f"L{m}", "mode": f"m{m}.loop_mode", "output": f"m{m}.loop_output"}
                  for m in range(1, machines + 1)],
        "exclusions": [left_out],
    }  # fmt: skip
    given = {
        "calendar": {"shifts": shifts, "stops": [stop]}, "process": process,
        "baseline": baseline(), "energy": {"natural_gas": "gasfield"},
        "meters": [{"point": f"m1.{role}", "at": start + timedelta(seconds=2000, milliseconds=7),
                    "last": last, "first": 5, "document": "WO-1"}
                   for role, last in (("energy", "1"), ("count_total", 1300))],
    }  # fmt: skip
    return plant(units, points, **(given | more))


def workshop_rows(seed, p, trouble=0.05, *, before=True):
    """Rows of the period, and imported ones of the baseline; ``trouble`` per reading."""
    rng = random.Random(seed)
    rows = _rows(rng, p, trouble, 0)
    if before:
        old = _rows(rng, p, trouble / 3, -EARLIER)
        rows = [r | {"flags": r["flags"] | 1} for r in old] + rows
    rows.sort(key=lambda r: r["t_receive"] if r["t_receive"] is not None else r["t_source"] or 0)
    return frame(rows)


def _rows(rng, p, trouble, shift):
    out = [birth(link, at(shift - 60), product=f"p{link}") for link in {x.link for x in p.points}]
    for x in p.points:
        out += _tag(rng, x, trouble, shift)
    return out


def _tag(rng, p, trouble, shift):
    every = 60 if p.role == "energy_interval" else 10
    count, word = 1000, "RUN"
    # Counters that lose different steps contradict each other; those of m3 do.
    steady = p.role.startswith("count") and p.equipment != "m3"
    for t in range(-30, LENGTH + 60, every):
        strikes = lambda k: rng.random() < trouble * k  # noqa: E731
        match p.role:
            case "state":
                word = (
                    rng.choice(("RUN", "RUN", "IDLE", "DOWN", "SET", "ODD")) if strikes(2) else word
                )
                value = word
            case "product":
                value = word = (
                    rng.choice(("P1", "P2", "P9")) if strikes(1) or word == "RUN" else word
                )
            case "loop_mode":
                value = word = rng.choice(("AUTO", "MAN")) if strikes(1) or word == "RUN" else word
            case "loop_output":
                value = rng.choice((50.0, 99.9, 20.0)) if strikes(2) else 40.0
            case "count_total" | "count_good" | "count_scrap" | "energy":
                tenth = t // 10
                step = {"count_good": tenth % 7 > 0, "count_scrap": tenth % 14 == 0}.get(p.role, 1)
                wild = strikes(0.3) and not steady
                odd = rng.choice((0, count - 7, count + 90_000, count + 40)) if wild else None
                count = count + int(step) if odd is None else odd
                value = float("nan") if strikes(0.1) and not steady else count
            case "heartbeat":
                value = bool(t // 10 % 2) or strikes(5)
            case "energy_interval":
                value = rng.choice((-5, 10**9)) if strikes(0.5) else rng.randrange(50)
            case _:
                value = rng.random()
        if strikes(0.3):
            kind = rng.choice((Kind.DEATH, Kind.GAP, Kind.SEQ_GAP, Kind.BIRTH, Kind.KEEPALIVE))
            gap = {"t_source": at(shift + t), "t_server": at(shift + t + 40)}
            out = row(p.link, at(shift + t + 1), kind=kind, **(gap if kind == Kind.GAP else {}))
            yield out
        if strikes(0.5):
            continue
        late = rng.choice((3, 70, 600)) if strikes(0.3) else 0
        heard = at(shift + t + 0.05 + late + rng.random() * 0.01)
        source = None if p.mode == "polled" else at(shift + t)
        flags = rng.choice((2, 4, 8, 16, 32)) if strikes(0.3) else 0
        one = row(p.tag, heard, value, t_source=source, flags=flags,
                  src_seq=((T0 // SECOND + shift + t) // 10) % 2**32)  # fmt: skip
        if strikes(0.3):
            one |= rng.choice(({"status": BAD}, {"kind": int(Kind.OVERFLOW)}, {"kind": int(Kind.SLOT)},
                               {"vtype": 0, "value_i": None, "value_f": None, "text": None},
                               {"t_source": None}, {"text": "UNAVAILABLE"}))  # fmt: skip
        yield one
        if strikes(0.3):
            again = {} if steady else rng.choice(({}, {"value_i": 77, "vtype": 2}))
            yield one | {"t_receive": heard + rng.choice((0, 90)) * SECOND} | again


def two_years(good=100):
    """Ledgers of 2022 and 2023 for every business figure."""
    names = {"costs": [], "output": [], "inventory": [], "finance": [], "staff": [],
             "value_added": [], "labour": [], "materials": []}  # fmt: skip
    for year in (2022, 2023):
        for i, day in enumerate(month_ends(year)):
            for kind, fen in (("energy", 1000 + i), ("logistics", 70 + year - 2022)):
                names["costs"].append({"entry": f"{day}{kind}", "date": day, "account": "5001",
                                       "kind": kind, "amount": fen,
                                       "amount_baseline_prices": fen - 3})  # fmt: skip
            names["costs"].append({"entry": f"{day}x", "date": day, "account": "9", "kind": "energy",
                                   "amount": 5, "amount_baseline_prices": 5})  # fmt: skip
            names["output"].append({"date": day, "product": "A", "good": good + i,
                                    "standard": HOUR // 2})  # fmt: skip
            names["inventory"] += [{"date": day, "item": k, "value": 100 + i, "pieces": 7}
                                   for k in ("raw", "wip")]  # fmt: skip
            names["finance"] += [{"date": day, "item": k, "amount": 90} for k in ("cogs", "tax")]
            names["staff"] += [{"date": day, "kind": "line", "persons": 9},
                               {"date": day, "kind": "office", "persons": 3}]  # fmt: skip
            names["value_added"].append({"date": day, "amount": 5000 + i})
            names["labour"].append({"date": day, "group": "g", "worked": 60 * HOUR})
            names["materials"] += [{"date": day, "kind": k, "material": "s", "mass": g}
                                   for k, g in (("input", 100), ("good_product", 90 + year - 2022),
                                                ("waste_generated", 4))]  # fmt: skip
    names["inventory"] += [{"date": datetime(2021, 12, 31, tzinfo=UTC).date(), "item": k, "value": 5,
                            "pieces": 1} for k in ("raw", "wip")]  # fmt: skip
    return {name: ledger(name, *rows) for name, rows in names.items()} | _others()


def _others():
    def day(y, m, d):
        return datetime(y, m, d, tzinfo=UTC).date()

    moment = [datetime(2023, 5, d, 8, tzinfo=UTC) for d in range(1, 9)]
    return {
        "projects": ledger("projects", *(
            {"project": f"p{i}", "cls": "c", "approved": day(2021 + i % 2, 1 + i, 1),
             "released": None if i % 3 == 2 else day(2022 + i % 2, 2 + i, 1),
             "cancelled": day(2023, 6, 1) if i == 5 else None}
            for i in range(9))),
        "orders": ledger("orders", *(
            {"order": f"o{i // 2}", "line": str(i % 2), "confirmed": day(2022 + i % 4 // 2, 3, 1),
             "promised_first": day(2022 + i % 4 // 2, 3, 20), "promised": None, "ordered": 5,
             "delivered": None if i == 7 else day(2022 + i % 4 // 2, 3, 15 + i // 2),
             "delivered_quantity": None if i == 7 else 5 - (i == 4)}
            for i in range(16))),
        "partners": ledger("partners", *(
            {"exchange": str(i), "uscc": c, "name": None, "time": moment[i], "authenticated": i != 2}
            for i, c in enumerate(("91350100M000100Y43", "91350100m000100y43", "91350100M000100Y43",
                                   "91350100M000100Y44")))),
        "investments": ledger("investments", *(
            {"item": str(i), "kind": k, "planned": None if i == 4 else 10**6 * (i + 1),
             "invoiced": 10**5, "date": None if i == 1 else day(2023, 1 + i, 1)}
            for i, k in enumerate(("设备购置及安装费", "软件购置费", "云服务费", "other", "软件购置费")))),
        "inspections": ledger("inspections", *(
            {"part": str(i % 3), "inspection": "in" if i < 6 else "out", "time": moment[i],
             "passed": i % 4 != 0} for i in range(8))),
        "lots": ledger("lots", *(
            {"lot": str(i), "time": moment[i], "inspected": 100, "defective": i} for i in range(4))),
        "energy_bills": ledger("energy_bills", *(
            {"meter": "h", "carrier": c, "start": day(y, 1, 10), "end": day(y + 1, 1, 10),
             "quantity": "1234.567", "unit": u}
            for y in (2021, 2022, 2023) for c, u in (("heat", "GJ"), ("diesel", "kg")))),
    }  # fmt: skip


__all__ = ["EARLIER", "LENGTH", "period", "two_years", "workshop", "workshop_rows"]
