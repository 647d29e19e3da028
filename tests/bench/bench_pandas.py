"""The same definitions in pandas, for a slice: what an analyst's notebook would do.

The rows lie in memory before the clock starts; DuckDB put them there.
"""

from typing import Any

import duckdb
import pandas as pd
import polars as pl
from bench_duckdb import plant_rows
from bench_files import Files
from bench_plant import DAY, SECOND, T0

BAD_FROM = 1 << 30
RETAINED, FIRST, STORED = 8, 32, 6
NEVER = 2**62  # a fill value, because a column with a null in it turns into floats


def load(made: Files) -> pd.DataFrame:
    """Return all rows, times as plain integers (``t`` is the receive time without a source time)."""
    paths = ", ".join(f"'{p}'" for p in made.paths)
    return duckdb.sql(f"""
        SELECT seq::BIGINT AS seq, tag::BIGINT AS tag, status::BIGINT AS status, t, has_source,
               t + d_receive AS t_receive, t + d_server AS t_server, src_seq::BIGINT AS src_seq,
               kind, vtype, flags, value_i, value_f
        FROM read_parquet([{paths}])""").df()


def daily(made: Files, rows: pd.DataFrame) -> pl.DataFrame:
    """Return one row a machine and day, in the columns of the SQL's last script."""
    given = {name: pd.DataFrame(r, columns=list(c)) for name, c, r in plant_rows(made)}
    points, planned, days = given["points"], given["planned"], given["days"]
    links = _links(rows, points)
    seen = _seen(rows, points, links)
    subscribed = seen[(seen["mode"] == "subscribed") & (seen["timely"] | ~seen["good"])]
    polled = seen[(seen["mode"] == "polled") & (seen["timely"] | ~seen["good"])]
    covered = pd.concat([
        _within(_polled_cover(polled, points, links), planned, ["machine"]),
        _within(_subscribed_cover(subscribed, points, links), planned, ["machine"]),
    ]).groupby(["machine", "number"])["ns"].sum()  # fmt: skip
    states = _states(seen, points, links, planned, given["state_map"], days)
    counted = _counted(seen, planned, days)
    required = (
        planned.assign(ns=planned["end_ns"] - planned["start_ns"])
        .groupby(["machine", "number"])["ns"]
        .sum()
    )
    out = given["machines"].merge(days[["number", "day"]], how="cross")
    index = pd.MultiIndex.from_frame(out[["machine", "number"]])
    columns = {"required_ns": required, "covered_ns": covered}
    for state in ("producing", "setup", "idle", "down"):
        columns[f"ns_{state}"] = states[states["state"] == state].set_index(["machine", "number"])[
            "ns"
        ]
    columns |= {name: counted[name] for name in ("made", "good", "energy_wh")}
    for name, values in columns.items():
        out[name] = values.reindex(index).fillna(0).astype("int64").to_numpy()
    known = out[["ns_producing", "ns_setup", "ns_idle", "ns_down"]].sum(axis=1)
    out["ns_unknown"] = out["required_ns"] - known
    return pl.DataFrame(
        {"equipment": out["name"].tolist(), "day": out["day"].tolist()}
        | {c: out[c].to_numpy() for c in (*columns, "ns_unknown")}
    ).sort("equipment", "day")


