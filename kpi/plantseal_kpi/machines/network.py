"""Facts about the network that a notice asks as such: classes connected, monitoring in real time."""

from typing import Final

from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N20, Metric
from plantseal_kpi.report import Result
from plantseal_kpi.rows.readings import SECOND
from plantseal_kpi.rows.window import Window

VERSION = 1
CLASSES: Final = {"processing": "加工设备", "inspection": "检测设备", "logistics": "物流设备"}


def networked_equipment_classes(linked: dict[str, int]) -> tuple[str, ...]:
    """Return the classes, as the notice names them, of which at least one machine is connected.

    Args:
        linked: Connected machines by class of :data:`CLASSES`.

    Example:
        >>> networked_equipment_classes({"processing": 3, "inspection": 0})
        ('加工设备',)
    """
    return tuple(name for cls, name in CLASSES.items() if linked.get(cls, 0) > 0)


def real_time_monitoring(linked: int, p95_delay_ns: int | None, limit_ns: int) -> bool:
    """Return True when machines are connected and 95 % of their values arrive within the limit.

    Example:
        >>> real_time_monitoring(3, 2_000_000_000, 60_000_000_000)
        True
    """
    return linked > 0 and p95_delay_ns is not None and p95_delay_ns <= limit_ns


def network_results(w: Window, upload: Result) -> list[Result]:
    """Return both facts as figures: classes connected of three, and 1 or 0 for real time.

    Args:
        w: The period.
        upload: The plant's upload rate, whose parts carry links and delay.
    """
    linked = {cls: int(upload.parts[f"devices_linked_{cls}"]) for cls in CLASSES}
    known = {cls: int(upload.parts[f"devices_{cls}"]) for cls in CLASSES}
    found = [
        finding(
            "network.class",
            f"{CLASSES[cls]}: {linked[cls]} of {known[cls]} registered machines are connected",
            cls=CLASSES[cls],
        )
        for cls in CLASSES
        if linked[cls] < max(1, known[cls])
    ]
    connected = networked_equipment_classes(linked)
    classes = result(
        "networked_equipment_classes", VERSION, "plant", len(connected), len(CLASSES),
        origin=w.origin, formula="{n} of {d} classes with a connected machine", findings=found,
        parts={**{CLASSES[c]: f"{linked[c]}/{known[c]}" for c in CLASSES},
               "connected": ",".join(connected)},
    )  # fmt: skip
    limit = w.plant.upload_delay_s * SECOND
    delay = upload.parts.get("p95_delay_ns", "")
    live = upload.value is not None
    now = real_time_monitoring(sum(linked.values()), int(delay) if delay else None, limit)
    real_time = result(
        "real_time_monitoring", VERSION, "plant", int(now) if live else None, 1,
        origin=w.origin, parts={"p95_delay_ns": delay, "limit_ns": limit},
        formula="1 if the 95th percentile of the delay is within the limit: {n}",
        findings=[] if live else upload.findings[:1],
    )  # fmt: skip
    return [classes, real_time]


METRICS: Final = (
    Metric(
        "networked_equipment_classes", VERSION, "联网设备类别", "1",
        networked_equipment_classes, ("required points", "register"),
        f"{N20} 附件1 一(二)", ("networked_equipment_classes",),
    ),
    Metric(
        "real_time_monitoring", VERSION, "设备实时监控", "1",
        real_time_monitoring, ("required points",), f"{N20} 附件1 一(二)",
        ("real_time_monitoring",), witnessed=True,
    ),
)  # fmt: skip
