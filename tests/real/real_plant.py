"""A plant folder for recorded data, and the product's own commands and functions run on it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

from plantseal.config import load
from plantseal.evidence.inputs import inputs
from plantseal.history import rows as history_rows
from plantseal.journal import Journal
from plantseal_kpi.calendar import period_span
from plantseal_kpi.machines.work import Machine, machines
from plantseal_kpi.plant import Period
from plantseal_kpi.rows.source import read
from plantseal_kpi.rows.window import window

HEADER = "name,equipment,address,type,order,scale,unit,period_ms,role,required,description\n"


def make(folder: Path, plant_yaml: str, tables: dict[str, str], **files: str) -> Path:
    """Write plant.yaml, its tag tables and other files; return plant.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        (folder / name).write_text(HEADER + text, encoding="utf-8")
    for name, text in files.items():
        (folder / name.replace("_yaml", ".yaml")).write_text(text, encoding="utf-8")
    plant = folder / "plant.yaml"
    plant.write_text(plant_yaml, encoding="utf-8")
    return plant


def plantseal(*arguments: object, codes: tuple[int, ...] = (0,)) -> object:
    """Run a command with ``--json``; return its document.

    Raises:
        RuntimeError: It ended with another exit code than expected; with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", "plantseal", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        raise RuntimeError(f"plantseal {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def start(*arguments: object, log: Path) -> "subprocess.Popen[bytes]":
    """Start a command in the background, its talk in ``log``."""
    return subprocess.Popen(
        [sys.executable, "-m", "plantseal", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=log.open("ab"),
    )


def stored(plant: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return every row of the store in journal order, and the tag ids by name."""
    journal = Journal.open(load(plant).data_dir, read_only=True)
    try:
        found = journal.config_in_force()
        if found is None:
            raise RuntimeError("nothing was configured")
        ids = {tag["name"]: tag["id"] for tag in json.loads(found[1])["tags"]}
        return history_rows(journal).collect().sort("seq"), ids
    finally:
        journal.close()


def worked(plant: Path, period: Period) -> list[Machine]:
    """Return what each machine did in a period, of the rows that a report of it would read."""
    journal = Journal.open(load(plant).data_dir, read_only=True)
    try:
        given = inputs(journal, period)
        span = period_span(period)
        return machines(window(read(given.rows, given.plant, [span]), given.plant, span))
    finally:
        journal.close()


def figure(report: Any, metric: str, scope: str = "plant") -> Any:
    """Return one figure of a report as JSON values."""
    found = (r for r in report["results"] if (r["metric"], r["scope"]) == (metric, scope))
    return next(found)
