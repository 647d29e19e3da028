"""Read a period's rows condensed: part by part, and without those that no figure needs.

Stub until the condensation stands.
"""

from collections.abc import Sequence

import polars as pl

from plantseal_kpi.calendar import Span
from plantseal_kpi.plant import Plant
from plantseal_kpi.rows.parts import Rows, meeting
from plantseal_kpi.rows.window import CONTEXT_NS, in_span, plant_tags


def read(rows: Rows, plant: Plant, spans: Sequence[Span]) -> pl.DataFrame:
    """Return the rows of the plant's tags around the spans, each sequence number once."""
    wanted = [(a - CONTEXT_NS, b + CONTEXT_NS) for a, b in spans]
    used = pl.any_horizontal([in_span(*s) for s in wanted])
    tags = pl.Series("tag", plant_tags(plant), dtype=pl.UInt32)
    near = meeting(rows, wanted).filter(pl.col("tag").is_in(tags.implode()) & used)
    return near.collect(engine="streaming").unique("seq", keep="any").sort("seq")
