"""What plant.yaml may say, as models: everything besides the equipment register and the sources.

Register, calendar, baseline and the rest of the plant are the KPI core's own models; a source's
settings are its connector's. Only what belongs to the gateway itself is declared here.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from plantseal_kpi.plant import Declared, Id, LedgerName, MachineState, PlantHead

RECORDED: Final = "recorded"
"""The connector of imported records: no device, no settings, nothing to run."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(_Model):
    """How the log is named, cut and sealed.

    Attributes:
        origin: Name of the log in every checkpoint, unique in the world; a host name and a path
            that the plant owns (C2SP tlog-checkpoint). Fixed when the store is made; empty is
            ``plantseal.invalid/`` and the site.
        block_s: A block of rows is closed after so long at the latest [s].
    """

    origin: str = Field(default="", max_length=200, pattern=r"^[^\s+]*$")
    block_s: int = Field(default=60, ge=1, le=60)


def _exact(value: object) -> object:
    """Keep a declared 1 a number: as a plain int it would also pass for true."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


class Header(PlantHead):
    """plant.yaml; see config/plant.example.yaml.

    Attributes:
        version: Of this file format.
        equipment: A list, or the path of a register in CSV or XLSX; looked at on its own.
        states: What the texts of state tags mean, by equipment id, or ``"*"`` for all; for
            equipment that has no ``states`` of its own, as a register in CSV never has.
        sources: Looked at on their own, each by its connector.
        ledgers: Files of business records, CSV or XLSX, by name; relative to this file.
        data_dir: Where journal, segments and keys lie; relative to this file.
    """

    version: Literal[1]
    site: str = Field(min_length=1)
    equipment: Any
    states: dict[str, dict[str, MachineState]] = Field(default_factory=dict)
    sources: Any = ()
    ledgers: dict[LedgerName, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    declared: dict[str, Annotated[Declared, BeforeValidator(_exact)]] = Field(default_factory=dict)
    evidence: Evidence = Evidence()
    data_dir: Path = Path("data")


class SourceHead(_Model):
    """What every entry of ``sources`` has; the connector's settings stand beside it.

    Attributes:
        id: Unique in the plant; never reuse it for another device.
        connector: Protocol, or ``recorded`` for imported data.
        tags: Tag table, CSV or XLSX, relative to this file.
        worker: Sources of one worker share a process; another name isolates them.
    """

    id: Id
    connector: str
    tags: str = Field(min_length=1)
    worker: Id = "main"


RECORDED_TYPES: Final = ("", "text", "int", "float")
"""Types of recorded tags: a state is text by itself, everything else a number."""
HEAD_KEYS: Final = tuple(SourceHead.model_fields)


def split_source(entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a source's own keys, and the settings that stand beside them."""
    head = {k: v for k, v in entry.items() if k in HEAD_KEYS}
    return head, {k: v for k, v in entry.items() if k not in HEAD_KEYS}
