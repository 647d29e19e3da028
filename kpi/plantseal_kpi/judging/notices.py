"""Notices as data: one YAML file a notice, checked when read."""

from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from ruamel.yaml import YAML

Comparator = Literal[
    ">=", "<=", "==", "in", "approx", "date>=", "date<=", "date_between", "contains_all",
    "contains_any", "subset_of", "is_true", "is_false", "fail_if>=", "recompute_if<=", "info", "report",
]  # fmt: skip
EvidenceKind = Literal["measured", "computed", "declared", "document", "authority"]
Condition = bool | str | tuple[str, ...]
Threshold = bool | int | Decimal | str | tuple[int | str, ...] | dict[str, JsonValue] | None
KEY_LINKS = "key_links[industry]"
"""Threshold that stands for the links of the project's industry in the notice's ``key_links``."""


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
        threshold: As printed, in ``unit``; a mapping gives one number a track.
        unit: As printed; ``%`` is a ratio times 100.
        window: Time that the sentence speaks of; empty where it names none.
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
    window: str = ""
    applies_when: dict[str, Condition] = {}
    evidence_kind: EvidenceKind
    strength: Literal["hard", "soft", "info"]
    note: str = ""
    rolls_up: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _threshold_fits(self) -> "Criterion":
        if not _fits(self.comparator, self.threshold):
            raise ValueError(
                f"{self.id}: threshold {self.threshold!r} does not fit comparator "
                f"{self.comparator!r}"
            )
        return self


def _fits(comparator: Comparator, t: Threshold) -> bool:
    number = isinstance(t, int | Decimal) and not isinstance(t, bool)
    match comparator:
        case ">=" | "<=" | "approx" | "fail_if>=" | "recompute_if<=":
            return number or (isinstance(t, dict) and all(isinstance(v, int) for v in t.values()))
        case "in" | "contains_all" | "contains_any" | "subset_of":
            return (isinstance(t, tuple) and len(t) > 0) or t == KEY_LINKS
        case "date>=" | "date<=":
            return isinstance(t, str)
        case "date_between":
            return isinstance(t, tuple) and len(t) == 2
        case "is_true" | "is_false":
            return t is (comparator == "is_true")
        case "==":
            return number or isinstance(t, str)
        case "report":
            return t is None
        case "info":
            return True


class Roll(_Model):
    """One track of a notice: which criteria decide it.

    Attributes:
        id: E.g. ``digital_workshop``; a part of a track is ``smart_factory.discrete``.
        when: What the project must be.
        criteria: Prefixes of criterion ids; those that do not apply are left out.
        soft: True where qualitative criteria decide too.
        elements: Numbered elements that the notice lists under ``criteria``; 0 where it lists none.
    """

    id: str = Field(pattern=r"^[a-z_]+(\.[a-z_]+)?$")
    name_zh: str
    when: dict[str, Condition]
    criteria: tuple[str, ...] = Field(min_length=1)
    soft: bool = False
    elements: int = Field(default=0, ge=0)


class Effect(_Model):
    """One cell of the form of effects of 〔2021〕114号 附件5 一(二)."""

    no: int
    text_zh: str
    metric: str
    unit: str
    direction: Literal["up", "down", "level"]
    evidence_kind: EvidenceKind


class Scene(_Model):
    """A typical scene of the catalogue."""

    no: int
    name: str


class Link(_Model):
    """A link of making with its scenes."""

    no: int
    link: str
    scenes: tuple[Scene, ...]


class Notice(_Model):
    """A notice and all its criteria.

    Attributes:
        issued: Null where the copy carries no date.
        file: Name of the text that the quotes were taken from.
        defect: What the copy lacks.
        words: Further words that ``project`` may say, by key, beside those of the conditions.
        effects: Form of effects, one cell an entry.
        key_links: Links that a pilot factory must cover, by industry.
        scenes: Catalogue of scenes by link.
    """

    schema_id: Literal["plantseal.notice/2"] = Field(alias="schema")
    key: str
    number: str
    subject: str
    issued: date | None
    file: str
    defect: str = ""
    version: int
    words: dict[str, tuple[str, ...]] = {}
    tracks: tuple[Roll, ...]
    effects: tuple[Effect, ...] = ()
    key_links: dict[str, tuple[str, ...]] = {}
    scenes: tuple[Link, ...] = ()
    criteria: tuple[Criterion, ...]

    @model_validator(mode="after")
    def _consistent(self) -> "Notice":
        ids = [c.id for c in self.criteria]
        twice = sorted(i for i, n in Counter([*ids, *(t.id for t in self.tracks)]).items() if n > 1)
        if twice:
            raise ValueError(f"given more than once: {', '.join(twice)}")
        named = [*(p for t in self.tracks for p in t.criteria)]
        named += [p for c in self.criteria for p in c.rolls_up]
        empty = sorted({p for p in named if not any(i.startswith(p) for i in ids)})
        if empty:
            raise ValueError(f"no criterion begins with: {', '.join(empty)}")
        if not self.key_links and any(c.threshold == KEY_LINKS for c in self.criteria):
            raise ValueError("a criterion asks for key_links, the notice lists none")
        links = {link.link for link in self.scenes}
        strange = sorted({x for wanted in self.key_links.values() for x in wanted} - links)
        if strange:
            raise ValueError(f"key_links not in the catalogue of scenes: {', '.join(strange)}")
        return self


def notice_keys() -> tuple[str, ...]:
    """Return the keys of all notices that can be judged.

    Example:
        >>> notice_keys()
        ('CQ2020-15', 'CQ2021-114', 'CQ2022-38', 'CQ2023-32', 'CQ2024-4')
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
