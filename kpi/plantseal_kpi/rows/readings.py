"""Rows made ready for every figure: one event time, good or not, fresh or not, duplicates out.

Rules that hold here (definitions 4.1 and 4.3):

- Order is (tag, event time, seq), never the order of arrival or of files.
- Good means: status good, a value present, and not MTConnect's reserved word ``UNAVAILABLE``.
- A poll, and the first notification after subscribing, happened when it was received: it proves
  life now, however old the value. Every other value happened at its source time less the clock
  offset of its session (the median of receive minus source), where that is at most five minutes.
- That event time serves evidence of life. A state or a count happened at its source time as it was
  sent while the offset is at most two seconds: so much is transport and publishing, not the clock,
  and taking it off would move the event; that holds for the first notification after subscribing
  too, or a count that changed while it was on its way would run backwards. Beyond two seconds the
  corrected time serves both.
- Same tag, source time, value and status: a duplicate, dropped. Same tag and source time, other
  value: a conflict; the one received first counts. The first notification after subscribing repeats
  an old source time and is no duplicate: it says that the value still stands.
- A clock that is set while a session lasts splits it (``sessions.py``). A lag of one session between
  others that have none is a backlog, not a clock: its values happened when their source says so.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from plantseal_kpi.plant import Plant, Point
from plantseal_kpi.rows.marks import LAGS, marked
from plantseal_kpi.rows.sessions import TRANSPORT, clock_steps, with_step
from plantseal_kpi.schema import Flag, Kind, VType

SECOND: Final = 1_000_000_000
MILLI: Final = 1_000_000
CLOCK_LIMIT: Final = 300 * SECOND
"""A source clock further off than this is not used."""
UNAVAILABLE: Final = "UNAVAILABLE"
"""MTConnect's reserved word for a value that the device does not have (MTConnect Part 1)."""

_POINTS: Final = {
    "tag": pl.UInt32, "equipment": pl.String, "role": pl.String, "required": pl.Boolean,
    "link": pl.UInt32, "source_link": pl.UInt32, "mode": pl.String, "sparkplug": pl.Boolean,
    "period": pl.Int64, "keepalive": pl.Int64, "publishing": pl.Int64,
}  # fmt: skip
_SETTING: Final = ["link", "session", "setting"]
_CLASS_MAX: Final = {
    "state": 60, "count_total": 60, "count_good": 60, "count_scrap": 60,
    "energy": 900, "energy_interval": 900,
}  # fmt: skip


def class_max_ns(role: str) -> int | None:
    """Return the longest period [ns] that counts for a role; None where there is no limit.

    Source: definitions 4.3 (state 60 s, count 60 s, energy 900 s).
    """
    seconds = _CLASS_MAX.get(role)
    return None if seconds is None else seconds * SECOND


def points_frame(plant: Plant) -> pl.DataFrame:
    """Return one row a point: tag, equipment, role, links, mode, periods [ns], capped by class."""

    def row(p: Point) -> tuple[object, ...]:
        cap = class_max_ns(p.role) or 2**62
        source_link = p.link if p.source_link is None else p.source_link
        return (
            p.tag, p.equipment, p.role, p.required, p.link, source_link, p.mode,
            p.protocol == "sparkplug", p.period_ms * MILLI, min(p.keepalive_ms * MILLI, cap),
            p.publishing_ms * MILLI,
        )  # fmt: skip

    return pl.DataFrame([row(p) for p in plant.points], schema=_POINTS, orient="row")


def is_good() -> pl.Expr:
    """Return True for a row that carries a good value."""
    return (
        (pl.col("kind") == Kind.VALUE)
        & (pl.col("status") < 1 << 30)
        & (pl.col("vtype") != VType.NULL)
        & ~unavailable().fill_null(False)
    )


def unavailable() -> pl.Expr:
    """Return True for MTConnect's word for no value; null for no text."""
    # A condition says "Unavailable|code|..." where a sample or event says "UNAVAILABLE".
    word = pl.col("text").str.to_uppercase()
    return (word == UNAVAILABLE) | word.str.starts_with(f"{UNAVAILABLE}|")


