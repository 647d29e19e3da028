"""The operator holds the key and mends every list and signature; the rows still tell.

Last, what only an external anchor would show is asserted as such.
"""

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plantseal_testing_bundle import Entry, Forger, sealed

from plantseal import canonical, keys
from plantseal.evidence import format as names
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.definitions import SOFTWARE
from plantseal.evidence.verify import Policy, Verification, verify

Change = Callable[[Forger], Any]


def judged(forger: Forger, decoder: Decoder) -> Verification:
    return verify(forger.root, Policy([forger.signer.vkey]), decoder=decoder)


def codes(found: Verification) -> set[str]:
    return {str(f.code) for s in found.steps for f in s.findings} - {"note"}


def some(forger: Forger, pattern: str) -> str:
    return sorted(p.relative_to(forger.root).as_posix() for p in forger.root.glob(pattern))[0]


def drop(forger: Forger, name: str) -> None:
    forger.path(name).unlink()


def add(forger: Forger, name: str, data: bytes = b"x") -> None:
    forger.path(name).parent.mkdir(parents=True, exist_ok=True)
    forger.path(name).write_bytes(data)


def test_a_foreign_key_is_named_and_refused_where_the_origin_is_pinned(
    forger: Forger, stranger: keys.Signer, decoder: Decoder
) -> None:
    pinned = forger.signer.vkey
    forger.signer = stranger
    forger.rewrite_log(lambda entries: entries[0].update(vkey=stranger.vkey))
    found = verify(forger.root, Policy([pinned]), decoder=decoder)
    assert found.exit_code == 6
    assert {"E202", "E203"} <= codes(found)
    said = str(found.steps[3].findings)
    assert pinned in said
    assert stranger.vkey in said
    # who has pinned nothing sees a bundle in order, by somebody unknown
    assert verify(forger.root, Policy(), decoder=decoder).exit_code == 7


def test_a_foreign_key_over_the_owners_log_is_refused_by_everybody(
    forger: Forger, stranger: keys.Signer, decoder: Decoder
) -> None:
    forger.signer = stranger
    forger.resign()
    found = verify(forger.root, Policy(), decoder=decoder)
    assert found.exit_code == 6
    assert "E203" in codes(found)


def rewrite(forger: Forger, name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(forger.path(name))).write_parquet(forger.path(name))


def one_more(frame: pl.DataFrame) -> pl.DataFrame:
    part = pl.col("seq") == pl.col("seq").filter(pl.col("value_i") > 3).max()
    return frame.with_columns(
        pl.when(part).then(pl.col("value_i") + 1).otherwise("value_i").alias("value_i")
    )


def alter_sample(forger: Forger) -> None:
    rewrite(forger, forger.segments()[1], one_more)
    forger.resign()


def alter_sample_and_segment_entry(forger: Forger) -> None:
    rewrite(forger, forger.segments()[1], one_more)
    forger.log_file(forger.segments()[1])


def drop_rows(forger: Forger) -> None:
    rewrite(forger, forger.segments()[1], lambda f: f.head(f.height - 10))
    forger.log_file(forger.segments()[1])


def double_rows(forger: Forger) -> None:
    rewrite(forger, forger.segments()[1], lambda f: pl.concat([f.tail(f.height - 1), f.tail(1)]))
    forger.log_file(forger.segments()[1])


def other_columns(forger: Forger) -> None:
    rewrite(forger, forger.segments()[1], lambda f: f.drop("flags"))
    forger.log_file(forger.segments()[1])


def null_tags(forger: Forger) -> None:
    rewrite(
        forger, forger.segments()[1],
        lambda f: f.with_columns(pl.lit(None, dtype=pl.UInt32).alias("tag")).select(f.columns),
    )  # fmt: skip
    forger.log_file(forger.segments()[1])


def drop_segment(forger: Forger) -> None:
    drop(forger, forger.segments()[1])
    forger.resign()


def drop_segment_and_its_entry(forger: Forger) -> None:
    name = forger.segments()[1]
    drop(forger, name)
    forger.rewrite_log(lambda es: [e for e in es if f"data/{e.get('path')}" != name])


def drop_blocks(forger: Forger) -> None:
    forger.rewrite_log(
        lambda es: [e for i, e in enumerate(es) if e["t"] != "block" or i != blocks(es)[1]]
    )


def blocks(entries: list[Entry]) -> list[int]:
    return [i for i, e in enumerate(entries) if e["t"] == "block"]


def drop_texts(forger: Forger) -> None:
    drop(forger, some(forger, "data/texts/*"))
    forger.resign()


