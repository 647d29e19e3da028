"""Ledgers by digest, and what is chosen about them."""

from typing import Annotated, Final, Literal

from pydantic import Field

from plantseal_kpi.plant.base import Model

LedgerName = Literal[
    "costs", "output", "projects", "inventory", "finance", "orders", "staff", "labour",
    "value_added", "materials", "partners", "investments", "inspections", "lots", "energy_bills",
    "weather", "drivers",
]  # fmt: skip
CostKind = Literal[
    "设备购置及安装费", "软件购置费", "网络建设费或服务费", "系统集成费", "云服务费", "技术服务费"
]
COST_KINDS: Final[tuple[CostKind, ...]] = (
    "设备购置及安装费", "软件购置费", "网络建设费或服务费", "系统集成费", "云服务费", "技术服务费",
)  # fmt: skip
"""The kinds of investment that 渝经信智能〔2024〕4号 二(五) lists."""


class LedgerRef(Model):
    """A ledger as it was when the configuration came into force.

    Attributes:
        sha256: Of its canonical CSV form.
        rows: How many records it holds.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rows: int = Field(ge=0)


class Business(Model):
    """Choices about the ledgers, the same on both sides of a comparison.

    Attributes:
        cost_accounts: Accounts of the project's scope; empty: all of the ledger.
        turnover: ``cogs``: cost of goods sold over average inventory; ``throughput``: pieces.
        resource: 资源综合利用率 as material yield or as reuse of waste.
        project_class: Class of R&D projects that are compared; empty: all of the ledger.
        software_kinds: Kinds of investment that count as software; the notice does not say which.
    """

    cost_accounts: tuple[str, ...] = ()
    turnover: Literal["cogs", "throughput"] = "cogs"
    resource: Literal["material", "waste"] = "material"
    project_class: str = ""
    software_kinds: tuple[CostKind, ...] = ("软件购置费",)
