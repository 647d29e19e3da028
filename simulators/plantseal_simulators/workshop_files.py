"""The plant file, tag tables and records before the project that belong to the workshop.

Written as a plant engineer would write them, text by text; the workshop knows nothing of how the
gateway reads them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

from plantseal_simulators.plant import Machine

CNCS: Final = tuple(f"cnc{i}" for i in range(1, 9))
NAMESPACE: Final = "urn:plantseal:workshop"
GROUP, NODE = "workshop", "fleet"
VEHICLES: Final = ("agv1", "agv2")
COUNTED: Final = (*CNCS, "pack1", "conv1")
"""Machines whose good pieces are counted."""
METERED: Final = ("pack1", "conv1", *VEHICLES)
"""Machines with an energy counter of their own; the CNC machines share two meters."""
METERS: Final = {"meter1": CNCS[:4], "meter2": CNCS[4:]}
BEFORE_DAYS: Final = 2
GARBAGE_S: Final = (20.0, 24.0)
"""When the deliberate faults are, factory time [s]: meter 2 returns garbage."""
AWAY_S: Final = (27.0, 29.5)
"""The vehicles drop out."""
_SCHEMA: Final = "# yaml-language-server: $schema=../config/plantseal.schema.json\n"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the workshop's servers can be reached."""

    opcua: str
    modbus_host: str
    modbus_port: int
    mqtt_host: str
    mqtt_port: int


_REST = (
    ("insp1", "三坐标测量机", "FA-201", "inspection", True),
    ("pack1", "包装线", "FA-301", "logistics", False),
    ("conv1", "输送线", "FA-302", "logistics", False),
    ("agv1", "物流小车 1", "FA-303", "logistics", False),
    ("agv2", "物流小车 2", "FA-304", "logistics", False),
)


def _register() -> str:
    """Return the equipment register: what is connected, what is not, and the meters."""
    states = "{RUN: producing, SETUP: setup, IDLE: idle, ALARM: down}"
    lines = [
        f"  - {{id: {c}, name: 数控车床 {c[3:]}, card: FA-{100 + int(c[3:])}, cls: processing, "
        f"key: true, declared_level: L1, numeric: true, ideal_cycle_s: 0.36, stale_s: 10, "
        f"states: {states}}}"
        for c in CNCS
    ]
    lines += [
        f"  - {{id: {id_}, name: {name}, card: {card}, cls: {cls}, key: {str(key).lower()}, "
        f"declared_level: L1, {'ideal_cycle_s: 0.36, ' if id_ in COUNTED else ''}stale_s: 10, "
        f"states: {states}}}"
        for id_, name, card, cls, key in _REST
    ]
    lines += [
        "  - {id: press9, name: 手动压力机（未联网）, card: FA-401, cls: processing}",
        "  - {id: meter1, name: 电表 1, card: FA-501, cls: other, production: false}",
        "  - {id: meter2, name: 电表 2, card: FA-502, cls: other, production: false}",
    ]
    return "\n".join(lines)


_HEADER = "name,equipment,address,type,order,scale,unit,period_ms,role,required,description\n"


def _cell_tags() -> str:
    rows = []
    for c in CNCS:
        node = f"nsu={NAMESPACE};s={c}"
        rows += [
            f"{c}.state,{c},{node}.state,,,,,,state,true,运行状态",
            f"{c}.total,{c},{node}.total,,,,piece,,count_total,true,产量",
            f"{c}.good,{c},{node}.good,,,,piece,,count_good,true,合格",
            f"{c}.alarm,{c},{node}.alarm,,,,,,alarm,true,报警",
        ]
    rows += [
        f"insp1.state,insp1,nsu={NAMESPACE};s=insp1.state,,,,,,state,true,运行状态",
        f"insp1.measured,insp1,nsu={NAMESPACE};s=insp1.total,,,,piece,,count_total,true,测量件数",
        f"insp1.alarm,insp1,nsu={NAMESPACE};s=insp1.alarm,,,,,,alarm,true,报警",
    ]
    return _HEADER + "\n".join(rows) + "\n"


