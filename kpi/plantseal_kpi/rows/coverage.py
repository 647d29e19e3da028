"""Time covered by evidence of life, by kind of acquisition (definitions 4.2 and 4.3).

Polled and cyclic points: each good value covers the freshness limit F after it, cut short by the
next bad value, lost slot, overflow or loss of the session. Subscribed points and Sparkplug: the
time in which the last thing heard of the point was good *and* its session lived; silence then
means no change. A gap of the gateway itself covers nothing.
"""

import polars as pl

from plantseal_kpi import intervals
from plantseal_kpi.rows.readings import SECOND, Readings, has
from plantseal_kpi.schema import Flag, Kind

EARLY_NS = 2 * SECOND
"""A value may seem to come from the future by so much (jitter of the clock offset)."""
_FOREVER = 2**62


def freshness(acquired: str = "mode") -> pl.Expr:
    """Return F, how long one piece of evidence holds [ns].

    1.1 periods where the point is polled or published in a cycle; 1.1 keep-alive intervals plus
    one publishing interval for a subscription: some stacks send the first keep-alive late.
    """
    subscribed = pl.col("keepalive") * 11 // 10 + pl.col("publishing")
    return (
        pl.when(pl.col(acquired) == "subscribed")
        .then(subscribed)
        .otherwise(pl.min_horizontal("period", pl.col("cap")) * 11 // 10)
    )


def timely(limit_ns: int) -> pl.Expr:
    """Return True for a value that arrived within ``limit_ns`` of its event time."""
    delay = pl.col("t_receive") - pl.col("at")
    return pl.col("fresh") & delay.is_between(-EARLY_NS, limit_ns)


def covered(seen: Readings, points: pl.DataFrame, limit_ns: int | None) -> pl.DataFrame:
    """Return the spans (tag, start, end) [ns] in which each point is covered.

    Args:
        seen: Rows made ready.
        points: As :func:`plantseal_kpi.rows.readings.points_frame`.
        limit_ns: L_rt [ns]; None accepts late, historical and backfilled values too
            (completeness).
    """
    in_time = pl.lit(True) if limit_ns is None else timely(limit_ns)
    values = seen.values.filter(in_time | ~pl.col("good")).with_columns(_limits())
    lines = _lines(points)
    steady = (pl.col("mode") == "subscribed") | pl.col("sparkplug")
    cyclic = _cyclic(values.filter(~steady), _endings(seen.links, lines.filter(~steady)))
    known = _known_good(values.filter(steady), _endings(seen.links, lines.filter(steady)))
    alive = pl.concat(
        [
            _subscribed_alive(values, seen.links, lines),
            _sparkplug_alive(values, seen.links, lines),
        ]
    )
    both = pl.concat([cyclic, intervals.intersect(known, alive, ["tag"])])
    whole = intervals.subtract(both, _gaps(seen.links, lines), ["tag"])
    bound = _with_heartbeat(points)
    if not len(bound):
        return whole
    beats = beating(seen, points).join(points.select("tag", "equipment"), on="equipment")
    beating_too = intervals.intersect(whole, beats.select("tag", "start", "end"), ["tag"])
    free = whole.filter(~pl.col("tag").is_in(bound.implode()))
    return pl.concat([free, beating_too]).sort("tag", "start")


def _with_heartbeat(points: pl.DataFrame) -> pl.Series:
    """Return the tags of machines that have a heartbeat."""
    machines = points.filter(pl.col("role") == "heartbeat").select("equipment").unique()
    return points.join(machines, on="equipment")["tag"]


def beating(seen: Readings, points: pl.DataFrame) -> pl.DataFrame:
    """Return the spans (equipment, start, end) [ns] in which each heartbeat went on toggling.

    A good value that differs from the good one before it holds for the freshness limit; a frozen
    gateway that repeats the last value proves nothing. A bad value ends it.

    Source: definitions 4.1, row "stuck value"; 4.5, "frozen gateway repeating values".
    """
    values = seen.values.filter(pl.col("role") == "heartbeat").with_columns(_limits())
    value = pl.struct("vtype", "value_i", "value_f", "text")
    good = values.filter("good").with_columns(
        toggled=value.ne_missing(value.shift(1).over("tag"))
        & pl.col("at").shift(1).over("tag").is_not_null(),
        fresh_ns=freshness(),
    )
    cuts = values.filter(~pl.col("good"))
    spans = _cut(good.filter("toggled").with_columns(since="at"), cuts, "tag")
    named = spans.join(points.select("tag", "equipment"), on="tag")
    return intervals.union(named.select("equipment", "start", "end"), ["equipment"])


def _limits() -> list[pl.Expr]:
    return [_cap().alias("cap")]


def _cap() -> pl.Expr:
    counts = pl.col("role").is_in(["state", "count_total", "count_good", "count_scrap"])
    energy = pl.col("role").is_in(["energy", "energy_interval"])
    return pl.when(counts).then(60 * SECOND).when(energy).then(900 * SECOND).otherwise(_FOREVER)


def _lines(points: pl.DataFrame) -> pl.DataFrame:
    """Return each point once per link tag that speaks for it, with its freshness limit."""
    own = points.with_columns(heard_on=pl.col("link"))
    root = points.filter(pl.col("source_link") != pl.col("link")).with_columns(
        heard_on=pl.col("source_link")
    )
    return pl.concat([own, root]).with_columns(_limits()).with_columns(fresh_ns=freshness())


def _on_points(links: pl.DataFrame, lines: pl.DataFrame, kinds: list[Kind]) -> pl.DataFrame:
    chosen = links.filter(pl.col("kind").is_in(kinds)).select(
        pl.col("tag").alias("heard_on"), "at", "seq", "kind", "t_source", "t_server"
    )
    return lines.join(chosen, on="heard_on")


def _endings(links: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Return (tag, at, seq) of what ends a session: death, gap, jump of the source's counter."""
    return _on_points(links, lines, [Kind.DEATH, Kind.GAP, Kind.SEQ_GAP]).select("tag", "at", "seq")


def _gaps(links: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    return _on_points(links, lines, [Kind.GAP]).select("tag", start="at", end="t_server")


def silences(seen: Readings, points: pl.DataFrame) -> pl.DataFrame:
    """Return spans (tag, reason, start, end) [ns] in which something is known to have been amiss.

    ``gateway_gap``, ``session_lost`` (death to birth), ``no_answer``, ``overflow`` and ``bad_value``
    (until the next row of the tag); they may overlap. They explain time that :func:`covered` lacks.
    """
    lines = _lines(points)
    columns = ["tag", "reason", "start", "end"]
    turns = _on_points(seen.links, lines, [Kind.DEATH, Kind.BIRTH])
    following = pl.col("at").shift(-1, fill_value=_FOREVER)
    lost = turns.sort("tag", "heard_on", "at", "seq").with_columns(
        start="at", end=following.over("tag", "heard_on"), reason=pl.lit("session_lost")
    )
    kind = pl.col("kind")
    why = (
        pl.when(kind == Kind.SLOT).then(pl.lit("no_answer"))
        .when(kind == Kind.OVERFLOW).then(pl.lit("overflow")).otherwise(pl.lit("bad_value"))
    )  # fmt: skip
    bad = seen.values.with_columns(start="at", end=following.over("tag"), reason=why)
    return pl.concat(
        [
            _gaps(seen.links, lines).with_columns(reason=pl.lit("gateway_gap")).select(columns),
            lost.filter(kind == Kind.DEATH).select(columns),
            bad.filter(~pl.col("good")).select(columns),
        ]
    )


def _cut(evidence: pl.DataFrame, cuts: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return spans [since, at + fresh_ns) of ``evidence``, each ended by the next cut of its key."""
    columns = [by, "at", "seq"]
    events = pl.concat(
        [
            evidence.select(
                *columns, "since", until=pl.col("at") + pl.col("fresh_ns"), cut=pl.lit(False)
            ),
            cuts.select(
                *columns,
                since=pl.lit(None, pl.Int64),
                until=pl.lit(None, pl.Int64),
                cut=pl.lit(True),
            ),
        ]
    ).sort(by, "at", "seq", "cut")
    next_cut = pl.when("cut").then("at").backward_fill().over(by)
    return (
        events.with_columns(next_cut=next_cut)
        .filter(~pl.col("cut"))
        .select(by, start="since", end=pl.min_horizontal("until", "next_cut"))
    )


def _by_receipt(at: str = "at", heard: str = "t_receive") -> pl.Expr:
    """Return the moment of a sign of life: at the latest that of its receipt.

    The clock offset is a median; a value that came faster than it would otherwise be dated after its
    receipt, and one received before an outage would speak for the outage.
    """
    return pl.min_horizontal(at, pl.coalesce(heard, at))


def _began() -> pl.Expr:
    """Return since when a value speaks for its tag: the first row of its stretch, by receipt."""
    return _by_receipt("since", "heard_since").alias("since")


def _cyclic(values: pl.DataFrame, endings: pl.DataFrame) -> pl.DataFrame:
    evidence = values.filter("good").with_columns(fresh_ns=freshness())
    cuts = pl.concat([values.filter(~pl.col("good")).select("tag", "at", "seq"), endings])
    return intervals.union(_cut(evidence, cuts, "tag"), ["tag"])


def _known_good(values: pl.DataFrame, endings: pl.DataFrame) -> pl.DataFrame:
    """Return the spans in which the last thing heard of each point was a good value."""
    # An overflow lost older values; the newest one, in its own row, stands after it.
    heard = pl.concat(
        [
            values.select("tag", "at", "seq", "good", whole=pl.col("kind") != Kind.OVERFLOW),
            endings.select("tag", "at", "seq", good=pl.lit(False), whole=pl.lit(True)),
        ]
    ).sort("tag", "at", "whole", "seq")
    return heard.select(
        "tag", "good", start="at", end=pl.col("at").shift(-1, fill_value=_FOREVER).over("tag")
    ).filter("good").drop("good")  # fmt: skip


def _subscribed_alive(
    values: pl.DataFrame, links: pl.DataFrame, lines: pl.DataFrame
) -> pl.DataFrame:
    """Return the spans in which each subscription was heard from within its freshness limit.

    A notification resets the keep-alive counter of its whole subscription, so a value of one tag
    is evidence for the silent tags beside it. A subscription is known by link and intervals.
    """
    mine = lines.filter(pl.col("mode") == "subscribed")
    subscription = ["link", "keepalive", "publishing"]
    spoken = values.filter((pl.col("mode") == "subscribed") & (pl.col("kind") == Kind.VALUE))
    told = spoken.select(*subscription, _began(), at=_by_receipt(), seq="seq")
    now = spoken.select(
        *subscription, since="heard_since", at=pl.coalesce("t_receive", "at"), seq="seq"
    )
    heard = _on_points(links, mine, [Kind.BIRTH, Kind.KEEPALIVE]).select(
        *subscription, since="at", at="at", seq="seq"
    )
    evidence = (
        pl.concat([told, now, heard])
        .group_by(*subscription, "at")
        .agg(pl.col("since").min(), pl.col("seq").max())
    )
    limits = mine.select(*subscription, "fresh_ns").unique(subscription, keep="any")
    key = mine.select(subscription).unique(maintain_order=True).with_row_index("line")
    cuts = _on_points(links, mine, [Kind.DEATH, Kind.GAP, Kind.SEQ_GAP]).select(
        *subscription, "at", "seq"
    ).unique()  # fmt: skip
    timed = evidence.join(limits, on=subscription).join(key, on=subscription)
    alive = intervals.union(_cut(timed, cuts.join(key, on=subscription), "line"), ["line"])
    tags = mine.select("tag", *subscription).unique().join(key, on=subscription)
    return alive.join(tags, on="line").select("tag", "start", "end")


def _sparkplug_alive(
    values: pl.DataFrame, links: pl.DataFrame, lines: pl.DataFrame
) -> pl.DataFrame:
    """Return the spans from birth to death of each Sparkplug point, contiguous ones only.

    A death is dated to the moment its row says, at the earliest the last message. Without a
    death, the session is believed for 1.5 keep-alives after the last message.

    Source: Sparkplug 3.0, 5 (session state); MQTT 5.0, 3.1.2.10 (one and a half keep-alives).
    """
    mine = lines.filter(pl.col("sparkplug"))
    spoken = values.filter(pl.col("sparkplug") & (pl.col("kind") == Kind.VALUE))
    said = spoken.select("link", at=pl.coalesce("t_receive", "at")).unique()
    messages = mine.select("tag", "link", "keepalive").unique().join(said, on="link")
    columns = ["tag", "at", "keepalive", "kind", "dated", "rank"]
    marks = _on_points(links, mine, [Kind(k) for k in _RANK if k != Kind.VALUE])
    # A birth of the source itself is the gateway's session with the broker: it says nothing of
    # the device, whose own birth must follow.
    rank = (
        pl.when((pl.col("kind") == Kind.BIRTH) & (pl.col("heard_on") != pl.col("link")))
        .then(0)
        .otherwise(pl.col("kind").replace_strict(_RANK, return_dtype=pl.Int64))
        .cast(pl.Int64)
    )
    events = pl.concat(
        [
            messages.with_columns(
                kind=pl.lit(int(Kind.VALUE), pl.UInt8),
                dated=pl.lit(True),
                rank=pl.lit(_RANK[Kind.VALUE], pl.Int64),
            ).select(columns),
            marks.with_columns(dated=pl.col("t_source").is_not_null(), rank=rank).select(columns),
        ]
    ).sort("tag", "at", "rank", "kind")
    # Before the first birth or death in sight the session was open: it was born before the rows.
    turn = (
        pl.when(pl.col("rank") == 0)
        .then(False)
        .when(pl.col("kind") == Kind.BIRTH)
        .then(True)
        .forward_fill()
        .over("tag")
        .fill_null(True)
    )
    return (
        events.with_columns(open=turn, end=_sparkplug_end())
        .filter("open")
        .select("tag", start="at", end="end")
    )


def _sparkplug_end() -> pl.Expr:
    """Return until when a session is believed after each message."""
    patience = pl.col("keepalive") * 3 // 2
    following = pl.col("at").shift(-1).over("tag")
    kind = pl.col("kind").shift(-1).over("tag")
    dated = pl.col("dated").shift(-1).over("tag")
    return (
        pl.when(following.is_null())
        .then(pl.col("at") + patience)
        .when((kind == Kind.SEQ_GAP) & ~dated)
        .then("at")
        .when((kind == Kind.DEATH) & ~dated)
        .then(pl.max_horizontal("at", following - patience))
        .otherwise(following)
    )


_RANK = {
    int(Kind.VALUE): 1, int(Kind.KEEPALIVE): 1, int(Kind.BIRTH): 2,
    int(Kind.DEATH): 0, int(Kind.GAP): 0, int(Kind.SEQ_GAP): 0,
}  # fmt: skip


def equipment_alive(seen: Readings, points: pl.DataFrame, stale: pl.DataFrame) -> pl.DataFrame:
    """Return the spans (equipment, start, end) [ns] in which each machine gave signs of life.

    Any good value of any of its tags at its own time, a birth or a keep-alive is a sign; a value
    that a broker retained is none. It holds for the machine's ``stale`` time [ns]; a death or a gap
    ends it. Where ``stale`` is null (recorded event logs) the machine counts as alive from its first
    to its last record.

    Args:
        seen: Rows made ready.
        points: As :func:`plantseal_kpi.rows.readings.points_frame`.
        stale: Columns ``equipment`` and ``fresh_ns``.
    """
    lines = _lines(points).drop("fresh_ns")
    links = _on_points(seen.links, lines, [Kind.BIRTH, Kind.KEEPALIVE])
    ends = _on_points(seen.links, lines, [Kind.DEATH, Kind.GAP])
    signs = pl.concat(
        [
            seen.values.filter(pl.col("good") & ~has(Flag.RETAINED)).select(
                "equipment", _began(), at=_by_receipt(), seq="seq"
            ),
            links.select("equipment", since="at", at="at", seq="seq"),
        ]
    ).join(stale, on="equipment")
    cuts = ends.select("equipment", "at", "seq").unique()
    limited = _cut(signs.filter(pl.col("fresh_ns").is_not_null()), cuts, "equipment")
    records = seen.values.join(stale.filter(pl.col("fresh_ns").is_null()), on="equipment")
    whole = records.group_by("equipment").agg(start=pl.col("at").min(), end=pl.col("at").max())
    all_signs = intervals.union(pl.concat([limited, whole]), ["equipment"])
    bound = points.filter(pl.col("role") == "heartbeat")["equipment"].unique()
    free = all_signs.filter(~pl.col("equipment").is_in(bound.implode()))
    beats = intervals.intersect(all_signs, beating(seen, points), ["equipment"])
    return pl.concat([free, beats]).sort("equipment", "start")
