"""What a perfect gateway would find of the workshop in a window, in whole base units.

Every number follows from the machines of ``plant.py`` alone, in integers: times in ms, energy in Wh
as the meters show it at both ends of the window, pieces, and planned run time earned in ms. A
machine with a scripted fault is named in :data:`FAULTY`; its truth is told all the same.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from plantseal_simulators.plant import Machine, State, Truth, truth
from plantseal_simulators.workshop_files import (
    AWAY_S,
    COUNTED,
    METERED,
    METERS,
    VEHICLES,
    machines,
)

PROTOCOLS: Final = {
    "cnc": "opcua", "insp": "opcua", "pack": "mqtt", "conv": "mqtt", "agv": "sparkplug",
    "meter": "modbus",
}  # fmt: skip
MAPPED: Final[dict[State, str]] = {
    "RUN": "producing", "SETUP": "setup", "IDLE": "idle", "ALARM": "down",
}  # fmt: skip
FAULTY: Final = frozenset({"meter2", *VEHICLES})
POINTS: Final = {"cnc": 4, "insp": 3, "pack": 5, "conv": 5, "agv": 4}
"""Required points of each machine, for its upload rate."""
_MWS_PER_WH: Final = 3_600_000


class TrueFigure(NamedTuple):
    """One figure of one machine.

    Attributes:
        machine: Id in the register.
        protocol: How it is read.
        metric: Id in the catalogue; a state is ``availability`` with its ``part``.
        part: ``numerator``, ``denominator``, or a part of the figure.
        value: In whole base units of that part [ns, Wh, pieces].
    """

    machine: str
    protocol: str
    metric: str
    part: str
    value: int


def register(meter: str, made: Mapping[str, Machine], t_ms: int) -> int:
    """Return what a meter shows at ``t_ms`` [0.01 kWh]: it takes note once a second, at the half."""
    noted = max(0, (t_ms - 500) // 1000 * 1000 + 500)
    return sum(made[c].energy_mws(noted) for c in METERS[meter]) // (10 * _MWS_PER_WH)


def counter(machine: Machine, t_ms: int) -> int:
    """Return what the energy counter of a machine shows at ``t_ms`` [Wh]."""
    return machine.energy_mws(t_ms) // _MWS_PER_WH


def true_figures(seed: int, start_ms: int, end_ms: int) -> Iterator[TrueFigure]:
    """Yield the true figures of the window [start, end), factory time [ms], whole seconds."""
    made = {m.id: m for m in machines(seed)}
    for machine in made.values():
        yield from _of_machine(machine, start_ms, end_ms)
    for meter in METERS:
        used = 10 * (register(meter, made, end_ms) - register(meter, made, start_ms))
        yield TrueFigure(meter, "modbus", "energy", "numerator", used)


def _of_machine(machine: Machine, start_ms: int, end_ms: int) -> Iterator[TrueFigure]:
    true = truth(machine, start_ms, end_ms)
    kind = machine.id.rstrip("0123456789")

    def figure(metric: str, part: str, value: int) -> TrueFigure:
        return TrueFigure(machine.id, PROTOCOLS[kind], metric, part, value)

    for state, mapped in MAPPED.items():
        yield figure("availability", f"{mapped}_ns", true.state_ms[state] * 1_000_000)
    heard = (end_ms - start_ms - _away_ms(machine.id, start_ms, end_ms)) * 1_000_000
    yield figure("upload_rate", "numerator", heard * POINTS[kind])
    used = counter(machine, end_ms) - counter(machine, start_ms)
    if machine.id in METERED:
        yield figure("energy", "numerator", used)
    if machine.id not in COUNTED:
        yield figure("throughput_rate", "made", true.total)
    else:
        yield from (figure(*f) for f in _output(machine, true, (end_ms - start_ms) * 1_000_000))
    if machine.id in COUNTED and machine.id in METERED:
        yield figure("energy_per_unit", "numerator", used)
        yield figure("energy_per_unit", "denominator", true.good)


def _output(machine: Machine, true: Truth, planned_ns: int) -> list[tuple[str, str, int]]:
    pru_ns = machine.recipe.ideal_ms * 1_000_000
    return [
        ("defect_rate", "numerator", true.scrap),
        ("defect_rate", "denominator", true.total),
        ("oee", "numerator", pru_ns * true.good),
        ("oee", "denominator", planned_ns),
        ("effectiveness", "numerator", pru_ns * true.total),
        ("effectiveness", "denominator", true.state_ms["RUN"] * 1_000_000),
        ("quality", "numerator", pru_ns * true.good),
        ("quality", "denominator", pru_ns * true.total),
        ("production_efficiency", "numerator", pru_ns * true.good),
    ]


def _away_ms(machine: str, start_ms: int, end_ms: int) -> int:
    """Return how long a machine was away in the window [ms]."""
    if machine not in VEHICLES:
        return 0
    first, last = (round(s * 1000) for s in AWAY_S)
    return max(0, min(end_ms, last) - max(start_ms, first))
