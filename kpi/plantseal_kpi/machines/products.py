"""Pieces by product: each counts for the product in force at its moment.

Where a tag of the role ``product`` tells what is made, a piece earns the planned run time of that
product (``cycles_s``). Pieces of a product without one, and pieces counted while the product is
not known, earn nothing: they are listed, and the time stands open in the bounds and the coverage.

Source: definitions 2.3 (PRU by product; the ratio of sums over products).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from plantseal_kpi.calendar import Span, common
from plantseal_kpi.figures import finding
from plantseal_kpi.intervals import length
from plantseal_kpi.machines.oee import Output
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.by_span import label_spans, pieces_in
from plantseal_kpi.rows.window import Window

NS = 10**9
ROLES = ("count_total", "count_good", "count_scrap")


@dataclass(frozen=True, slots=True)
class Counts:
    """Pieces; None where no counter tells.

    Attributes:
        made: PQ.
        good: GQ, good at first pass.
        scrap: SQ.
    """

    made: int | None = None
    good: int | None = None
    scrap: int | None = None

    def sound(self) -> bool:
        """Return False where pieces good or scrapped are more than were made, or below 0."""
        made, good, scrap = (0 if n is None else n for n in (self.made, self.good, self.scrap))
        return self.made is None or (0 <= good <= made and 0 <= scrap <= made - good)


def derived(made: int | None, good: int | None, scrap: int | None, counted: Set[str]) -> Counts:
    """Return the counts, made or good formed from the other two where it has no counter.

    Args:
        made: Pieces by ``count_total``; None where no difference is known.
        good: By ``count_good``.
        scrap: By ``count_scrap``.
        counted: Roles for which the machine has a counter.

    Example:
        >>> derived(100, None, 3, {"count_total", "count_scrap"})
        Counts(made=100, good=97, scrap=3)
    """
    if "count_total" not in counted and good is not None and scrap is not None:
        made = good + scrap
    if "count_good" not in counted and made is not None and scrap is not None:
        good = made - scrap
    return Counts(made, good, scrap)


def product_spans(
    w: Window, equipment: Equipment, within: Sequence[Span]
) -> dict[str, list[Span]] | None:
    """Return when each product was made ``within`` [ns], by its name; None without a product tag.

    With several product tags, the first by id counts.
    """
    points = w.points_of(equipment, "product")
    if not points:
        return None
    out: dict[str, list[Span]] = {}
    for label, start, end in label_spans(w, points[0]).select("label", "start", "end").iter_rows():
        out.setdefault(label, []).append((start, end))
    return {label: common(spans, within) for label, spans in sorted(out.items())}


def cycle_ns(equipment: Equipment, product: str | None) -> int | None:
    """Return the planned run time per unit [ns]; of the only product where ``product`` is None."""
    cycle = equipment.ideal_cycle_s
    if product is not None and equipment.cycles_s:
        cycle = equipment.cycles_s.get(product)
    return None if cycle is None else round(cycle * NS)


def counts_in(
    w: Window, equipment: Equipment, groups: Sequence[Sequence[Span]], counted: Set[str]
) -> list[Counts]:
    """Return what was counted in each group of spans, with the moment in (start, end] of one."""
    flat = [span for group in groups for span in group]
    sums: dict[str, list[int | None]] = {}
    for role in ROLES:
        each = pieces_in(w, equipment, role, flat) if role in counted and flat else []
        sums[role] = _by_group(each, groups) if each else [None] * len(groups)
    return [
        derived(made, good, scrap, counted)
        for made, good, scrap in zip(*(sums[r] for r in ROLES), strict=True)
    ]


def _by_group(each: Sequence[int | None], groups: Sequence[Sequence[Span]]) -> list[int | None]:
    out: list[int | None] = []
    at = 0
    for group in groups:
        known = [n for n in each[at : at + len(group)] if n is not None]
        out.append(sum(known) if known else None)
        at += len(group)
    return out


def outputs(equipment: Equipment, by_product: Mapping[str | None, Counts]) -> tuple[Output, ...]:
    """Return the pieces that earn, one :class:`Output` a product with a planned run time."""
    out = []
    for product, c in by_product.items():
        pru = cycle_ns(equipment, product)
        if pru is not None and c.made is not None and c.good is not None:
            out.append(Output(pru, c.made, c.good))
    return tuple(out)


def unpriced(equipment: Equipment, products: Iterable[str]) -> list[str]:
    """Return the products that the register gives no planned run time."""
    return sorted(p for p in products if cycle_ns(equipment, p) is None)


def product_findings(
    equipment: Equipment, whole: Counts, by_product: Mapping[str | None, Counts]
) -> list[Finding]:
    """Return which pieces of ``whole`` earn nothing, and why."""
    found = []
    for product in unpriced(equipment, [p for p in by_product if p is not None]):
        n = by_product[product].made or 0
        if n:
            found.append(
                finding(
                    "oee.product_without_cycle",
                    f"{equipment.id}: {n} pieces of {product!r}, which has no planned run time; "
                    "they form no OEE; add it to cycles_s of the register before the next window",
                    equipment=equipment.id, product=product, pieces=n,
                )
            )  # fmt: skip
    rest = (whole.made or 0) - sum(c.made or 0 for c in by_product.values())
    if rest:
        found.append(
            finding(
                "oee.product_unknown",
                f"{equipment.id}: {rest} pieces were counted while the product was not known; "
                "they form no OEE; see that the product tag is read whenever the machine runs",
                equipment=equipment.id, pieces=rest,
            )
        )  # fmt: skip
    for name, c in by_product.items():
        if not c.sound():
            found.append(
                finding(
                    "counter.product_edge",
                    f"{equipment.id}: {c.good} good of {c.made} made of {name!r}: the counters "
                    "moved on different sides of a change of product; the sums stand",
                    equipment=equipment.id, product=name or "",
                )
            )  # fmt: skip
    return found


def unpriced_ns(
    equipment: Equipment,
    whole: Counts,
    by_product: Mapping[str | None, Counts],
    spans: Mapping[str, Sequence[Span]],
) -> int:
    """Return the planned run time that pieces without one may have earned at most [ns].

    Pieces of a product without PRU earned at most the time in which it was made; pieces of an
    unknown product at most the longest planned run time each.
    """
    late = sum(
        length(spans[p]) for p in unpriced(equipment, spans) if by_product.get(p, Counts()).made
    )
    rest = (whole.made or 0) - sum(c.made or 0 for c in by_product.values())
    slowest = max((cycle_ns(equipment, p) or 0 for p in equipment.cycles_s), default=0)
    return late + max(0, rest) * max(slowest, cycle_ns(equipment, None) or 0)
