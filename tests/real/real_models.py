"""Energy models of others: a published one reproduced, one that is not, a known saving, and none.

Every table goes through ``plantseal import`` or a ledger of the plant file, and every figure is
``energy_utilisation_gain`` of ``plantseal kpi``.

The published electricity model of Peanuts does not come out of its bills: constant, slope, weather
and R2 all differ, by other factors each, so no unit is behind it; its readings changed after the
model was made (SOURCE.md).
"""

import csv
import gzip
import json
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import real_plant
from real_table import RealRow

from plantseal_kpi.energy.bills import backward

SITE = """version: 1
site: {site}
zone: {zone}
equipment: [{{id: works, name: works, cls: processing}}]
baseline:
  kind: pre_project
  period: {{start: "{base[0]}", end: "{base[1]}"}}
energy:
  adjustment: {{step: {step}, drivers: [{drivers}]}}
ledgers: {{{ledgers}}}
sources:
  - {{id: history, connector: recorded, tags: tags.csv}}
"""
MAP = """source: history
format: csv
time: {{column: {time}}}
columns: {{{column}: works.meter}}
"""
METER = "works.meter,works,{column},{type},,{scale},kWh,{ms},energy_interval,true,\n"
CCF_M3 = Decimal("2.8316846592")  # 100 ft3
HEAT = Fraction("0.1029")  # MMBtu/CCF of the published model; the bills were made with 0.1027
SOURCE_KWH = Fraction("0.010236")  # MMBtu of source energy a kWh: 0.003412 x 3


class Table(NamedTuple):
    """A file of readings and how it is read."""

    text: str
    time: str
    column: str
    ms: int
    midnight: str = "rfc3339"
    scale: str = ""
    type: str = "float"


def rows(data: Path) -> list[RealRow]:
    """Return one row a figure."""
    return [
        *_peanuts(data / "verifi_peanuts"),
        *_opendsm(data / "opendsm_samples"),
        *_lbnl(data / "lbnl_rmv2_pair1"),
    ]