def other_texts(forger: Forger) -> None:
    forger.edit(some(forger, "data/texts/*"), lambda b: b.replace(b"IDLE", b"RUN!"))
    forger.resign()


def alter_configuration(forger: Forger) -> None:
    forger.edit(some(forger, "data/config/*"), lambda b: b.replace(b'"18"', b'"19"'))
    forger.resign()


def another_configuration(forger: Forger) -> None:
    """The best of two configurations, slipped in without an entry."""
    old = some(forger, "data/config/*")
    body = json.loads(forger.path(old).read_bytes())
    body["plant"]["equipment"][0]["ideal_cycle_s"] = "36"
    data = canonical.dumps(body)
    digest = hashlib.sha256(data).hexdigest()
    add(forger, f"data/config/{digest}.json", data)
    forger.resign(lambda s: s["predicate"].update(config_sha256=digest))


def figure(forger: Forger, change: Callable[[Any], None]) -> None:
    """Edit the report, and everything that quotes it."""
    forger.edit_json(names.REPORT, change)
    digest = hashlib.sha256(forger.path(names.REPORT).read_bytes()).hexdigest()

    def quote(entries: list[Entry]) -> None:
        for entry in entries:
            if "report_sha256" in entry:
                entry["report_sha256"] = digest

    forger.rewrite_log(quote)
    forger.resign(lambda s: s["predicate"].update(report_sha256=digest))


def better_verdict(report: Any) -> None:
    for verdict in report["verdicts"]:
        verdict["outcome"] = "PASS"


def better_figure(report: Any) -> None:
    next(r for r in report["results"] if r["metric"] == "oee")["value"] = "0.999"


def page_says_more(forger: Forger) -> None:
    forger.edit(names.REPORT_PAGE, lambda b: b.replace(b"<h1>", b"<h1>A+ "))
    forger.resign()


def other_formula(forger: Forger) -> None:
    forger.edit_json(names.DEFINITIONS, lambda d: d["metrics"][0].update(version=9))
    forger.resign()


def old_software(forger: Forger) -> None:
    other_formula(forger)
    forger.edit_json("data/env.json", lambda e: e.update(software="plantseal 0.0.9"))
    forger.edit(names.BAG_INFO, lambda b: b.replace(SOFTWARE.encode(), b"plantseal 0.0.9"))
    forger.resign(lambda s: s["predicate"].update(software="plantseal 0.0.9"))


def chain_broken(forger: Forger) -> None:
    lines = forger.path(names.ENTRIES).read_bytes().splitlines()
    del lines[2]
    forger.path(names.ENTRIES).write_bytes(b"".join(x + b"\n" for x in lines))
    forger.resign()


def period_moved(forger: Forger) -> None:
    forger.resign(lambda s: s["predicate"]["period"].update(end="2026-03-02T00:05:00+00:00"))


def clock_of(index: int, ns: int) -> Change:
    def change(entries: list[Entry]) -> None:
        entry = entries[blocks(entries)[index]]
        entry["boot_ns"] = str(int(entry["boot_ns"]) + ns)

    return lambda forger: forger.rewrite_log(change)


def config_moved(forger: Forger) -> None:
    def change(entries: list[Entry]) -> list[Entry]:
        config = next(e for e in entries if e["t"] == "config")
        rest = [e for e in entries if e is not config]
        at = blocks(rest)[0] + 1
        return [*rest[:at], config, *rest[at:]]

    forger.rewrite_log(change)


def run_ends(rows: int) -> Change:
    def change(entries: list[Entry]) -> None:
        next(e for e in entries if e["t"] == "kpi_run")["rows"] = str(rows)

    return lambda forger: forger.rewrite_log(change)


def rows_left_out(forger: Forger) -> None:
    sealed_rows = [int(e["seq0"]) for e in forger.entries() if e["t"] == "segment"]
    run_ends(sealed_rows[-1])(forger)


def huge_numbers(forger: Forger) -> None:
    def change(entries: list[Entry]) -> None:
        for entry in entries:
            if entry["t"] in ("block", "segment"):
                entry["n"] = str(2**62)

    forger.rewrite_log(change)


def unlisted(forger: Forger) -> None:
    add(forger, "data/segments/000099.parquet", forger.path(forger.segments()[0]).read_bytes())
    forger.resign()


def unknown_kind(forger: Forger) -> None:
    add(forger, "data/notes.txt")
    forger.resign()


def long_text(forger: Forger) -> None:
    forger.edit(some(forger, "data/texts/*"), lambda b: struct.pack("<L", 2**32 - 1) + b[4:])
    forger.resign()


