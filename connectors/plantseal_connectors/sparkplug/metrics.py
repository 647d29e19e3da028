"""What a birth certificate says of the metrics that follow, and the rows they make: pure.

A birth names each metric with its datatype and, if it likes, an alias; data may then carry the
alias alone. An alias given to two metrics of one birth stands for neither: which value it meant
would be a guess.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plantseal_connectors.mqtt.decode import clamped, flags_of
from plantseal_connectors.mqtt.inbox import Message
from plantseal_connectors.rows import ABSENT, Flag, RowList, Scalar
from plantseal_connectors.sparkplug.decode import Metric, Payload, Unreadable, scalar
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_NO_DATA

BDSEQ = "bdSeq"


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Names and types of one device's metrics, as its birth gave them.

    Attributes:
        types: Datatype by name.
        names: Name by alias; None where the alias was given twice.
    """

    types: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str | None] = field(default_factory=dict)

    @classmethod
    def learn(cls, metrics: Iterable[Metric]) -> "MetricTable":
        """Return the table of a birth."""
        types: dict[str, int] = {}
        names: dict[int, str | None] = {}
        for metric in metrics:
            if metric.name is None:
                continue
            types[metric.name] = metric.datatype
            if metric.alias is not None:
                names[metric.alias] = None if metric.alias in names else metric.name
        return cls(types, names)

    def name_of(self, metric: Metric) -> str:
        """Return the name of a metric.

        Raises:
            Unreadable: It has neither name nor an alias that a birth made known.
        """
        if metric.name is not None:
            return metric.name
        if metric.alias is None:
            raise Unreadable("metric without name and alias")
        if metric.alias not in self.names:
            raise Unreadable(f"alias {metric.alias} is not known from a birth")
        name = self.names[metric.alias]
        if name is None:
            raise Unreadable(f"alias {metric.alias} was given to two metrics of one birth")
        return name

    def value_of(self, metric: Metric, name: str) -> Scalar:
        """Return the value of a metric, read by its own datatype or else the birth's.

        Raises:
            Unreadable: The value is not of that type.
        """
        return scalar(metric.datatype or self.types.get(name, 0), metric.field, metric.raw)


def bd_seq(payload: Payload) -> int | None:
    """Return the birth/death sequence number of an NBIRTH or NDEATH; None where it lacks."""
    for metric in payload.metrics:
        if metric.name == BDSEQ and metric.field in ("int_value", "long_value"):
            return int(metric.raw)
    return None


def t_ns(t_ms: int | None) -> tuple[int, int]:
    """Return milliseconds since the epoch as ns, and the flag where they were cut to 64 bits."""
    return (ABSENT, 0) if t_ms is None else clamped(t_ms * 1_000_000)


def add_values(
    rows: RowList,
    tags: Mapping[str, tuple[int, ...]],
    table: MetricTable,
    payload: Payload,
    message: Message,
    *,
    flags: int = 0,
) -> str:
    """Append a VALUE row per metric that is a tag; return what could not be read, else empty.

    The source time is the metric's, or else the payload's; the payload's is the server time. A
    tag whose value cannot be read gets a null with BadDecodingError.
    """
    trouble = ""
    t_server, cut_server = t_ns(payload.t_ms)
    for metric in payload.metrics:
        try:
            name = table.name_of(metric)
        except Unreadable as error:
            trouble = trouble or str(error)
            continue
        ids = tags.get(name)
        if ids is None:
            continue
        t_source, cut = (t_server, cut_server) if metric.t_ms is None else t_ns(metric.t_ms)
        value: Scalar = None
        status = BAD_NO_DATA
        if not metric.null:
            try:
                value, status = table.value_of(metric, name), metric.status
            except Unreadable as error:
                trouble, status = trouble or f"{name}: {error}", BAD_DECODING_ERROR
        for tag in ids:
            rows.add(
                tag=tag,
                t_receive=message.t_receive,
                t_source=t_source,
                t_server=t_server,
                value=value,
                status=status,
                src_seq=payload.seq or 0,
                flags=flags
                | cut
                | cut_server
                | flags_of(message)
                | (Flag.HISTORICAL if metric.historical else 0),
            )
    return trouble
