"""What a run came to, for the person or the script that started it."""

from dataclasses import asdict, dataclass
from typing import Any

from plantseal.run.tally import Tally


@dataclass(frozen=True, slots=True)
class Summary:
    """One run of the gateway.

    Attributes:
        seconds: How long it ran.
        rows: Rows it added to the journal.
        gaps: Gap rows written: time in which it did not run before, or a worker did not.
        restarts: Worker processes started again.
        received: By source, rows in which the device answered.
        bad: By source, rows with a bad status.
    """

    seconds: float
    rows: int
    gaps: int
    restarts: int
    received: dict[str, int]
    bad: dict[str, int]

    @classmethod
    def of(cls, seconds: float, rows: int, restarts: int, gaps: int, tally: Tally) -> "Summary":
        """Return the summary of a run that took ``seconds``."""
        sources = tally.sources()
        received = {s.id: s.received for s in sources}
        return cls(
            round(seconds, 3), rows, gaps, restarts, received, {s.id: s.bad for s in sources}
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)

    def text(self) -> str:
        """Return it as one line.

        Example:
            >>> Summary(8.0, 120, 1, 0, {"meter": 96}, {"meter": 4}).text()
            '120 rows in 8.0 s; meter: 96 values, 4 bad; 1 gap before'
        """
        parts = [f"{self.rows} rows in {self.seconds:.1f} s"]
        parts += [f"{s}: {n} values, {self.bad[s]} bad" for s, n in self.received.items()]
        if self.gaps:
            parts.append(f"{self.gaps} gap{'s' if self.gaps > 1 else ''} before")
        if self.restarts:
            parts.append(f"{self.restarts} worker restart{'s' if self.restarts > 1 else ''}")
        return "; ".join(parts)
