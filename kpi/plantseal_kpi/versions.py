"""Which configuration judges a period: the one that was in force when it began.

Whatever is changed while a window runs takes effect with the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from plantseal_kpi.plant import Period, Plant


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration as the log holds it.

    Attributes:
        since: When it came into force [ns].
        sha256: Digest of the configuration.
        plant: The plant it describes.
    """

    since: int
    sha256: str
    plant: Plant


def in_force(versions: Sequence[Version], period: Period) -> Plant:
    """Return the plant that judges ``period``."""
    raise NotImplementedError  # placeholder