def _meter_tags(meter: str) -> str:
    return _HEADER + "".join(
        f"{meter}.{name},{meter},profile:{point},,,,,{period},{role},true,{text}\n"
        for name, point, period, role, text in (
            ("energy", "active_energy_import_total", 250, "energy", "正向有功电能"),
            ("power", "active_power_total", 500, "value", "总有功功率"),
            ("voltage", "voltage_l1", 500, "value", "A 相电压"),
        )
    )


def _packing_tags() -> str:
    rows = [
        f"{m}.{name},{m},plant/{m}/status#{pointer},,,,{unit},1000,{role},true,{text}\n"
        for m, counted in (("pack1", "装箱数"), ("conv1", "输送件数"))
        for name, pointer, unit, role, text in (
            ("state", "/state", "", "state", "运行状态"),
            ("moved", "/counts/total", "piece", "count_total", counted),
            ("good", "/counts/good", "piece", "count_good", "合格数"),
            ("energy", "/energy_wh", "Wh", "energy", "电能"),
            ("alarm", "/alarm", "", "alarm", "报警"),
        )
    ]
    return _HEADER + "".join(rows)


def _vehicle_tags() -> str:
    rows = [
        f"{v}.{name},{v},{v}#{name},,,,{unit},1000,{role},true,{text}\n"
        for v in VEHICLES
        for name, unit, role, text in (
            ("state", "", "state", "运行状态"),
            ("trips", "piece", "count_total", "运输次数"),
            ("energy", "Wh", "energy", "电能"),
            ("alarm", "", "alarm", "报警"),
        )
    ]
    return _HEADER + "".join(rows)


def _before_tags() -> str:
    rows = []
    for c in COUNTED:
        rows += [
            f"before.{c}.total,{c},{c}_total,int,,,piece,3600000,count_total,false,改造前产量",
            f"before.{c}.good,{c},{c}_good,int,,,piece,3600000,count_good,false,改造前合格",
        ]
    rows += [f"before.{m}.energy,{m},{m}_kwh,int,,0.01,kWh,3600000,energy,false,改造前电能"
             for m in (*METERS, *METERED)]  # fmt: skip
    return _HEADER + "\n".join(rows) + "\n"


def _plant(a: Addresses, before: tuple[datetime, datetime]) -> str:
    return f"""{_SCHEMA}# The simulated workshop, written by `plantseal sim`. 仿真车间，由 plantseal sim 生成。
version: 1
site: demo-workshop
name: 示范车间
zone: Asia/Shanghai
equipment:                     # 设备台账，包含未联网的 press9
{_register()}
upload_delay_s: 10
baseline:
  kind: pre_project            # 改造项目：与建设前对比
  period: {{start: "{before[0].isoformat()}", end: "{before[1].isoformat()}"}}
notices: [CQ2020-15]
project: {{track: workshop, build: renovation, project_class: II, region: other}}
declared:                      # 申报主体的声明，核验时标为“声明”
  applicant_registered_in_chongqing_legal_person: true
  industrial_policy_conformity: true
  equipment_software_investment: 1860
  project_completed: true
  previously_recognised: false
  applications_per_legal_person: 1
  network_technology: [工业互联网, 物联网]
  mes_functions: [车间作业计划管理和调度, 工艺执行管理, 物流与仓储管理, 质量分析管理与跟踪, 设备运行管理]
  workshop_visual_management: true
  systems_integrated: [设备实时数据采集系统, 制造执行系统, 企业管理设计信息系统]
evidence: {{origin: plantseal.invalid/demo-workshop, block_s: 5}}
sources:
  - id: cell1
    connector: opcua
    endpoint: {a.opcua}
    publishing_ms: 250
    tags: tags/cell1.csv
  - id: meter1
    connector: modbus
    host: {a.modbus_host}
    port: {a.modbus_port}
    unit_id: 1
    timeout_ms: 200
    profile: acrel_dtsd1352
    tags: tags/meter1.csv
  - id: meter2
    connector: modbus
    host: {a.modbus_host}
    port: {a.modbus_port}
    unit_id: 2
    timeout_ms: 200
    profile: eastron_sdm630
    tags: tags/meter2.csv
  - id: packing
    connector: mqtt
    host: {a.mqtt_host}
    port: {a.mqtt_port}
    time: /ts
    time_unit: ms
    tags: tags/packing.csv
  - id: vehicles
    connector: sparkplug
    host: {a.mqtt_host}
    port: {a.mqtt_port}
    group_id: {GROUP}
    edge_node_id: {NODE}
    tags: tags/vehicles.csv
  - id: before
    connector: recorded        # 改造前的历史记录，用 plantseal import 导入
    tags: tags/before.csv
"""


