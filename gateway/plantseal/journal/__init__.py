"""The durable store of a gateway: rows first, then everything that is derived from them.

``store.py`` is the journal: what is written. It is a ``writer.py``: opening, recovery, transactions;
and that is a ``reading.py``: what can be read beside a writer. ``state.py`` holds the end of the log
and the open block in memory, ``blocks.py`` adds to them; ``texts.py``, ``columns.py`` and
``records.py`` are the forms of data; ``database.py`` and ``presence.py`` the file and its writers.
"""

from plantseal.journal.records import (
    Block,
    JournalError,
    Progress,
    SegmentInfo,
    Submitted,
)
from plantseal.journal.store import Journal

__all__ = ["Block", "Journal", "JournalError", "Progress", "SegmentInfo", "Submitted"]
