"""States that a machine reports and the register does not map: their time is unknown.

Source: definitions 4.2 (unknown is a bucket of its own).
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from plantseal_kpi.figures import finding
from plantseal_kpi.machines.work import Machine
from plantseal_kpi.report import Finding
from plantseal_kpi.rows.readings import UNAVAILABLE
from plantseal_kpi.rows.states import told_spans
from plantseal_kpi.rows.window import Window

MOST: Final = 10
"""As many words are named; a register of measured values as states has thousands."""


def unmapped(w: Window, machines: Sequence[Machine]) -> list[Finding]:
    """Return one finding a machine whose state tag said in the period what ``states`` does not hold."""
    found = []
    for m in machines:
        if not m.times.unknown:
            continue
        tags = w.points_of(m.equipment, "state")
        told = told_spans(w, tags[0].tag).filter(
            (pl.col("end") > w.start) & (pl.col("start") < w.end)
        )
        words = set(told["label"].unique().to_list()) - {*m.equipment.states, UNAVAILABLE}
        if words:
            listed = sorted(words)
            named = ", ".join(listed[:MOST]) + (" …" if len(listed) > MOST else "")
            found.append(
                finding(
                    "state.unmapped",
                    f"{m.equipment.id}: {tags[0].name} says {named}, which the register does not map; "
                    "that time is unknown; name the words under states",
                    equipment=m.equipment.id, tag=tags[0].name, words=named,
                )
            )  # fmt: skip
    return found