def _before_rows(start: datetime, seed: int) -> Iterable[str]:
    """Hourly counter readings of the workshop before the project: slower, more scrap, more energy."""
    random = Random(f"{seed}/before")
    total = dict.fromkeys(COUNTED, 0)
    good = dict.fromkeys(COUNTED, 0)
    energy = {m: 1_000_00 for m in (*METERS, *METERED)}  # hundredths of a kWh
    for hour in range(BEFORE_DAYS * 24 + 1):
        time = (start + timedelta(hours=hour)).isoformat()
        counts = ",".join(f"{total[c]},{good[c]}" for c in COUNTED)
        yield f"{time},{counts}," + ",".join(f"{Decimal(e) / 100:.2f}" for e in energy.values())
        for c in COUNTED:
            made = random.randint(6_700, 7_000)
            total[c] += made
            good[c] += made - random.randint(260, 300)
        energy = {
            m: e + len(METERS.get(m, (m,))) * random.randint(5_150, 5_350)
            for m, e in energy.items()
        }


_MAP = """# Column map of before.csv: hourly readings of the MES and of the meters before the project.
source: before
format: csv
time: {column: time, format: rfc3339}
columns:
"""


def write(folder: Path, addresses: Addresses, *, seed: int, now: datetime) -> Path:
    """Write plant.yaml, its tables and the records before the project; return plant.yaml.

    Everything is written before plant.yaml, so whoever waits for that file finds the rest.
    """
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=30)
    start = end - timedelta(days=BEFORE_DAYS)
    tags = folder / "tags"
    tags.mkdir(parents=True, exist_ok=True)
    tables = {
        "cell1": _cell_tags(), "meter1": _meter_tags("meter1"), "meter2": _meter_tags("meter2"),
        "packing": _packing_tags(), "vehicles": _vehicle_tags(), "before": _before_tags(),
    }  # fmt: skip
    for name, text in tables.items():
        (tags / f"{name}.csv").write_text(text, encoding="utf-8")
    columns = [f"{c}_{what}" for c in COUNTED for what in ("total", "good")]
    meters = [f"{m}_kwh" for m in (*METERS, *METERED)]
    text = "time," + ",".join([*columns, *meters]) + "\n"
    text += "\n".join(_before_rows(start, seed)) + "\n"
    (folder / "before.csv").write_text(text, encoding="utf-8")
    names = [f"  {c}: before.{c.replace('_', '.')}" for c in columns]
    names += [f"  {m}: before.{m.removesuffix('_kwh')}.energy" for m in meters]
    (folder / "before.map.yaml").write_text(_MAP + "\n".join(names) + "\n", encoding="utf-8")
    plant = folder / "plant.yaml"
    plant.write_text(_plant(addresses, (start, end)), encoding="utf-8")
    return plant


def machines(seed: int) -> Sequence[Machine]:
    """Return the workshop's machines, meters not among them."""
    return tuple(Machine(m, seed) for m in (*CNCS, "insp1", "pack1", "conv1", *VEHICLES))
