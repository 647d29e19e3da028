"""The frames of a drill-down and their sums, from which the figure's own terms are formed again.

Every entry adds ``numerator`` times ``weight`` to the figure's numerator and ``denominator`` times
``weight`` to its denominator; what adds to neither says why in ``reason``. Entries that only prove
a unit or a parameter have weight 0: the unit is what counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import polars as pl

from plantseal_kpi.report import Result

Terms = tuple[int, int]
_ADDS: Final = {
    "numerator": pl.Int64, "denominator": pl.Int64, "weight": pl.String, "used": pl.Boolean,
    "reason": pl.String,
}  # fmt: skip
INTERVALS: Final = pl.Schema({
    "equipment": pl.String,
    "tag": pl.UInt32,  # null: of the machine, not of one tag
    "point": pl.String,  # name of the tag, or id of the loop or parameter
    "what": pl.String,  # covered, uncovered, state:<state>, short stop, in service, not planned, …
    "start": pl.Int64,  # ns since the epoch
    "end": pl.Int64,  # not included
    **_ADDS,
})  # fmt: skip
"""Intervals: disjoint for each point (or machine), together the whole period."""
ROWS: Final = pl.Schema({
    "seq": pl.UInt64,
    "tag": pl.UInt32,
    "point": pl.String,  # name; of a link tag, empty
    "equipment": pl.String,  # of a link tag, empty
    "kind": pl.String,  # VALUE, SLOT, BIRTH, …
    "at": pl.Int64,  # when it happened, as the figure takes it [ns]; null: never placed
    "t_source": pl.Int64,
    "t_receive": pl.Int64,
    "value": pl.String,  # as it was sent
    "base": pl.Int64,  # reading in whole base units; null where it is none
    "before": pl.Int64,  # moment of the reading that the difference is formed with
    "delta": pl.Int64,  # difference [base units]; null where it is not known
    **_ADDS,
})  # fmt: skip
"""Rows of the tags of the scope within the period, link by link in the order of time."""
RECORDS: Final = pl.Schema({
    "ledger": pl.String,
    "record": pl.String,  # what identifies it within its ledger
    "date": pl.String,  # its local date or time
    "content": pl.String,  # column=value of the rest
    **_ADDS,
})  # fmt: skip
"""Records of ledgers; steps of a model; a constant of the formula."""
UNITS: Final = pl.Schema({
    "unit": pl.String,  # card number, class, parameter
    "equipment": pl.String,  # members, joined by commas
    "level": pl.String,
    "proof": pl.String,
    **_ADDS,
})  # fmt: skip
"""Units of count."""
SUMS: Final = pl.Schema({
    "frame": pl.String,
    "equipment": pl.String,  # of records: the ledger
    "what": pl.String,  # of rows: name of the point
    "used": pl.Boolean,
    "reason": pl.String,
    "weight": pl.String,
    "n": pl.Int64,
    "ns": pl.Int64,  # of intervals: their length
    "numerator": pl.Int128,
    "denominator": pl.Int128,
})  # fmt: skip
"""Sums over all entries, those beyond the limit included."""
LIMITED: Final = ("intervals", "rows")
"""Frames that may be long; records and units are all there."""
_KEYS: Final = ("frame", "equipment", "what", "used", "reason", "weight")
_FRAMES: Final = {"intervals": INTERVALS, "rows": ROWS, "records": RECORDS, "units": UNITS}
_WHAT: Final = {
    "intervals": ("equipment", "what"), "rows": ("equipment", "point"), "records": ("ledger", ""),
    "units": ("equipment", "unit"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drill:
    """What one figure was made of.

    Attributes:
        metric: Id in the catalogue.
        scope: ``plant``, an equipment id, or a shift's scope.
        result: The figure as the report has it; None of a part that is no figure by itself.
        intervals: As :data:`INTERVALS`, at most ``limit``.
        rows: As :data:`ROWS`, at most ``limit``.
        records: As :data:`RECORDS`.
        units: As :data:`UNITS`.
        sums: As :data:`SUMS`, over all entries.
        parts: Figures that this one is formed from, e.g. before and after; then it has no entries
            of its own, or they stand beside them.
        form: From the terms of the parts to those of the figure; None where the entries are summed.
        formed: The terms where they are neither sums nor a form of parts: medians.
    """

    metric: str
    scope: str
    result: Result | None
    intervals: pl.DataFrame
    rows: pl.DataFrame
    records: pl.DataFrame
    units: pl.DataFrame
    sums: pl.DataFrame
    parts: tuple["Drill", ...] = ()
    form: Callable[..., Terms | None] | None = None
    formed: Callable[["Drill"], Terms | None] | None = None

    def total(self, frame: str) -> int:
        """Return how many entries a frame would have without a limit."""
        return int(self.sums.filter(pl.col("frame") == frame)["n"].sum())

    def terms(self) -> Terms | None:
        """Return numerator and denominator from the entries alone; None where a part has none.

        Where the figure's entries are sums with rational weights, the terms are reduced.
        """
        if self.formed is not None:
            return self.formed(self)
        if self.form is not None:
            sides = [p.terms() for p in self.parts]
            return None if None in sides else self.form(*sides)
        n, d = (summed(self.sums, column) for column in ("numerator", "denominator"))
        if n.denominator == d.denominator == 1:
            return n.numerator, d.numerator
        return (n / d).as_integer_ratio() if d else None


def summed(sums: pl.DataFrame, column: str) -> Fraction:
    """Return the exact sum of ``column`` times weight."""
    each = sums.group_by("weight").agg(pl.col(column).sum()).select("weight", column).iter_rows()
    return sum((Fraction(by) * n for by, n in each), Fraction(0))


class Entries:
    """Entries as they come: kept up to the limit, summed all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept: dict[str, list[pl.DataFrame]] = {name: [] for name in _FRAMES}
        self.sums: list[pl.DataFrame] = []
        self.told: set[int] = set()

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Take entries of the frame ``name``; columns that they lack are null, sums 0, weight 1."""
        whole = completed(frame, _FRAMES[name])
        if name == "rows":
            whole = self._once(whole)
        self.sums.append(_sums(name, whole))
        self._keep(name, whole)

    def join(self, drill: Drill, *, used: bool = True) -> None:
        """Take all entries of another drill-down; unless ``used``, as proof that adds nothing."""
        self._once(drill.rows)
        for name in _FRAMES:
            frame: pl.DataFrame = getattr(drill, name)
            self._keep(name, frame if used else frame.with_columns(weight=pl.lit("0")))
        self.sums.append(drill.sums if used else drill.sums.with_columns(weight=pl.lit("0")))

    def _once(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return ``rows`` without the rows of links that were taken with another tag before."""
        link = pl.col("point") == ""
        kept = rows.filter(~(link & pl.col("seq").is_in(list(self.told))))
        self.told.update(kept.filter(link)["seq"].to_list())
        return kept

    def _keep(self, name: str, frame: pl.DataFrame) -> None:
        if name in LIMITED:
            frame = frame.head(max(0, self.limit - sum(f.height for f in self.kept[name])))
        if frame.height:
            self.kept[name].append(frame)

    def drill(
        self,
        metric: str,
        scope: str,
        result: Result | None,
        parts: Sequence[Drill] = (),
        form: Callable[..., Terms | None] | None = None,
        formed: Callable[[Drill], Terms | None] | None = None,
    ) -> Drill:
        """Return what was taken."""
        frames = {
            name: pl.concat([schema.to_frame(), *self.kept[name]])
            for name, schema in _FRAMES.items()
        }
        sums = pl.concat([SUMS.to_frame(), *self.sums])
        merged = (
            sums.group_by(_KEYS)
            .agg(pl.col("n", "ns", "numerator", "denominator").sum())
            .select(SUMS.names())
            .sort(_KEYS)
        )
        return Drill(
            metric, scope, result, **frames, sums=merged, parts=tuple(parts), form=form,
            formed=formed,
        )  # fmt: skip


