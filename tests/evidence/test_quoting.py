"""What an operator may choose and quote, not forge: configuration, extent, period, the papers beside.

Everything is signed anew with the key; the log or the rows still say otherwise, or the reader is told.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plantseal_testing_bundle import (
    ORIGIN,
    SECOND,
    START,
    START_NS,
    Entry,
    Forger,
    make_store,
)

from plantseal import canonical, keys
from plantseal.evidence import format as names
from plantseal.evidence.decoding import Decoder
from plantseal.evidence.seal import SealError, seal
from plantseal.evidence.verify import Policy, Verification, verify
from plantseal_kpi.plant import Period

Change = Callable[[Forger], Any]


def judged(forger: Forger, decoder: Decoder) -> Verification:
    return verify(forger.root, Policy([forger.signer.vkey]), decoder=decoder)


def codes(found: Verification) -> set[str]:
    return {f.code for s in found.steps for f in s.findings} - {"note"}


def reconfigure(
    forger: Forger, change: Callable[[Any], None], filed: Callable[[Any], None] = lambda body: None
) -> None:
    """Log another configuration just before the run, and file it, altered by ``filed``.

    The figures are left as they are: the tests that use this change nothing that they depend on.
    """
    body = json.loads(next(forger.path("data/config").iterdir()).read_bytes())
    change(body)
    digest = hashlib.sha256(canonical.dumps(body)).hexdigest()
    filed(body)
    forger.path(f"data/config/{digest}.json").write_bytes(canonical.dumps(body))

    def log_it(entries: list[Entry]) -> None:
        run = next(i for i, e in enumerate(entries) if e["t"] == "kpi_run")
        entries.insert(run, {"t": "config", "sha256": digest, "schema": "plantseal.config/1"})
        for entry in entries[run:]:
            entry.update({"config_sha256": digest} if "config_sha256" in entry else {})

    forger.rewrite_log(log_it)
    forger.resign(lambda s: s["predicate"].update(config_sha256=digest))


def renamed(body: Any) -> None:
    body["plant"]["name"] = "八号车间"


def quoted_wrongly(forger: Forger) -> None:
    """Log and statement name a report that is not the one in the bundle."""

    def quote(entries: list[Entry]) -> None:
        for entry in entries:
            entry.update({"report_sha256": "ab" * 32} if "report_sha256" in entry else {})

    forger.rewrite_log(quote)
    forger.resign(lambda s: s["predicate"].update(report_sha256="ab" * 32))


def extent(number: int, *, drop_it: bool = False, wall: str | None = None) -> Change:
    """Say in the log that a segment's times lie in 1970, and perhaps leave the segment out."""

    def change(forger: Forger) -> None:
        name = forger.segments()[number]

        def change(entries: list[Entry]) -> None:
            segment = next(e for e in entries if f"data/{e.get('path')}" == name)
            segment.update(t_min="0", t_max="1")
            for entry in entries:
                if wall and entry["t"] == "block" and int(entry["seq0"]) >= int(segment["seq0"]):
                    entry["wall_ns"] = wall
                    break

        if drop_it:
            forger.path(name).unlink()
        forger.rewrite_log(change)

    return change


def bag_says_more(forger: Forger) -> None:
    forger.edit(names.BAG_INFO, lambda b: b.replace(b"00:12:00", b"23:59:00"))
    forger.resign()


def certified(forger: Forger) -> None:
    forger.edit_json("data/env.json", lambda e: e.update(software="certified 9"))
    forger.resign()


IN_PERIOD = str(START_NS + 420 * SECOND)
CHOSEN: dict[str, tuple[Change, int, str]] = {
    "configuration filed is not the one logged": (
        lambda f: reconfigure(f, renamed, lambda b: b.update(tags=[1])), 6, "E701",
    ),
    "report is not the one that log and statement name": (quoted_wrongly, 6, "E303"),
    "times of a segment are not those logged": (extent(1), 6, "E602"),
    "segment said to be of another time": (extent(1, drop_it=True, wall=IN_PERIOD), 6, "E606"),
    "bag-info says more": (bag_says_more, 6, "E802"),
    "time of sealing is a phrase": (
        lambda f: f.resign(lambda s: s["predicate"].update(sealed_at="at noon")), 6, "E106",
    ),
    "software of another name": (certified, 6, "E303"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHOSEN)
def test_with_the_key_nothing_can_be_quoted_otherwise(
    forger: Forger, what: str, decoder: Decoder
) -> None:
    change, exit_code, code = CHOSEN[what]
    change(forger)
    found = judged(forger, decoder)
    assert code in codes(found), found.to_json()
    assert found.exit_code == exit_code, found.to_json()


def test_what_was_declared_after_the_rows_is_shown(forger: Forger, decoder: Decoder) -> None:
    """A change is no crime, so the verdict stands; but no evaluator has to look for it."""
    reconfigure(forger, renamed)
    found = judged(forger, decoder)
    assert found.exit_code == 0, found.to_json()
    said = [f.message for f in found.steps[10].findings]
    assert len(said) == 1
    assert "plant.name was '七号车间', became '八号车间'" in said[0]


@pytest.mark.parametrize(("start", "end", "edge"), [(-300, 12, "start"), (0, 300, "end")])
def test_a_period_beyond_the_rows_is_not_complete(
    start: int, end: int, edge: str, tmp_path: Path, decoder: Decoder
) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    wanted = Period(start=START + timedelta(minutes=start), end=START + timedelta(minutes=end))
    with make_store(tmp_path / "data", signer) as journal:
        out = seal(journal, wanted, tmp_path / "bundle", signer=signer).path
    found = verify(out, Policy([signer.vkey]), decoder=decoder)
    assert (found.exit_code, codes(found)) == (8, {"E607"})
    assert f"the {edge} of the period" in str(found.steps[11].findings)


def test_a_period_that_is_not_over_is_not_complete(tmp_path: Path, decoder: Decoder) -> None:
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    wanted = Period(start=START, end=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1))
    with make_store(tmp_path / "data", signer) as journal:
        out = seal(journal, wanted, tmp_path / "bundle", signer=signer).path
    found = verify(out, Policy([signer.vkey]), decoder=decoder)
    assert found.exit_code == 8
    assert "E606" in codes(found)
    assert "before the period ended" in str(found.steps[10].findings)


def test_live_rows_taken_for_imported_ones_are_counted(forger: Forger, decoder: Decoder) -> None:
    name = forger.segments()[1]
    frame = pl.read_parquet(forger.path(name))
    flagged = frame.with_columns((pl.col("flags") | 1).cast(pl.UInt8))
    flagged.write_parquet(forger.path(name))
    forger.log_file(name)
    said = [f.message for f in judged(forger, decoder).steps[10].findings]
    assert any("flagged imported that no import entry names" in m for m in said), said


def test_a_configuration_that_changes_while_sealing_is_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may put a new plant file in force between the computation and the log."""
    signer = keys.create(tmp_path / "keys" / "gateway.pem", ORIGIN)
    with make_store(tmp_path / "data", signer) as journal:
        _, body = journal.config_in_force() or ("", b"")
        record = type(journal).record

        def configured_meanwhile(self: Any, kind: str, fields: Any) -> int:
            if kind == "kpi_run":
                self.configure(body.replace("七号车间".encode(), "八号车间".encode()))
            return record(self, kind, fields)

        monkeypatch.setattr(type(journal), "record", configured_meanwhile)
        wanted = Period(start=START, end=START + timedelta(minutes=12))
        with pytest.raises(SealError, match="seal again"):
            seal(journal, wanted, tmp_path / "bundle", signer=signer)
    assert not (tmp_path / "bundle").exists()
