"""The plant of the benchmark: devices of five series each, half polled, half subscribed.

A device has a state (text or number), two counts, an energy register and a process value. One in
ten counts in a register of 16 bits; one in four keeps its energy as a float. Two shifts a day, one
holiday, one planned stop.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from plantseal_kpi.plant import Period, Plant

SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND
PERIOD_S: Final = 10
SERIES: Final = ("state", "count_total", "count_good", "energy", "value")
STATES: Final = ("RUN", "IDLE", "SETUP", "DOWN", "ODD")
"""Text of a state; a device that says numbers says the index here. ``ODD`` is not in the map."""
MAPPED: Final = ("producing", "idle", "setup", "down")
REGISTER: Final = 65_536
T0: Final = int(datetime(2026, 1, 4, 16, tzinfo=UTC).timestamp()) * SECOND
"""Local midnight of Monday 2026-01-05 in Asia/Shanghai [ns]."""


def is_polled(device: int) -> bool:
    """Return True for a polled device; the others are subscribed."""
    return device % 2 == 0


def says_text(device: int) -> bool:
    """Return True for a device whose state is a text."""
    return device % 3 != 0


def has_short_register(device: int) -> bool:
    """Return True for a device whose counts roll over at :data:`REGISTER`."""
    return device % 10 == 0


def has_float_energy(device: int) -> bool:
    """Return True for a device whose energy is a float in kWh; the others count whole Wh."""
    return device % 4 == 1


def name(device: int) -> str:
    """Return the equipment id of a device."""
    return f"m{device:03}"


def tag(device: int, series: int) -> int:
    """Return the tag id of a series."""
    return 1 + device * len(SERIES) + series


def link(device: int, devices: int) -> int:
    """Return the link tag of a device."""
    return 1 + devices * len(SERIES) + device


def period(days: int) -> Period:
    """Return the benchmark's period."""
    start = datetime.fromtimestamp(T0 // SECOND, UTC)
    return Period(start=start, end=start + timedelta(days=days))


def plant(devices: int) -> Plant:
    """Return the plant."""
    return Plant.model_validate(
        {
            "site": "bench",
            "zone": "Asia/Shanghai",
            "equipment": [_machine(d) for d in range(devices)],
            "points": [_point(d, s, devices) for d in range(devices) for s in range(len(SERIES))],
            "calendar": {
                "shifts": [
                    {"name": "early", "start": "06:00", "end": "14:00"},
                    {"name": "late", "start": "14:00", "end": "22:00"},
                ],
                "holidays": ["2026-01-11"],
                "stops": [
                    {
                        "reason": "overhaul",
                        "equipment": [name(min(2, devices - 1))],
                        "period": {
                            "start": "2026-01-06T09:00:00+08:00",
                            "end": "2026-01-06T12:30:00+08:00",
                        },
                    }
                ],
            },
        }
    )


def _machine(device: int) -> dict[str, object]:
    said = STATES if says_text(device) else [str(i) for i in range(len(STATES))]
    return {
        "id": name(device),
        "name": name(device),
        "cls": ("processing", "inspection", "logistics")[device % 3],
        "ideal_cycle_s": "18",
        "rated_power_kw": "30",
        "states": dict(zip(said, MAPPED, strict=False)),
    }


def _point(device: int, series: int, devices: int) -> dict[str, object]:
    role = SERIES[series]
    polled = is_polled(device)
    found: dict[str, object] = {
        "tag": tag(device, series),
        "name": f"{name(device)}.{role}",
        "equipment": name(device),
        "source": "line",
        "link": link(device, devices),
        "mode": "polled" if polled else "subscribed",
        "protocol": "modbus" if polled else "opcua",
        "role": role,
        "period_ms": PERIOD_S * 1000,
        "keepalive_ms": 10_000,
        "publishing_ms": 0 if polled else 1000,
    }
    if role == "energy":
        found["unit"] = "kWh"
        found["scale"] = "1" if has_float_energy(device) else "0.001"
    if role.startswith("count") and has_short_register(device):
        found["register_max"] = REGISTER
    return found