def completed(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return ``frame`` in the columns of ``schema``; what it lacks is null, 0, weight 1, used."""
    given = set(frame.columns)
    defaults: dict[str, pl.Expr] = {
        "numerator": pl.lit(0), "denominator": pl.lit(0), "weight": pl.lit("1"),
        "reason": pl.lit(""),
    }  # fmt: skip
    filled = frame.with_columns(
        **{c: e for c, e in defaults.items() if c not in given},
    )
    adds = (pl.col("numerator") != 0) | (pl.col("denominator") != 0)
    return filled.with_columns(
        **({} if "used" in given else {"used": adds}),
        **{c: pl.lit(None) for c in schema if c not in given and c not in _ADDS},
    ).select(pl.col(c).cast(t) for c, t in schema.items())


def _sums(name: str, whole: pl.DataFrame) -> pl.DataFrame:
    who, what = _WHAT[name]
    ns = pl.col("end") - pl.col("start") if name == "intervals" else pl.lit(None, pl.Int64)
    return (
        whole.select(
            "used", "weight", pl.col("numerator", "denominator").cast(pl.Int128),
            frame=pl.lit(name), equipment=pl.col(who).fill_null(""),
            what=pl.col(what).fill_null("") if what else pl.lit(""),
            reason=pl.col("reason").fill_null(""), ns=ns, n=pl.lit(1, pl.Int64),
        )
        .group_by(_KEYS)
        .agg(pl.col("n", "ns", "numerator", "denominator").sum())
        .select(pl.col(c).cast(t) for c, t in SUMS.items())
    )  # fmt: skip


def constant(
    numerator: int = 0, denominator: int = 0, *, what: str, weight: str = "1"
) -> pl.DataFrame:
    """Return a record that is no record: a number that the formula itself puts in."""
    return pl.DataFrame(
        {"ledger": ["formula"], "record": [what], "numerator": [numerator],
         "denominator": [denominator], "weight": [weight], "used": [True]}
    )  # fmt: skip


def renamed(drill: Drill, metric: str, result: Result | None) -> Drill:
    """Return the same drill-down under the name of another figure."""
    return replace(drill, metric=metric, result=result)
