"""History: sealed segments and the journal's tail as lazy frames, as the KPI core takes them.

Read-only; works beside a running writer. Rows that were sealed while the frame was put together
are neither lost nor doubled. The order of rows is not promised: ``seq`` is there to sort by.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from plantseal.journal import Journal, JournalError, SegmentInfo
from plantseal.segments import columns
from plantseal_connectors.rows import ABSENT, ROW, VType
from plantseal_kpi.rows.parts import Part
from plantseal_kpi.schema import ROWS, check_rows

Spans = Sequence[tuple[int, int]]
MAX_TEXTS: Final = 100_000
"""Up to so many distinct texts a store's are read as a whole, which spares a pass over the rows."""
IS_TEXT: Final = pl.col("vtype") == VType.TEXT
TEXTS: Final = pl.Schema({"ix": pl.Int64, "text": pl.String})


def rows(
    journal: Journal, spans: Spans | None = None, tags: Sequence[int] | None = None
) -> pl.LazyFrame:
    """Return rows in the columns of ``plantseal_kpi.schema.ROWS``; open blocks included.

    ``value_i`` is null for a U64 beyond 2^63-1, ``text`` is null for BYTES.

    Args:
        journal: Open, read-only or not.
        spans: Half-open ``[start, end)`` [ns since the epoch]; kept are rows whose source or
            receive time lies in one of them. None: all rows, those without any time included.
        tags: Tag ids; None: all.

    Raises:
        JournalError: A segment is missing or not of the size that the log says, or damaged.
    """
    found = pl.concat([p.rows for p in _raw(journal, spans, tags)])
    if tags is not None:
        found = found.filter(pl.col("tag").is_in(list(tags)))
    if spans is not None:
        found = found.filter(_within(spans))
    return check_rows(as_rows(found, _texts(journal, found)))


def parts(journal: Journal, spans: Spans, *, rows_end: int | None = None) -> list[Part]:
    """Return the same rows in parts, each with its bounds: a segment each, and the journal's tail.

    The core reads of them what a day needs, so memory does not grow with the period. Parts hold
    rows outside ``spans`` too; segments without a time in them are left out.

    Args:
        journal: Open, read-only or not.
        spans: Half-open ``[start, end)`` [ns since the epoch].
        rows_end: Only rows with ``seq`` below it.

    Raises:
        JournalError: As :func:`rows`.
    """
    raw = _raw(journal, spans, None)
    texts = _texts(journal, pl.concat([p.rows for p in raw]))
    made = []
    for part in raw:
        frame = part.rows if rows_end is None else part.rows.filter(pl.col("seq") < rows_end)
        made.append(Part(part.start, part.end, as_rows(frame, texts).select(ROWS.names())))
    return made


def _raw(journal: Journal, spans: Spans | None, tags: Sequence[int] | None) -> list[Part]:
    """Return the tail and the segments that may hold rows of ``spans``, in their own columns."""
    segments, tail = _snapshot(journal, spans, tags)
    times = np.concatenate([tail["t_source"], tail["t_receive"]])
    times = times[times != ABSENT]
    first, last = (int(times.min()), int(times.max())) if len(times) else (0, -1)
    return [
        Part(first, last, columns(tail).lazy()),
        *(
            Part(s.t_min, s.t_max, _scan(journal, s))
            for s in segments
            if spans is None or _meets(s, spans)
        ),
    ]


def _snapshot(
    journal: Journal, spans: Spans | None, tags: Sequence[int] | None
) -> tuple[list[SegmentInfo], NDArray[np.void]]:
    """Return the segments and the matching rows after them, without a hole between the two."""
    while True:
        segments = journal.segments()
        expected = segments[-1].end if segments else 0
        kept = [np.zeros(0, dtype=ROW)]
        for piece in journal.tail(expected):
            if int(piece["seq"][0]) != expected:
                break  # sealed and deleted meanwhile: the list of segments is out of date
            kept.append(piece[_matching(piece, spans, tags)])
            expected += len(piece)
        else:
            if journal.sealed_end() <= expected:
                return segments, np.concatenate(kept)


def _matching(
    piece: NDArray[np.void], spans: Spans | None, tags: Sequence[int] | None
) -> NDArray[np.bool_]:
    keep = np.ones(len(piece), dtype=bool)
    if tags is not None:
        keep &= np.isin(piece["tag"], list(tags))
    if spans is not None:
        inside = np.zeros(len(piece), dtype=bool)
        for name in ("t_source", "t_receive"):
            time = piece[name]
            for start, end in spans:
                inside |= (time != ABSENT) & (time >= start) & (time < end)
        keep &= inside
    return keep


def _meets(segment: SegmentInfo, spans: Spans) -> bool:
    return any(segment.t_min < end and segment.t_max >= start for start, end in spans)


def _scan(journal: Journal, segment: SegmentInfo) -> pl.LazyFrame:
    path = journal.root / segment.path
    try:
        size = path.stat().st_size
    except OSError as e:
        raise JournalError(f"{path}: {e.strerror}; restore the segment from a copy") from e
    if size != segment.size:
        raise JournalError(
            f"{path}: {size} bytes, the log says {segment.size}; restore the segment from a copy"
        )
    try:
        frame = pl.scan_parquet(path, glob=False)
        frame.collect_schema()
    except (PolarsError, OSError) as e:
        raise JournalError(f"{path}: cannot be read: {e}; restore the segment from a copy") from e
    return frame


def _within(spans: Spans) -> pl.Expr:
    source = pl.col("t").is_between
    receive = (pl.col("t") + pl.col("d_receive")).is_between
    inside = [pl.lit(False)]
    for start, end in spans:
        inside.append(pl.col("has_source") & source(start, end, closed="left"))
        inside.append(receive(start, end, closed="left").fill_null(False))
    return pl.any_horizontal(inside)


def _texts(journal: Journal, found: pl.LazyFrame) -> pl.DataFrame:
    """Return index and text: of the whole store, or of the rows where the store has very many."""
    if (known := journal.text_count()) <= MAX_TEXTS:
        texts = dict(enumerate(journal.texts(0, known)))
    else:
        used = found.filter(IS_TEXT).select(pl.col("value_i").unique())
        texts = journal.texts_at(used.collect(engine="streaming")["value_i"].to_list())
    # BYTES lie in the same table and need not be UTF-8; no row of the type TEXT points at them
    words = [body.decode("utf-8", "replace") for body in texts.values()]
    return pl.DataFrame({"ix": list(texts), "text": words}, schema=TEXTS)


def as_rows(found: pl.LazyFrame, texts: pl.DataFrame) -> pl.LazyFrame:
    """Return sealed rows in the columns that the KPI core takes, texts put in by their index."""
    vtype, t = pl.col("vtype"), pl.col("t")
    plain = vtype.is_in([VType.BOOL, VType.I64]) | ((vtype == VType.U64) & (pl.col("value_i") >= 0))
    # An expression, not a join: whoever does not ask for the text does not pay for it
    text = pl.when(IS_TEXT).then("value_i").replace_strict(
        texts["ix"], texts["text"], default=None, return_dtype=pl.String
    )  # fmt: skip
    return found.with_columns(
        pl.when("has_source").then(t).alias("t_source"),
        (t + pl.col("d_server")).alias("t_server"),
        (t + pl.col("d_receive")).alias("t_receive"),
        pl.when(plain).then("value_i").alias("value_i"),
        text.alias("text"),
    )
