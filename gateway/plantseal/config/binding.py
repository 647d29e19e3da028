"""A plant file with the ids of the store put in: what runs, what is hashed, what figures use.

The plant that the figures get is read back from its own canonical JSON, so the gateway computes
with exactly what an evaluator will find in the bundle.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from plantseal import canonical
from plantseal.config.model import RECORDED
from plantseal.config.plantfile import PlantFile, PlantSource
from plantseal_connectors.slots import PollGroup
from plantseal_connectors.source import SourcePlan, SourceSettings
from plantseal_connectors.tags import Tag
from plantseal_kpi.plant import Plant, Point

SCHEMA_ID: Final = "plantseal.config/1"
MASK: Final = "***"
MAX_MARK_AGE_NS: Final = 7 * 86_400 * 10**9
"""A slot mark older than a week, or of the future, is of another schedule and is not followed."""

ROLLOVERS: Final = {"uint16": 2**16, "uint32": 2**32}
"""Raw value at which a counter of an unsigned wire type begins anew."""
COUNTERS: Final = ("count_total", "count_good", "count_scrap", "energy")

_SECRET = re.compile(r"(pass(word|wd|phrase)?|secret|token|credential|(private_)?key)s?$", re.I)
_ACCOUNT = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")

SettingsT = TypeVar("SettingsT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class BoundSource:
    """A source as the runtime starts it.

    Attributes:
        connector: Name in the registry, or ``recorded``: then there is nothing to run.
        polled: The tags that have poll slots, a subset of ``tags``.
        links: Link tag id by device key; ``""`` is the source itself.
        worker: Sources of one worker share a process.
    """

    id: str
    connector: str
    settings: SourceSettings
    tags: tuple[Tag, ...]
    polled: tuple[Tag, ...]
    links: Mapping[str, int]
    worker: str

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """Return the poll periods [ms], ascending; the position is the poll group's index."""
        return tuple(sorted({t.spec.period_ms for t in self.polled}))

    def plan(self, closed: Mapping[int, int]) -> SourcePlan:
        """Return what a Source is built from.

        Args:
            closed: Last slot closed by poll group, from the journal; a group without one begins
                with the next slot.

        Raises:
            ValueError: The source is recorded data.
        """
        if self.connector == RECORDED:
            raise ValueError(f"source {self.id} is recorded data, there is nothing to run")
        groups = tuple(
            PollGroup.start(
                index,
                period_ms * 1_000_000,
                tuple(t for t in self.polled if t.spec.period_ms == period_ms),
                _followed(closed.get(index), period_ms * 1_000_000),
            )
            for index, period_ms in enumerate(self.periods_ms)
        )
        return SourcePlan(self.id, self.settings, self.tags, groups, self.links)


def _followed(slot: int | None, period_ns: int) -> int | None:
    """Return a slot mark, unless the group's period changed since and it means another time."""
    if slot is None:
        return None
    age = time.time_ns() - slot * period_ns
    return slot if -period_ns <= age <= MAX_MARK_AGE_NS else None


@dataclass(frozen=True, slots=True)
class Bound:
    """A configuration ready to run.

    Attributes:
        plant: With its points, exactly as an evaluator reads it back from ``canonical``.
        sources: In the order of the file, recorded ones among them.
        canonical: RFC 8785 JSON of the whole, secrets masked; its digest goes into the log.
        ledgers: Canonical bytes of the ledgers that it names by digest; stored with it.
    """

    plant: Plant
    sources: tuple[BoundSource, ...]
    canonical: bytes
    ledgers: tuple[bytes, ...] = ()

    def source(self, id: str) -> BoundSource:
        """Return a source by its id.

        Raises:
            KeyError: There is none.
        """
        return {s.id: s for s in self.sources}[id]


def link_name(source: str, device: str = "") -> str:
    """Return the name of a link tag.

    Example:
        >>> link_name("cell1"), link_name("line2", "edge7/press")
        ('$link:cell1', '$link:line2/edge7/press')
    """
    return f"$link:{source}/{device}" if device else f"$link:{source}"


