"""Notices as data: one YAML file a notice, checked when read."""

from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

Comparator = Literal[
    ">=", "<=", "==", "date>=", "date<=", "date_between", "contains_all", "contains_any",
    "is_true", "is_false", "info", "report",
]  # fmt: skip
EvidenceKind = Literal["measured", "computed", "declared", "document", "authority"]
Condition = bool | str | tuple[str, ...]
Threshold = bool | int | Decimal | str | tuple[str, ...] | None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Criterion(_Model):
    """One checkable sentence of a notice.

    Attributes:
        id: Unique over all notices.
        clause: Where it stands.
        text_zh: Verbatim quote.
        metric: Id of the fact that answers it.
        comparator: How the fact is compared; ``info`` and ``report`` compare nothing.
        threshold: As printed, in ``unit``.
        unit: As printed; ``%`` is a ratio times 100.
        applies_when: What the project must be; a list means any of its members.
        evidence_kind: measured (gateway), computed (ledgers), declared, document, authority.
        strength: hard, soft (reference or qualitative) or info.
        rolls_up: Prefixes of criterion ids whose hard criteria must all be met.
    """

    id: str = Field(pattern=r"^[a-z0-9_.]+$")
    clause: str
    text_zh: str = Field(min_length=1)
    metric: str
    comparator: Comparator
    threshold: Threshold = None
    unit: str = ""
    applies_when: dict[str, Condition] = {}
    evidence_kind: EvidenceKind
    strength: Literal["hard", "soft", "info"]
    note: str = ""
    rolls_up: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _threshold_fits(self) -> "Criterion":
        c, t = self.comparator, self.threshold
        fits = {
            ">=": isinstance(t, int | Decimal) and not isinstance(t, bool),
            "<=": isinstance(t, int | Decimal) and not isinstance(t, bool),
            "==": t is not None,
            "date>=": isinstance(t, str),
            "date<=": isinstance(t, str),
            "date_between": isinstance(t, tuple) and len(t) == 2,
            "contains_all": isinstance(t, tuple),
            "contains_any": isinstance(t, tuple),
            "is_true": t is True,
            "is_false": t is False,
            "info": t is None,
            "report": t is None,
        }
        if not fits[c]:
            raise ValueError(f"{self.id}: threshold {t!r} does not fit comparator {c!r}")
        return self


class Notice(_Model):
    """A notice and all its criteria."""

    schema_id: Literal["plantseal.notice/1"] = Field(alias="schema")
    key: str
    number: str
    subject: str
    issued: date
    version: int
    criteria: tuple[Criterion, ...]

    @model_validator(mode="after")
    def _unique(self) -> "Notice":
        ids = [c.id for c in self.criteria]
        twice = sorted(i for i, n in Counter(ids).items() if n > 1)
        if twice:
            raise ValueError(f"criteria given more than once: {', '.join(twice)}")
        return self


def notice_keys() -> tuple[str, ...]:
    """Return the keys of all notices that can be judged.

    Example:
        >>> notice_keys()
        ('CQ2020-15',)
    """
    folder = files("plantseal_kpi") / "notices"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


@cache
def load_notice(key: str) -> Notice:
    """Return the notice ``key``.

    Raises:
        ValueError: No such notice; the message lists those there are.

    Example:
        >>> len(load_notice("CQ2020-15").criteria)
        89
    """
    if key not in notice_keys():
        raise ValueError(f"notice: got {key!r}, expected one of {', '.join(notice_keys())}")
    text = (files("plantseal_kpi") / "notices" / f"{key}.yaml").read_text(encoding="utf-8")
    return Notice.model_validate(YAML(typ="safe", pure=True).load(text))
