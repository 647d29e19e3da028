"""Definitions 4.5, the moves that need two periods or a ledger: more volume, two-point stocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from plantseal_testing_kpi import SECOND, T0, at, frame, machine, plant, point, row

from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.business.schema import framed
from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.plant import Period
from plantseal_kpi.report import Report
from plantseal_kpi.schema import Flag
from plantseal_kpi.versions import Version

HOUR = 3600
START = datetime.fromtimestamp(T0 // SECOND, UTC)
LATER = 200  # hours between the two periods


def side(hours: int, begin_h: int, pieces_per_hour: int, flags: int) -> list[dict[str, object]]:
    """A machine that draws 10 kW whatever it makes, and 10 Wh a piece."""
    rows = []
    for t in range(-10, hours * HOUR + 1, 10):
        when = at(t + begin_h * HOUR)
        made = max(0, t) * pieces_per_hour // HOUR
        energy = 10_000 * max(0, t) // HOUR + 10 * made
        more = {"flags": flags}
        rows += [
            row(1, when, 100 + made, **more),
            row(2, when, 100 + made, **more),
            row(3, when, 5_000 + energy, **more),
        ]
    return rows


@pytest.fixture(scope="module")
def more_volume() -> Report:
    """Twice the pieces on the same base load."""
    p = plant(
        [machine("m1", ideal_cycle_s=10)],
        [
            point(1, role="count_total"),
            point(2, role="count_good"),
            point(3, role="energy", unit="Wh"),
        ],
        baseline={
            "kind": "pre_project",
            "period": {"start": START.isoformat(), "end": (START + timedelta(hours=4)).isoformat()},
        },
    )
    rows = side(4, 0, 90, int(Flag.IMPORTED)) + side(4, LATER, 180, 0)
    now = Period(start=START + timedelta(hours=LATER), end=START + timedelta(hours=LATER + 4))
    return evaluate(frame(rows).lazy(), [Version(T0, "a", p)], now)


def test_more_volume_on_the_same_base_load_is_no_proof_of_saving(more_volume):
    gain = next(r for r in more_volume.results if r.metric == "energy_utilisation_gain")
    assert float(gain.value) > 0.5  # the raw form is fooled
    assert {f.code for f in gain.findings} & {"energy.raw"}  # and says that it may be
    assert gain.interval is None
    (verdict,) = [v for v in more_volume.verdicts if v.criterion == "cq2020.w5.energy"]
    assert verdict.outcome != "PASS"
    assert verdict.reasons


def stock(months: list[int]) -> list[dict[str, object]]:
    return [
        {"date": date(2025 + m // 12, m % 12 + 1, 1) + timedelta(days=27), "item": "wip",
         "value": 100 * (1 if m in (0, 12) else 50)}
        for m in months
    ]  # fmt: skip


def month_end(record: dict[str, object]) -> dict[str, object]:
    day = record["date"]
    assert isinstance(day, date)
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return record | {"date": following - timedelta(days=1)}


def turns(months: list[int]):
    """Inventory turns of 2026 from the stocks of these months, counted from January 2025."""
    ledgers = {
        "inventory": framed([month_end(r) for r in stock(months)], SCHEMAS["inventory"]),
        "finance": framed(
            [{"date": date(2026, m, 28), "item": "cogs", "amount": 1_000_000}
             for m in range(1, 13)], SCHEMAS["finance"]),
    }  # fmt: skip
    p = plant([machine()])
    year = Period(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
    report = evaluate(frame([]).lazy(), [Version(0, "a", p)], year, ledgers=ledgers)
    return next(r for r in report.results if r.metric == "inventory_turns")


def test_stocks_of_two_chosen_days_make_no_figure():
    picked = turns([11, 23])  # December 2025 and December 2026
    assert picked.value is None
    assert picked.findings


def test_the_mean_of_thirteen_month_ends_does():
    found = turns(list(range(11, 24)))
    assert found.value is not None
