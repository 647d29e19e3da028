"""The contract between a protocol and the runtime.

A protocol is one folder with a settings model, a plan, a client and a decoder, and one
:class:`Connector` that names them; the entry-point group ``plantseal.connectors`` lists them. The
runtime owns retry, back-off and shutdown. There is no write: no member here could express one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from plantseal_connectors.rows import Batch
from plantseal_connectors.slots import PollGroup
from plantseal_connectors.tags import Finding, Tag, TagSpec

Mode = Literal["polled", "subscribed", "published"]


class SourceSettings(BaseModel):
    """What every source has in plant.yaml; a protocol's model adds its own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Disconnected(Exception):
    """The device cannot be read at present; the runtime backs off and builds a new source.

    Attributes:
        status: Status code for the slots closed meanwhile.
        remedy: What a person can do about it; empty when waiting is all.
    """

    def __init__(self, message: str, *, status: int, remedy: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.remedy = remedy


class Refused(Exception):
    """The device refuses for a reason that waiting does not mend (wrong password, no such endpoint).

    Attributes:
        status: Status code for the slots closed meanwhile.
        remedy: What a person can do about it.
    """

    def __init__(self, message: str, *, status: int, remedy: str) -> None:
        super().__init__(message)
        self.status = status
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Birth:
    """What was found when a session was established.

    Attributes:
        endpoint: URL or address actually connected to.
        identity: Maker, product, serial, firmware, certificate digest: what the device says of
            itself; empty when the protocol has nothing of the kind.
        security: What was negotiated, e.g. ``None`` or ``Basic256Sha256/SignAndEncrypt``.
        authenticated: True when the device proved who it is.
        clock_offset_ns: Device clock minus gateway clock [ns]; None where it has no clock.
        limits: Operation limits that the device publishes.
        refused: Tags that the device does not know, each with its status.
    """

    endpoint: str
    identity: Mapping[str, str] = field(default_factory=dict)
    security: str = "None"
    authenticated: bool = False
    clock_offset_ns: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[int, int] = field(default_factory=dict)


class RowSink(Protocol):
    """Where a source puts its batches."""

    async def put(self, batch: Batch) -> None:
        """Return once the batch is durable. Calls may be pipelined; order is kept."""
        ...


class Source(Protocol):
    """A device that can be read, never written.

    Constructing a Source touches no network. ``open`` is tried until it returns; then ``run``
    until it raises :class:`Disconnected` or ends; ``close`` exactly once, bounded in time. After
    a loss a *new* Source is built.
    """

    async def open(self) -> Birth:
        """Connect; return what was found.

        Raises:
            Disconnected: No connection; try again later.
            Refused: The device refuses; a person must act.
        """
        ...

    async def run(self, out: RowSink) -> None:
        """Put rows until cancelled.

        Raises:
            Disconnected: The connection is lost.
        """
        ...

    async def close(self) -> None:
        """Release the connection; never raises, returns within five seconds."""
        ...


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What a source is built from; made by the configuration, no network needed.

    Attributes:
        id: Source id, unique in the plant.
        settings: The protocol's own settings model.
        tags: Tags with their ids.
        groups: Poll groups; they outlive the Source objects, so a slot is closed exactly once.
        links: Link tag id by device key; ``""`` is the source itself.
    """

    id: str
    settings: SourceSettings
    tags: tuple[Tag, ...]
    groups: tuple[PollGroup, ...]
    links: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Connector:
    """A protocol, as the entry-point group ``plantseal.connectors`` offers it.

    Attributes:
        name: Word used as ``connector:`` in plant.yaml.
        settings: Settings model; its JSON Schema becomes part of the plant schema.
        check: Plans without a network; findings name the tag and the remedy.
        mode: How a tag of these settings is acquired.
        build: Makes a Source; imports the protocol library, touches no network.
        devices: Keys of devices that live and die on their own behind one source.
        resolve: Fills in what a device profile knows of a tag (address, type, scale, unit); pure,
            idempotent, never raises: what cannot be resolved is left for ``check`` to name.
    """

    name: str
    settings: type[SourceSettings]
    check: Callable[[SourceSettings, Sequence[Tag]], list[Finding]]
    mode: Callable[[SourceSettings, Tag], Mode]
    build: Callable[[SourcePlan], Source]
    devices: Callable[[SourceSettings, Sequence[Tag]], tuple[str, ...]] = lambda _s, _t: ()
    resolve: Callable[[SourceSettings, TagSpec], TagSpec] = lambda _s, spec: spec