def tag_names(pf: PlantFile) -> list[str]:
    """Return the names of all tags and link tags, in the order of the file."""
    return [
        name
        for source in pf.sources
        for name in (*(s.name for s in source.specs), *_links(source).values())
    ]


def bind(pf: PlantFile, ids: Mapping[str, int]) -> Bound:
    """Return the configuration with the store's tag ids.

    Args:
        pf: The plant file.
        ids: An id for every name of :func:`tag_names`.

    Raises:
        KeyError: A name has no id.
    """
    sources = tuple(_bound(s, ids, pf.path.parent) for s in pf.sources)
    points = [p for s, b in zip(pf.sources, sources, strict=True) for p in _points(s, b)]
    plant = pf.plant.model_copy(update={"points": tuple(points)})
    body = {
        "schema": SCHEMA_ID,
        "plant": plant.model_dump(mode="json"),
        "sources": [
            {"id": s.id, "connector": s.protocol, "settings": masked(s.settings)}
            for s in pf.sources
        ],
        "tags": [tag for s in sources for tag in _tags(s)],
    }
    blob = canonical.dumps(body)
    return Bound(Plant.model_validate(canonical.loads(blob)["plant"]), sources, blob, pf.ledgers)


def _links(source: PlantSource) -> dict[str, str]:
    return {device: link_name(source.id, device) for device in ("", *source.devices)}


def _bound(source: PlantSource, ids: Mapping[str, int], directory: Path) -> BoundSource:
    tags = tuple(Tag(ids[spec.name], spec) for spec in source.specs)
    connector = source.connector
    polled = tuple(t for t in tags if connector and connector.mode(source.settings, t) == "polled")
    links = {device: ids[name] for device, name in _links(source).items()}
    settings = rooted(source.settings, directory)
    return BoundSource(source.id, source.protocol, settings, tags, polled, links, source.worker)


def rooted(settings: SettingsT, directory: Path) -> SettingsT:
    """Return the settings with their relative paths taken from ``directory``."""
    found: dict[str, Any] = {}
    for name, value in settings:
        if isinstance(value, Path):
            found[name] = directory / value
        elif isinstance(value, BaseModel):
            found[name] = rooted(value, directory)
    return settings.model_copy(update=found) if found else settings


def _points(source: PlantSource, bound: BoundSource) -> Iterator[Point]:
    connector, settings = source.connector, source.settings
    silence = int(getattr(settings, "keepalive_ms", 0))
    for tag in bound.tags:
        spec = tag.spec
        mode = connector.mode(settings, tag) if connector else "imported"
        device = next(iter(connector.devices(settings, (tag,)) if connector else ()), "")
        yield Point(
            tag=tag.id,
            name=spec.name,
            equipment=spec.equipment,
            source=bound.id,
            link=bound.links[device],
            source_link=bound.links[""] if device else None,
            mode=mode,
            protocol=bound.connector,
            role=spec.role,
            required=spec.required,
            period_ms=spec.period_ms,
            keepalive_ms=spec.period_ms if mode == "polled" else silence or spec.period_ms,
            publishing_ms=int(getattr(settings, "publishing_ms", 0)) if mode == "subscribed" else 0,
            scale=spec.scale,
            unit=spec.unit,
            register_max=ROLLOVERS.get(spec.type) if spec.role in COUNTERS else None,
            carrier=spec.carrier,
            stuck_periods=spec.stuck_periods,
        )


def _tags(source: BoundSource) -> Iterator[dict[str, Any]]:
    for tag in source.tags:
        yield {"id": tag.id, "source": source.id, **tag.spec.model_dump(mode="json")}
    for device, id in source.links.items():
        yield {
            "id": id,
            "source": source.id,
            "name": link_name(source.id, device),
            "role": "link",
            "device": device,
        }


def masked(settings: SourceSettings) -> dict[str, Any]:
    """Return the settings as JSON, with passwords, tokens and keys masked.

    Names of environment variables and files stay; an account inside a URL does not.
    """
    return {k: _mask(k, v) for k, v in settings.model_dump(mode="json").items()}


def _mask(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _mask(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_mask(name, v) for v in value]
    if isinstance(value, str):
        return MASK if value and _SECRET.search(name) else _ACCOUNT.sub(MASK, value)
    return value
