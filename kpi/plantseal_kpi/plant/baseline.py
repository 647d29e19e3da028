"""What improvements are measured against."""

from decimal import Decimal
from typing import Literal

from pydantic import model_validator

from plantseal_kpi.plant.base import Model, Period


class Baseline(Model):
    """What the improvement is measured against.

    Attributes:
        kind: 改造项目: before the project; 新建项目: industry average.
        period: Window of the records before the project.
        works: When the works were done; neither side may hold any of it.
        families: Product family by product; a product that is not named is a family of its own.
        figures: Cited figures by metric id where kind is industry_average.
        citation: Document, page, year and boundary of those figures.
    """

    kind: Literal["pre_project", "industry_average"]
    period: Period | None = None
    works: Period | None = None
    families: dict[str, str] = {}
    figures: dict[str, Decimal] = {}
    citation: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "Baseline":
        if self.kind == "pre_project" and self.period is None:
            raise ValueError("a pre_project baseline needs its period")
        if self.kind == "industry_average" and not self.citation:
            raise ValueError("an industry_average baseline needs its citation")
        return self
