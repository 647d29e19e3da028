"""How defects are counted: which variant, which inspection."""

from typing import Literal

from plantseal_kpi.plant.base import Model


class Quality(Model):
    """The same on both sides of a comparison.

    Attributes:
        variant: ``first_pass``: scrap and whatever was not accepted at first pass; ``scrap``:
            scrap alone.
        scope: 全检 or 抽检; must match between baseline and reporting.
        inspection: Where several inspections judged the same parts (ledger ``inspections``), the
            one that counts.
    """

    variant: Literal["first_pass", "scrap"] = "first_pass"
    scope: Literal["all", "sampling"] = "all"
    inspection: str = ""