def _gain(
    *, base: tuple[str, str], period: tuple[str, str], step: str, drivers: str,
    ledgers: dict[str, str], table: Table | None = None, zone: str = "UTC", site: str = "site",
) -> tuple[Any, Any]:  # fmt: skip
    """Return the gain of a plant with these tables, and what the import said."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, text in ledgers.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        # A plant with bills alone has no meter; its store is opened by a reading of nothing else.
        read = table or Table("time,none\n2000-01-01T00:00:00Z,0\n", "time", "none", 900_000)
        given = METER.format(column=read.column, type=read.type, scale=read.scale, ms=read.ms)
        if table is None:
            given = given.replace("kWh", "").replace("energy_interval", "value")
        named = MAP.format(time=read.time, column=read.column)
        if read.midnight != "rfc3339":
            named = named.replace(
                f"column: {read.time}}}", f"column: {read.time}, {read.midnight}}}"
            )
        plant = real_plant.make(
            folder,
            SITE.format(
                site=site, zone=zone, base=base, step=step, drivers=drivers,
                ledgers=", ".join(f"{n}: {n}.csv" for n in ledgers),
            ),
            {"tags.csv": given},
            map_yaml=named,
        )  # fmt: skip
        (folder / "readings.csv").write_text(read.text, encoding="utf-8")
        done: Any = real_plant.plantseal(
            "import", folder / "readings.csv", "--map", folder / "map.yaml", "-c", plant
        )
        report = real_plant.plantseal("kpi", "--period", "..".join(period), "-c", plant)
    return real_plant.figure(report, "energy_utilisation_gain"), done["files"][0]


def _records(path: Path) -> list[list[str]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(text.decode().splitlines()))[1:]


def _csv(header: str, records: list[tuple[object, ...]]) -> str:
    return "\n".join([header, *(",".join(map(str, r)) for r in records)]) + "\n"


# --- Peanuts --------------------------------------------------------------------------------------


def _peanuts(folder: Path) -> list[RealRow]:
    gas, named, r2 = _peanut_model(folder, "Natural Gas", 2022, "HDD Generated (60F)")
    each = HEAT / (Fraction(CCF_M3) * 10**6)
    ours = [Fraction(gas["parts"][f"b_{n}"]) * each for n in ("base", "production", "degree")]
    power, published, r2_power = _peanut_model(folder, "Electricity", 2024, "CDD Generated (60F)")
    kwh = SOURCE_KWH / 1000
    found = [Fraction(power["parts"][f"b_{n}"]) * kwh for n in ("base", "production", "degree")]
    factors = [round(float(f / p), 2) for f, p in zip(found, published, strict=True)]
    return [
        *(
            _near(f"Peanuts, gas: {name}", published_value, value, Fraction(1, 20_000))
            for name, published_value, value in zip(
                ("constant [MMBtu]", "a unit made", "a heating degree day"), named, ours, strict=True
            )
        ),
        _near("Peanuts, gas: R2", r2, Fraction(gas["parts"]["r2"]), Fraction(1, 20_000)),
        *(
            RealRow(f"Peanuts, electricity, does not come out: {name}", f"{float(p):.4f}",
                    f"{float(f):.4f}", f"x {float(f / p):.2f}", abs(f / p - 1) > Fraction(1, 20_000))
            for name, p, f in zip(
                ("constant [MMBtu]", "a unit made", "a cooling degree day", "R2"),
                [*published, r2_power], [*found, Fraction(power["parts"]["r2"])], strict=True,
            )
        ),
        RealRow("Peanuts, electricity: a unit that would explain it", "none", "none",
                f"factors {', '.join(map(str, factors))}", len(set(factors)) == 3),
    ]  # fmt: skip


def _peanut_model(
    folder: Path, source: str, year: int, weather: str
) -> tuple[Any, list[Fraction], Fraction]:
    gas = source == "Natural Gas"
    column = 9 if gas else 8  # the volume of gas [CCF], the energy of electricity [kWh]
    readings = sorted(
        (date(int(r[5]), int(r[6]), int(r[7])), Decimal(r[column]))
        for r in _records(folder / "peanuts_meter_readings.csv")
        if r[2] == source
    )
    spans = backward([day for day, _ in readings])
    bills: list[tuple[object, ...]] = [
        ("m", "natural_gas" if gas else "electricity", start, end,
         f"{used * CCF_M3 if gas else used:f}", "m3" if gas else "kWh")
        for (start, end), (_, used) in zip(spans, readings[1:], strict=True)
    ]  # fmt: skip
    drivers: list[tuple[object, ...]] = [
        (f"{int(r[3])}-{int(r[4]):02}", {"Production": "production", weather: "degree"}[r[1]],
         f"{Decimal(r[5]):f}")
        for r in _records(folder / "peanuts_predictors.csv")
        if r[1] in ("Production", weather)
    ]  # fmt: skip
    gain, _ = _gain(
        base=(f"{year}-01-01T00:00:00Z", f"{year + 1}-01-01T00:00:00Z"),
        period=(f"{year + 1}-01-01", f"{year + 1}-12-31"), step="month",
        drivers="{name: production, of: ledger}, {name: degree, of: ledger}",
        ledgers={
            "energy_bills": _csv("meter,carrier,start,end,quantity,unit", bills),
            "drivers": _csv("date,name,value", drivers),
        },
    )  # fmt: skip
    model = next(r for r in _records(folder / "peanuts_published_models.csv") if r[2] == source)
    named = json.loads(model[8])
    terms = [model[7], named["Production"], named[weather]]
    return gain, [Fraction(str(t)) for t in terms], Fraction(model[9])


# --- OpenDSM samples ------------------------------------------------------------------------------

SAMPLES = {
    "il-electricity-cdd-hdd-daily": ("hdd60", "cdd65"),
    "il-gas-hdd-only-daily": ("hdd60",),
    "il-electricity-cdd-only-daily": ("cdd65",),
}


def _opendsm(folder: Path) -> list[RealRow]:
    about = json.loads((folder / "metadata_subset.json").read_text())
    return [row for name in SAMPLES for row in _sample(folder, name, about[name])]


def _sample(folder: Path, name: str, about: Any) -> list[RealRow]:
    degree = defaultdict(list)
    for moment, f in _records(folder / "il-tempF.csv.gz"):
        degree[moment[:10]].append(Decimal(f))
    drivers = [
        (day, driver, f"{max(Decimal(0), (mean - at) * sign):f}")
        for day, values in degree.items()
        for mean in [round(sum(values) / len(values), 12)]
        for driver, at, sign in (("hdd60", 60, -1), ("cdd65", 65, 1))
        if driver in SAMPLES[name]
    ]
    read = _records(folder / f"{name}.csv.gz")
    # The file names the begin of each day; a meter's interval value ends where the next begins.
    days = [(end, value) for (_, value), (end, _) in pairwise(read)]
    start, end = about["blackout_start_date"], about["blackout_end_date"]
    year = timedelta(days=365)
    gain, _ = _gain(
        base=(f"{date.fromisoformat(start) - year}T00:00:00-06:00", f"{start}T00:00:00-06:00"),
        period=(end, str(date.fromisoformat(end) + year - timedelta(days=1))), step="day",
        drivers=", ".join(f"{{name: {d}, of: ledger}}" for d in SAMPLES[name]),
        ledgers={"drivers": _csv("date,name,value", list(drivers))},
        table=Table(_csv("end,value", list(days)), "end", "value", 86_400_000),
        zone="Etc/GMT+6",
    )  # fmt: skip
    before, after = (round(about[f"annual_{s}_total_load"], 3) for s in ("baseline", "reporting"))
    true = Fraction(str(before)) / Fraction(str(after)) - 1
    low, high = Fraction(gain["interval"]["low"]), Fraction(gain["interval"]["high"])
    told = f"{gain_text(gain['value'])}, {gain_text(low)} .. {gain_text(high)}"
    if name != "il-electricity-cdd-only-daily":
        return [
            RealRow(f"{name}: true saving within bounds", gain_text(true), told,
                    gain_text(Fraction(gain["value"]) - true), low <= true <= high)
        ]  # fmt: skip
    flags = {f["code"] for f in gain["findings"]}
    return [
        RealRow(f"{name}: its noise hides the saving, none claimed", gain_text(true), told,
                "flagged: " + ", ".join(sorted(f for f in flags if f.startswith("model."))),
                low < 0 and "model.unsure" in flags)
    ]  # fmt: skip


def gain_text(value: str | Fraction) -> str:
    """Return a gain in percent."""
    return f"{float(Fraction(value)) * 100:+.2f} %"


# --- LBNL pair 1 ----------------------------------------------------------------------------------


def _lbnl(folder: Path) -> list[RealRow]:
    """The hourly files as they are, both years in one: the hour without a time stays unreadable."""
    read, weather, drivers, totals = [], [], [], []
    for which in ("pre", "post"):
        hours = _records(folder / f"Data_{which}_1.csv.gz")
        totals.append(sum(Fraction(r[1]) for r in hours))
        read += [(r[0], r[1]) for r in hours]
        degree = defaultdict(list)
        for r in hours:
            if r[0] != "NA":
                degree[_american(r[0])].append(Decimal(r[2]))
        for day, values in degree.items():
            weather.append((day, f"{round(sum(values) / len(values), 12):f}"))
            drivers.append((day, "workday", int(day.weekday() < 5)))
    gain, done = _gain(
        base=("2006-01-01T00:00:00Z", "2007-01-01T00:00:00Z"),
        period=("2017-01-01", "2017-12-31"), step="day",
        drivers="{name: hdd, of: hdd, base_c: 12}, {name: cdd, of: cdd, base_c: 12}, "
        "{name: workday, of: ledger}",
        ledgers={"weather": _csv("date,mean_c", list(weather)),
                 "drivers": _csv("date,name,value", list(drivers))},
        table=Table(_csv("time,eload", list(read)), "time", "eload", 3_600_000,
                    'format: "%m/%d/%y %H:%M", zone: UTC'),
    )  # fmt: skip
    low, high = Fraction(gain["interval"]["low"]), Fraction(gain["interval"]["high"])
    plain = totals[0] / totals[1] - 1
    return [
        RealRow("LBNL pair 1: hours read, lines without a time", "17516, 2",
                f"{done['rows']}, {done['bad']}", "", (done["rows"], done["bad"]) == (17_516, 2)),
        RealRow("LBNL pair 1: nothing was saved, and none is found", gain_text(plain),
                f"{gain_text(gain['value'])}, {gain_text(low)} .. {gain_text(high)}",
                gain_text(Fraction(gain["value"]) - plain), low < 0 < high),
    ]  # fmt: skip


def _american(text: str) -> date:
    """Return the date of ``mm/dd/yy hh:mm``."""
    month, day, year = text[:8].split("/")
    return date(2000 + int(year), int(month), int(day))


def _near(name: str, source: Fraction, ours: Fraction, within: Fraction) -> RealRow:
    """Pass when the relative difference is within half a unit of the fourth digit and a bit."""
    apart = ours / source - 1
    return RealRow(name, f"{float(source):.6g}", f"{float(ours):.6g}", f"{float(apart):+.1e}",
                   abs(apart) <= within)  # fmt: skip
