"""Ledgers by digest, and what is chosen about them."""

from typing import Annotated, Literal

from pydantic import Field

from plantseal_kpi.plant.base import Model

LedgerName = Literal[
    "costs", "projects", "inventory", "orders", "staff", "labour", "value_added", "materials",
    "partners", "investments", "inspections", "lots", "energy_bills", "weather", "drivers", "finance",
]  # fmt: skip


class LedgerRef(Model):
    """A ledger as it was when the configuration came into force.

    Attributes:
        sha256: Of its canonical CSV form.
        rows: How many records it holds.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rows: int = Field(ge=0)


class Business(Model):
    """Choices about the ledgers.

    Attributes:
        cost_accounts: Accounts of the project's scope; empty: all of the ledger.
        turnover: ``cogs``: cost of goods sold over average inventory; ``throughput``: pieces.
        resource: 资源综合利用率 as material yield or as reuse of waste.
    """

    cost_accounts: tuple[str, ...] = ()
    turnover: Literal["cogs", "throughput"] = "cogs"
    resource: Literal["material", "waste"] = "material"
