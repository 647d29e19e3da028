"""Ledgers for the tests, written as short as a person would."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from plantseal_kpi.business.figures import business_results
from plantseal_kpi.business.ledgers import SCHEMAS
from plantseal_kpi.business.schema import framed
from plantseal_kpi.calendar import period_span
from plantseal_kpi.plant import LedgerName, Period, Plant
from plantseal_kpi.report import Result

HOUR = 3600 * 10**9


def year(number: int) -> Period:
    return Period(
        start=datetime(number, 1, 1, tzinfo=UTC), end=datetime(number + 1, 1, 1, tzinfo=UTC)
    )


def month_ends(number: int) -> list[date]:
    firsts = [date(number, m, 1) for m in range(2, 13)] + [date(number + 1, 1, 1)]
    return [d - timedelta(days=1) for d in firsts]


def ledger(name: LedgerName, *rows: dict[str, object]) -> pl.DataFrame:
    return framed(rows, SCHEMAS[name])


def shop(**more: object) -> Plant:
    return Plant.model_validate({"site": "s", "zone": "UTC", "equipment": []} | more)


def figures(plant: Plant, period: Period, **ledgers: pl.DataFrame) -> dict[str, Result]:
    found = business_results(plant, period_span(period), ledgers)
    return {r.metric: r for r in found}


def codes(r: Result) -> set[str]:
    return {f.code for f in r.findings}