def has(*flags: Flag) -> pl.Expr:
    """Return True for a row with at least one of the flags."""
    return (pl.col("flags") & pl.lit(sum(flags), pl.UInt8)) != 0


def label() -> pl.Expr:
    """Return the raw value as text: the state's name or number; ``UNAVAILABLE`` if not good."""
    number = (
        pl.when(pl.col("value_f") == pl.col("value_f").round(0))
        .then(pl.col("value_f").cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.col("value_f").cast(pl.String))
    )
    shown = pl.coalesce("text", pl.col("value_i").cast(pl.String), number)
    return pl.when(is_good()).then(shown).otherwise(pl.lit(UNAVAILABLE)).fill_null(UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Readings:
    """The rows of one origin, made ready.

    Attributes:
        values: VALUE, SLOT and OVERFLOW rows of points, with the point's columns and ``good``,
            ``at`` (event time [ns]), ``slot`` (start of the poll slot [ns]; null if not polled),
            ``fresh`` (neither historical nor backfilled nor retained), sorted by tag, at, seq.
        links: Rows of link tags with ``at``, sorted the same way.
        offsets: ``link``, ``session``, ``setting`` (0 until the clock is set within the session),
            ``offset`` (receive minus source, median [ns]), ``since`` (first receive time [ns]).
        duplicates: Rows dropped.
        conflicts: Rows left out because another value had the same source time.
        delays: Delays of the rows that were read but not kept: ``since`` [ns], ``ms``, ``n``.
    """

    values: pl.DataFrame
    links: pl.DataFrame
    offsets: pl.DataFrame
    duplicates: int
    conflicts: int
    delays: pl.DataFrame


def readings(
    rows: pl.DataFrame, points: pl.DataFrame, lags: pl.DataFrame | None = None
) -> Readings:
    """Return the rows of ``rows`` that belong to ``points``, made ready.

    Args:
        rows: Rows, all or condensed, see :mod:`plantseal_kpi.rows.condense`.
        points: As :func:`points_frame`.
        lags: Lags of the rows left out; none if None.
    """
    rows = marked(rows)
    joined = rows.join(points, on="tag").filter(
        pl.col("kind").is_in([Kind.VALUE, Kind.SLOT, Kind.OVERFLOW])
    )
    judged = joined.with_columns(
        good=is_good(),
        polled=pl.col("mode") == "polled",
        fresh=~has(Flag.HISTORICAL, Flag.BACKFILLED, Flag.RETAINED)
        & ~(has(Flag.REDELIVERED) & pl.col("t_source").is_null()),
    )
    kept, duplicates, conflicts = _deduplicated(judged)
    links = _links(rows, points)
    placed, offsets, delays = _placed(
        kept, links, pl.DataFrame(schema=LAGS) if lags is None else lags
    )
    since = pl.when(pl.col("after").is_not_null()).then(pl.col("at").shift(1).over("tag"))
    ordered = placed.sort("tag", "at", "seq").with_columns(
        since=pl.coalesce(since, "at"),
        slot_since=pl.col("slot").shift(1).over("tag"),
        heard_since=pl.when(pl.col("after").is_not_null())
        .then(pl.col("heard").shift(1).over("tag")).otherwise("heard"),
    )  # fmt: skip
    return Readings(ordered, links, offsets, duplicates, conflicts, delays)


def _deduplicated(rows: pl.DataFrame) -> tuple[pl.DataFrame, int, int]:
    rest, distinct, first, asked = _once(rows)
    return (
        pl.concat([first, rest]),
        asked.height - distinct.height,
        distinct.height - first.height,
    )


def repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``seq`` and ``repeat`` of the rows that are left out: ``duplicate`` or ``conflict``.

    Args:
        rows: Rows with the columns of their points.
    """
    _, distinct, first, asked = _once(rows.with_columns(polled=pl.col("mode") == "polled"))
    seq = "seq"
    return pl.concat(
        [
            asked.select(seq).join(distinct.select(seq), on=seq, how="anti")
            .with_columns(repeat=pl.lit("duplicate")),
            distinct.select(seq).join(first.select(seq), on=seq, how="anti")
            .with_columns(repeat=pl.lit("conflict")),
        ]
    )  # fmt: skip


def _once(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return rows not asked, those asked without repeats, one a source time, all asked."""
    keyed = (
        (pl.col("kind") == Kind.VALUE)
        & ~pl.col("polled")
        & ~has(Flag.FIRST)
        & pl.col("t_source").is_not_null()
    )
    asked = rows.filter(keyed).sort("tag", "t_source", "t_receive", "seq", nulls_last=True)
    same = ["tag", "t_source", "status", "vtype", "value_i", "value_f", "text"]
    distinct = asked.unique(same, keep="first", maintain_order=True)
    first = distinct.unique(["tag", "t_source"], keep="first", maintain_order=True)
    return rows.filter(~keyed), distinct, first, asked


def _links(rows: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    tags = pl.concat([points["link"], points["source_link"]]).unique()
    death = (pl.col("kind") == Kind.DEATH) | (pl.col("kind") == Kind.GAP)
    early = pl.coalesce("t_source", "t_receive")
    late = pl.coalesce("t_receive", "t_source")
    return (
        rows.filter(pl.col("tag").is_in(tags.implode()))
        .with_columns(at=pl.when(death | (pl.col("kind") == Kind.SEQ_GAP)).then(early)
                      .otherwise(late))
        .filter(pl.col("at").is_not_null())
        .sort("tag", "at", "seq")
    )  # fmt: skip


def _placed(
    rows: pl.DataFrame, links: pl.DataFrame, lags: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    births = (
        links.filter(pl.col("kind") == Kind.BIRTH)
        .select(link="tag", born="at", order="seq")
        .sort("born", "order")
        .with_columns(session=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("link"))
        .drop("order")
    )
    in_session = _with_session(
        rows.with_columns(heard=pl.coalesce("t_receive", "t_source")), births
    )
    measured = in_session.filter(
        pl.col("good") & pl.col("fresh") & ~pl.col("polled") & ~has(Flag.FIRST)
        & pl.col("t_source").is_not_null() & pl.col("t_receive").is_not_null()
    )  # fmt: skip
    steps = clock_steps(measured)
    left_out = with_step(_with_session(lags.with_columns(heard="since"), births), steps)
    spread = pl.concat(
        [
            with_step(measured, steps).select(
                *_SETTING, "heard", n=pl.lit(1, pl.Int64),
                ms=(pl.col("t_receive") - pl.col("t_source")) // MILLI,
            ),
            left_out.filter(~pl.col("polled")).select(*_SETTING, "heard", "n", "ms"),
        ]
    )  # fmt: skip
    offsets = median_lags(spread)
    known = with_step(in_session, steps).join(offsets.drop("since"), on=_SETTING, how="left")
    timed = known.with_columns(at=_event_time(), slot=_slot_start()).with_columns(
        at=pl.when(pl.col("kind") == Kind.SLOT).then("slot").otherwise("at")
    )
    own_time = pl.col("t_source").is_not_null() & ~pl.col("polled") & (pl.col("kind") != Kind.SLOT)
    small = (pl.col("offset").abs() <= TRANSPORT).fill_null(False)
    held = held_up(offsets, with_step(measured, steps))
    timed = timed.join(held, on=_SETTING, how="left")
    as_sent = own_time & (small | pl.col("held_up").fill_null(False))
    happened = pl.when(as_sent).then("t_source").otherwise("at")
    asof = left_out.join(offsets.drop("since"), on=_SETTING, how="left")
    untrusted = (pl.col("offset").abs() > CLOCK_LIMIT) & ~pl.col("polled")
    delays = asof.select(
        since="heard", n="n", ms=pl.when(untrusted).then(0).when("polled").then("ms")
        .otherwise(pl.col("ms") - pl.col("offset") // MILLI),
    )  # fmt: skip
    return timed.with_columns(happened=happened).drop("held_up"), offsets, delays


def _with_session(rows: pl.DataFrame, births: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("heard").join_asof(
        births, left_on="heard", right_on="born", by="link", check_sortedness=False
    ).with_columns(pl.col("session").fill_null(0))  # fmt: skip


def median_lags(spread: pl.DataFrame) -> pl.DataFrame:
    """Return the clock offset of each session: the lower median of its lags in whole ms, in ns.

    Whole milliseconds (rounded down) make the median a matter of counting, so that days can be
    counted apart and put together; no source clock of a plant is better than that.

    Args:
        spread: ``link``, ``session``, ``setting``, ``heard`` [ns], ``ms``, ``n`` (how often).
    """
    counted = spread.group_by(*_SETTING, "ms").agg(
        n=pl.col("n").sum(), since=pl.col("heard").min()
    ).sort(*_SETTING, "ms")  # fmt: skip
    reached = pl.col("n").cum_sum().over(_SETTING)
    middle = (pl.col("n").sum().over(_SETTING) - 1) // 2
    median = counted.with_columns(
        past=reached > middle, since=pl.col("since").min().over(_SETTING)
    ).filter("past")  # fmt: skip
    return (
        median.group_by(_SETTING)
        .agg(offset=pl.col("ms").min() * MILLI, since=pl.col("since").min())
        .sort(_SETTING)
    )


def held_up(offsets: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """Return the settings whose lag is a backlog and no wrong clock, with ``held_up`` True.

    The clock was right in the session before or after, and the source times go on from one to the
    other: values that came late all together happened when their source says so.

    Args:
        offsets: As :func:`median_lags`.
        measured: ``link``, ``session``, ``setting``, ``t_source`` [ns] of fresh values.
    """
    spread = measured.group_by(_SETTING).agg(
        first=pl.col("t_source").min(), last=pl.col("t_source").max()
    )
    right = pl.col("offset").abs() <= TRANSPORT
    beside = right.shift(1).over("link").fill_null(False) | right.shift(-1).over("link").fill_null(
        False
    )
    goes_on = (pl.col("first") >= pl.col("last").shift(1).over("link")).fill_null(True) & (
        pl.col("last") <= pl.col("first").shift(-1).over("link")
    ).fill_null(True)
    return (
        offsets.join(spread, on=_SETTING)
        .sort(_SETTING)
        .filter((pl.col("offset") > TRANSPORT) & beside & goes_on)
        .select(*_SETTING, held_up=pl.lit(True))
    )


def _heard_now() -> pl.Expr:
    """Return True for a value whose moment is that of its receipt."""
    asked = (pl.col("polled") | has(Flag.FIRST)) & ~_kept_elsewhere()
    return asked | pl.col("t_source").is_null()


def _kept_elsewhere() -> pl.Expr:
    """Return True for a value that a store held back, so that its receipt says nothing of when.

    Values that claim to be from the future are not believed.
    """
    ahead = (pl.col("t_source") > pl.col("t_receive") + TRANSPORT).fill_null(False)
    return has(Flag.HISTORICAL, Flag.BACKFILLED) & pl.col("t_source").is_not_null() & ~ahead


def _event_time() -> pl.Expr:
    now = _heard_now()
    trusted = pl.col("offset").abs() <= CLOCK_LIMIT
    return (
        pl.when(pl.col("t_receive").is_null() | (_kept_elsewhere() & pl.col("offset").is_null()))
        .then("t_source")
        .when(now | ~trusted | trusted.is_null())
        .then("t_receive")
        .otherwise(pl.col("t_source") + pl.col("offset"))
    )


def _slot_start() -> pl.Expr:
    # src_seq holds the low 32 bits of the slot number; the receive time tells the rest.
    current = pl.col("t_receive") // pl.col("period")
    half = 2**31
    behind = (current - pl.col("src_seq").cast(pl.Int64) + half) % 2**32 - half
    a_day = 86_400 * SECOND // pl.col("period") + 1
    number = pl.when(behind.abs() <= a_day).then(current - behind).otherwise(current)
    is_slot = pl.col("polled") | (pl.col("kind") == Kind.SLOT)
    return pl.when(is_slot).then(number * pl.col("period"))