WITH_KEY: dict[str, tuple[Change, int, str]] = {
    "sample altered": (alter_sample, 6, "E603"),
    "sample and segment entry altered": (alter_sample_and_segment_entry, 6, "E603"),
    "rows dropped from a segment": (drop_rows, 6, "E602"),
    "rows doubled": (double_rows, 6, "E605"),
    "columns removed": (other_columns, 6, "E601"),
    "nulls for tags": (null_tags, 6, "E601"),
    "segment dropped": (drop_segment, 6, "E803"),
    "segment and its entry dropped": (drop_segment_and_its_entry, 6, "E406"),
    "block entry dropped": (drop_blocks, 6, "E406"),
    "texts dropped": (drop_texts, 6, "E803"),
    "texts exchanged": (other_texts, 6, "E603"),
    "text length beyond the file": (long_text, 6, "E603"),
    "configuration altered": (alter_configuration, 6, "E701"),
    "configuration without an entry": (another_configuration, 6, "E701"),
    "verdict edited": (lambda f: figure(f, better_verdict), 6, "E802"),
    "figure edited": (lambda f: figure(f, better_figure), 6, "E802"),
    "page says more": (page_says_more, 6, "E802"),
    "formula exchanged": (other_formula, 6, "E303"),
    "formulas of another version": (old_software, 8, "E801"),
    "log entry removed, chain not mended": (chain_broken, 6, "E407"),
    "period moved": (period_moved, 6, "E303"),
    "boot clock goes back": (clock_of(-1, -(10**15)), 6, "E503"),
    "wall clock stepped": (clock_of(-1, 10**13), 0, "E505"),
    "absurd counts": (huge_numbers, 6, "E602"),
    "segment unknown to the log": (unlisted, 6, "E102"),
    "file of an unknown kind": (unknown_kind, 6, "E102"),
    "origin renamed": (
        lambda f: f.resign(lambda s: s["predicate"].update(origin="site-8")), 6, "E405",
    ),
    "tree enlarged": (
        lambda f: f.resign(lambda s: s["predicate"]["tree"].update(size="99")), 6, "E401",
    ),
    "configuration entry moved": (config_moved, 6, "E702"),
    "last segment left out of the report": (rows_left_out, 6, "E606"),
    "run ends amid a segment": (run_ends(7), 6, "E602"),
    "export entry removed": (
        lambda f: f.rewrite_log(lambda es: [e for e in es if e["t"] != "export"]), 6, "E303",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WITH_KEY)
def test_with_the_key_the_rows_still_tell(forger: Forger, what: str, decoder: Decoder) -> None:
    change, exit_code, code = WITH_KEY[what]
    change(forger)
    found = judged(forger, decoder)
    assert code in codes(found), found.to_json()
    assert found.exit_code == exit_code, found.to_json()


def test_an_edited_figure_is_named_with_both_values(forger: Forger, decoder: Decoder) -> None:
    figure(forger, better_figure)
    said = [f.message for f in judged(forger, decoder).steps[13].findings]
    assert any("oee/" in m and "'0.999'" in m and "recomputed" in m for m in said), said


def test_an_altered_sample_is_named_with_its_time(forger: Forger, decoder: Decoder) -> None:
    alter_sample(forger)
    said = [f.message for f in judged(forger, decoder).steps[10].findings if f.code == "E603"]
    assert len(said) == 1
    assert "received 2026-03-02T00:06:00.020Z to 2026-03-02T00:07:59.020Z" in said[0]


def test_rows_left_out_before_the_log_was_made_leave_a_hole(
    tmp_path: Path, decoder: Decoder
) -> None:
    """A key holder who makes the whole log anew must still account for every slot."""
    bundle, signer = sealed(tmp_path, withhold=(130, 140))
    found = verify(bundle.path, Policy([signer.vkey]), decoder=decoder)
    assert found.exit_code == 8
    assert found.rungs["INTACT"] == found.rungs["REPRODUCED"] == "PASS"
    assert codes(found) == {"E607"}
    assert "2026-03-02T00:02:10.000Z" in str(found.steps[11].findings)


def test_a_history_made_anew_is_reported_as_beyond_proof(tmp_path: Path, decoder: Decoder) -> None:
    """Without an anchor the key holder can invent a whole store; the verifier says so in words."""
    bundle, signer = sealed(tmp_path, invented=1)
    found = verify(bundle.path, Policy([signer.vkey]), decoder=decoder)
    assert found.exit_code == 0
    assert found.rungs["ANCHORED"] == "NOT CHECKED"
    assert any("anchor" in sentence for sentence in found.not_proven["en"])
    demanding = Policy([signer.vkey], {"anchored": True})
    assert verify(bundle.path, demanding, decoder=decoder).exit_code == 8
