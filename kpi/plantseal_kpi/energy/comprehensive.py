"""Comprehensive energy in kgce, per good piece, and carbon: every carrier times its factor.

Source: GB/T 2589 综合能耗, 单位产品综合能耗; definitions 2.4 and 2.5.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.energy.carriers import Source, sources
from plantseal_kpi.energy.factors import Chosen, carbon_factor, coal_factor
from plantseal_kpi.figures import finding, mean_terms, result, text
from plantseal_kpi.machines.production import Machine
from plantseal_kpi.metric import Metric
from plantseal_kpi.report import Finding, Result
from plantseal_kpi.rows.window import Window

VERSION = 1
Terms = tuple[int, int]
Form = Callable[[Iterable[tuple[int, Fraction]]], Terms]


def comprehensive_energy(used: Iterable[tuple[int, Fraction]]) -> Terms:
    """Return sum of amount x factor as (numerator, denominator) [kgce].

    Args:
        used: Of each carrier the amount [base units] and its factor [kgce per base unit].

    Source: GB/T 2589, E = sum of e_i x p_i.

    Example:
        >>> comprehensive_energy([(1_000_000, Fraction("0.0001229"))])
        (1229, 10)
    """
    return sum((amount * by for amount, by in used), Fraction(0)).as_integer_ratio()


def comprehensive_energy_per_unit(energy: Terms, good: int) -> Terms:
    """Return (energy, good pieces) as (numerator, denominator) [kgce/piece].

    Example:
        >>> comprehensive_energy_per_unit((1229, 10), 100)
        (1229, 1000)
    """
    return energy[0], energy[1] * good


def carbon_emissions(used: Iterable[tuple[int, Fraction]]) -> Terms:
    """Return sum of amount x emission factor as (numerator, denominator) [kg CO2].

    Example:
        >>> carbon_emissions([(1_000_000, Fraction("0.0005306"))])
        (2653, 5)
    """
    return sum((amount * by for amount, by in used), Fraction(0)).as_integer_ratio()


@dataclass(frozen=True, slots=True)
class Used:
    """One carrier in the period: its amount, its factor, and (known, expected) of its meters."""

    source: Source
    amount: int | None
    factor: Chosen
    known: Terms


def comprehensive_results(
    w: Window, machines: Sequence[Machine], bills: pl.DataFrame | None = None
) -> list[Result]:
    """Return comprehensive energy, the same per good piece, and carbon, of the plant.

    Null where a meter is silent or a carrier has no factor; a factor printed as a range gives
    ``low`` and ``high``.

    Args:
        w: The period.
        machines: What each machine did; good pieces are the output.
        bills: Ledger ``energy_bills``.
    """
    listed = sources(w, bills)
    span = (w.start, w.end)
    plan = w.plant.energy
    read = [(s, s.amounts([span])[0], s.known(span)) for s in listed]
    coal = [Used(s, amount, coal_factor(plan, s.carrier), k) for s, amount, k in read]
    carbon = [Used(s, amount, carbon_factor(plan, s.carrier), k) for s, amount, k in read]
    energy = _figure(w, "comprehensive_energy", "kgce", coal)
    return [
        energy,
        _per_unit(w, energy, machines),
        _figure(w, "carbon_emissions", "kg CO2", carbon),
    ]


def _figure(w: Window, metric: str, unit: str, used: Sequence[Used]) -> Result:
    span = (w.start, w.end)
    found: list[Finding] = []
    for u in used:
        found += [u.factor.note, *u.source.findings]
        if u.source.check is not None:
            found.append(u.source.check)
        if u.amount is None:
            lost = ", ".join(u.source.silent(span)) or "no usable bill"
            why = f"{u.source.carrier}: nothing is known of {lost}; not counted as 0"
            found.append(finding("energy.silent", why, carrier=u.source.carrier))
    if not used:
        found.append(finding("figure.none", f"{metric}: no energy meter and no energy bill"))
    form = carbon_emissions if metric == "carbon_emissions" else comprehensive_energy
    at, low, high = (
        _total(form, [(u.amount, _at(u.factor, which)) for u in used]) for which in _ENDS
    )
    shares = [u.known for u in used]
    return result(
        metric, VERSION, "plant", *(at or (None, None)),
        unit=unit, origin=w.origin,
        coverage=mean_terms([s for s in shares if s[1]]) if any(d for _, d in shares) else None,
        bounds=(Fraction(*low), Fraction(*high)) if low and high and low != high else None,
        parts=_parts(used, unit),
        formula=" + ".join(_term(u) for u in used) + f" = {{n}} / {{d}} {unit}" if used else "",
        findings=found,
    )  # fmt: skip


_ENDS: Final = ("value", "low", "high")


def _at(factor: Chosen, which: str) -> Fraction | None:
    return {"value": factor.value, "low": factor.low, "high": factor.high}[which]


def _total(form: Form, used: Sequence[tuple[int | None, Fraction | None]]) -> Terms | None:
    known = [(a, f) for a, f in used if a is not None and f is not None]
    if not used or len(known) < len(used):
        return None
    return form(known)


def _term(u: Used) -> str:
    base, by = u.factor.base, u.factor.value
    amount = "?" if u.amount is None else u.amount
    return f"{amount} {base} {u.source.carrier} x {text(by) or '?'}"


def _parts(used: Sequence[Used], unit: str) -> dict[str, int | str | Fraction | None]:
    parts: dict[str, int | str | Fraction | None] = {}
    for u in used:
        parts[f"{u.source.carrier}_{u.factor.base}"] = u.amount
        if u.amount is not None and u.factor.value is not None:
            parts[f"{u.source.carrier}_{unit.split()[0]}"] = u.amount * u.factor.value
    parts["meters"] = ",".join(n for u in used for n in u.source.names)
    parts["factor_years"] = ",".join(sorted({u.factor.year for u in used if u.factor.year}))
    return parts


def _per_unit(w: Window, energy: Result, machines: Sequence[Machine]) -> Result:
    counting = [m for m in machines if m.good is not None]
    good = sum(m.good or 0 for m in counting)
    found = [*energy.findings, *(f for m in machines for f in m.findings)]
    if not counting:
        found.append(
            finding("figure.none", "comprehensive_energy_per_unit: no good pieces were counted")
        )
    terms: tuple[int | None, int | None] = (None, None)
    if energy.numerator is not None and energy.denominator is not None and counting:
        whole = int(energy.numerator), int(energy.denominator)
        terms = comprehensive_energy_per_unit(whole, good)
    bounds = None
    if energy.low is not None and energy.high is not None and good:
        bounds = Fraction(energy.low) / good, Fraction(energy.high) / good
    shares = [Fraction(energy.coverage)] if energy.coverage is not None else []
    counted = sum(m.counted[0] for m in counting), sum(m.counted[1] for m in counting)
    shares += [Fraction(*counted)] if counted[1] else []
    return result(
        "comprehensive_energy_per_unit", VERSION, "plant", *terms,
        unit="kgce/piece", origin=w.origin,
        coverage=min(shares).as_integer_ratio() if shares else None,
        bounds=bounds,
        parts={
            "meters": energy.parts["meters"],
            "machines": ",".join(m.equipment.id for m in counting),
            "kgce": energy.value, "good": good if counting else None,
        },
        formula=f"{energy.value or '?'} kgce / {good if counting else '?'} good pieces",
        findings=found,
    )  # fmt: skip


_INPUTS: Final = ("energy", "energy_interval", "energy_bills", "plant.energy")
METRICS: Final = (
    Metric(
        "comprehensive_energy", VERSION, "综合能耗", "kgce", comprehensive_energy, _INPUTS,
        "GB/T 2589-2020; definitions 2.5",
    ),
    Metric(
        "comprehensive_energy_per_unit", VERSION, "单位产品综合能耗", "kgce/piece",
        comprehensive_energy_per_unit, (*_INPUTS, "count_total", "count_good", "count_scrap"),
        "GB/T 2589-2020; definitions 2.4",
    ),
    Metric(
        "carbon_emissions", VERSION, "碳排放量", "kg CO2", carbon_emissions, _INPUTS,
        "definitions 2.5",
    ),
)  # fmt: skip