def _links(rows: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    links = rows[rows["tag"].isin(points["link"].unique())].copy()
    dated = links["kind"].isin([4, 6, 9])
    links["at"] = links["t"].where(dated, links["t_receive"])
    return links.rename(columns={"tag": "link"})[["link", "seq", "kind", "at"]]


def _seen(rows: pd.DataFrame, points: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    seen = rows[rows["kind"].isin([1, 2, 7])].merge(points, on="tag")
    seen["good"] = (seen["kind"] == 1) & (seen["status"] < BAD_FROM) & (seen["vtype"] != 0)
    first = (seen["flags"] & FIRST) != 0
    keyed = (seen["kind"] == 1) & (seen["mode"] != "polled") & ~first & seen["has_source"]
    single = (
        seen[keyed]
        .sort_values(["tag", "t", "t_receive", "seq"])
        .drop_duplicates(["tag", "t"], keep="first")
    )
    seen = pd.concat([single, seen[~keyed]])
    births = links[links["kind"] == 3].sort_values(["at", "seq"])
    births["session"] = births.groupby("link").cumcount() + 1
    seen = pd.merge_asof(
        seen.sort_values("t_receive"), births[["at", "link", "session"]],
        left_on="t_receive", right_on="at", by="link",
    ).drop(columns="at").fillna({"session": 0})  # fmt: skip
    first = (seen["flags"] & FIRST) != 0
    fresh = (seen["flags"] & (STORED | RETAINED)) == 0
    from_source = (seen["mode"] != "polled") & seen["has_source"]
    measured = seen[seen["good"] & fresh & from_source & ~first]
    lag = ((measured["t_receive"] - measured["t"]) // 10**6 * 10**6).groupby(
        [measured["link"], measured["session"]]
    )
    clock = lag.quantile(0.5, interpolation="lower").rename("clock").reset_index()
    spread = measured.groupby(["link", "session"])["t"].agg(["min", "max"]).reset_index()
    clock = clock.merge(spread, on=["link", "session"]).sort_values(["link", "session"])
    each = clock.groupby("link")
    right = clock["clock"].abs() <= 2 * SECOND
    beside = right.groupby(clock["link"])
    clock["held_up"] = (
        (clock["clock"] > 2 * SECOND)
        & (beside.shift(1, fill_value=False) | beside.shift(-1, fill_value=False))
        & ~(clock["min"] < each["max"].shift(1))
        & ~(clock["max"] > each["min"].shift(-1))
    )
    clock = clock.drop(columns=["min", "max"])
    seen = seen.merge(clock, on=["link", "session"], how="left")
    stored = (seen["flags"] & STORED) != 0
    now = (first & ~stored) | ~from_source | seen["clock"].isna()
    now |= seen["clock"].abs() > 300 * SECOND
    offset = seen["clock"].fillna(0).astype("int64")
    seen["at"] = seen["t_receive"].where(now, seen["t"] + offset)
    seen["at"] = seen["at"].mask(stored & seen["clock"].isna() & seen["has_source"], seen["t"])
    number = seen["t_receive"] // seen["period"]
    behind = (number - seen["src_seq"] + 2**31) % 2**32 - 2**31
    seen["at"] = seen["at"].mask(seen["kind"] == 2, (number - behind) * seen["period"])
    held_up = seen["held_up"] == True  # noqa: E712
    as_sent = from_source & ((seen["clock"].abs() <= 2 * SECOND) | held_up)
    seen["happened"] = seen["at"].mask(as_sent, seen["t"])
    delay = seen["t_receive"] - seen["at"]
    seen["timely"] = fresh & delay.between(-2 * SECOND, 60 * SECOND)
    return seen


def _polled_cover(seen: pd.DataFrame, points: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    events = seen[["tag", "machine", "at", "seq"]].assign(
        until=seen["at"] + seen["fresh"].where(seen["good"], 0)
    )
    mine = points[points["mode"] == "polled"][["tag", "machine", "link"]]
    ends = links[links["kind"].isin([4, 6, 9])].merge(mine, on="link")
    events = pd.concat(
        [events, ends[["tag", "machine", "at", "seq"]].assign(until=ends["at"])]
    ).sort_values(["tag", "at", "seq"])
    following = events.groupby("tag")["at"].shift(-1, fill_value=NEVER)
    events["end"] = events["until"].where(events["until"] < following, following)
    return events.rename(columns={"at": "start"})


def _islands(signs: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the spans in which signs of life (at, holds) follow each other; 0 holds: an end."""
    events = signs.drop_duplicates().sort_values(
        [key, "at", "holds"], ascending=[True, True, False]
    )
    following = events.groupby(key)["at"].shift(-1, fill_value=NEVER)
    until = events["at"] + events["holds"]
    events["end"] = until.where(until < following, following)
    events["opens"] = events.groupby(key)["end"].shift(1, fill_value=-1) != events["at"]
    events["island"] = events["opens"].cumsum()
    found = events.groupby("island").agg(
        **{key: (key, "first")}, start=("at", "first"), end=("end", "last")
    )
    return found[found["end"] > found["start"]].reset_index(drop=True)


def _signs(links: pd.DataFrame, holds: pd.Series, kinds: list[int], ends: list[int]) -> Any:
    lives = links[links["kind"].isin(kinds) & links["link"].isin(holds.index)]
    lives = lives[["link", "at"]].assign(holds=lives["link"].map(holds))
    dies = links[links["kind"].isin(ends)][["link", "at"]].assign(holds=0)
    return [lives, dies]


def _subscribed_cover(
    seen: pd.DataFrame, points: pd.DataFrame, links: pd.DataFrame
) -> pd.DataFrame:
    mine = points[points["mode"] == "subscribed"]
    ends = links[links["kind"].isin([4, 6, 9])].merge(mine[["tag", "link"]], on="link")
    events = pd.concat([
        seen[["tag", "at", "seq", "good"]].assign(whole=seen["kind"] != 7),
        ends[["tag", "at", "seq"]].assign(good=False, whole=True),
    ]).sort_values(["tag", "at", "whole", "seq"])  # fmt: skip
    turns = events[events["good"] != events.groupby("tag")["good"].shift(1)].copy()
    turns["end"] = turns.groupby("tag")["at"].shift(-1, fill_value=NEVER)
    known = turns[turns["good"].astype(bool)].rename(columns={"at": "start"})
    spoken = seen[seen["kind"] == 1]
    told = spoken[["at", "t_receive"]].min(axis=1)
    evidence = [
        pd.DataFrame({"link": spoken["link"], "at": at, "holds": spoken["fresh"]})
        for at in (told, spoken["t_receive"])
    ]
    holds = mine.groupby("link")["fresh"].first()
    alive = _islands(pd.concat(evidence + _signs(links, holds, [3, 5], [4, 6, 9])), "link")
    both = known.merge(mine[["tag", "machine", "link"]], on="tag").merge(
        alive, on="link", suffixes=("", "_alive")
    )
    return _clipped(both, "start_alive", "end_alive")


def _clipped(spans: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    spans = spans.assign(
        start=spans[["start", start]].max(axis=1), end=spans[["end", end]].min(axis=1)
    )
    return spans[spans["end"] > spans["start"]]


def _within(spans: pd.DataFrame, planned: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return ``ns`` of each span within each planned span that its days hold."""
    spans = spans[spans["end"] > spans["start"]]
    first, last = (spans["start"] - T0) // DAY, (spans["end"] - 1 - T0) // DAY
    short = spans[first == last].assign(number=first[first == last])
    found = [short.merge(planned, on=[*by, "number"]), spans[first != last].merge(planned, on=by)]
    both = _clipped(pd.concat(found), "start_ns", "end_ns")
    return both.assign(ns=both["end"] - both["start"])


def _states(
    seen: pd.DataFrame, points: pd.DataFrame, links: pd.DataFrame, planned: pd.DataFrame,
    mapped: pd.DataFrame, days: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    alive_rows = seen[seen["good"] & ((seen["flags"] & RETAINED) == 0)]
    told = alive_rows[["at", "t_receive"]].min(axis=1)
    evidence = pd.DataFrame({"link": alive_rows["link"], "at": told, "holds": alive_rows["stale"]})
    holds = points.groupby("link")["stale"].first()
    alive = _islands(pd.concat([evidence, *_signs(links, holds, [3, 5], [4, 6])]), "link")
    events = seen[(seen["role"] == "state") & (seen["kind"] != 7)].merge(
        mapped, left_on=["machine", "value_i"], right_on=["machine", "raw_value"], how="left"
    )
    events["state"] = events["state"].where(events["good"]).fillna("unknown")
    events = events.sort_values(["machine", "happened", "seq"])
    turns = events[events["state"] != events.groupby("machine")["state"].shift(1)].copy()
    end = int(days["end_ns"].max())
    turns["end"] = turns.groupby("machine")["happened"].shift(-1, fill_value=end)
    turns = turns[turns["state"] != "unknown"].rename(columns={"happened": "start"})
    both = turns[["machine", "link", "state", "start", "end"]].merge(
        alive, on="link", suffixes=("", "_alive")
    )
    times = _within(_clipped(both, "start_alive", "end_alive"), planned, ["machine"])
    return times.groupby(["machine", "number", "state"], as_index=False)["ns"].sum()


def _counted(seen: pd.DataFrame, planned: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    rows = seen[seen["good"] & seen["role"].isin(["count_total", "count_good", "energy"])]
    raw = rows["value_i"].astype("float64").fillna(rows["value_f"])
    rows = rows.assign(base=(raw * rows["factor"]).round().astype("int64"))
    rows = rows.sort_values(["tag", "happened", "seq"])
    nonzero = rows["base"].where(rows["base"] != 0)
    before = nonzero.groupby(rows["tag"]).ffill()
    after = nonzero.groupby(rows["tag"]).bfill()
    rows = rows[~((rows["base"] == 0) & (after >= before))]
    by_tag = rows.groupby("tag")
    rows = rows.assign(
        before=by_tag["happened"].shift(1, fill_value=NEVER),
        previous=by_tag["base"].shift(1, fill_value=0),
    )
    rows = rows[rows["before"] != NEVER]
    rise, elapsed = rows["base"] - rows["previous"], rows["happened"] - rows["before"]
    most = (rows["rate"].astype("float64") * elapsed // 3_600_000_000_000) + rows["step"]
    end = rows["register_max"].astype("float64")
    rolled = rise + end
    ends = (rows["previous"] * 10 > end * 9) & (rows["base"] * 10 < end) & ~(rolled > most)
    delta = rise.where((rise >= 0) & ~(rise > most)).fillna(rolled.where((rise < 0) & ends))
    number = (rows["happened"] - 1 - T0) // DAY
    rows = rows.assign(delta=delta.fillna(0), number=number)
    rows = rows.merge(days[["number", "start_ns"]], on="number")
    unordinary = ((rows["flags"] & FIRST) != 0).where(
        rows["mode"] == "subscribed", rows["happened"] - rows["before"] > 2 * rows["period"]
    )
    rows = rows[~((rows["before"] < rows["start_ns"]) & unordinary)].drop(columns="start_ns")
    pieces = rows[rows["role"] != "energy"].merge(planned, on=["machine", "number"])
    inside = (pieces["happened"] > pieces["start_ns"]) & (pieces["happened"] <= pieces["end_ns"])
    used = pd.concat([pieces[inside], rows[rows["role"] == "energy"]])
    sums = used.groupby(["machine", "number", "role"])["delta"].sum().unstack("role")
    return sums.rename(columns={"count_total": "made", "count_good": "good", "energy": "energy_wh"})
