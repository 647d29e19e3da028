"""The ledgers: which records of which columns each business figure is made of.

Every ledger is a table that a plant can export: one record a line, headers as identifiers or in
Chinese. Money is whole fen, time ns, mass g, so that sums are exact.
"""

from typing import Final, get_args

import polars as pl

from plantseal_kpi.business.schema import Column, Schema, canonical, parsed
from plantseal_kpi.plant.business import COST_KINDS, LedgerName
from plantseal_kpi.plant.points import Carrier

_POSTED: Final = Column(
    "date", "posting", ("日期", "记账日期", "月份", "期间"), "day of the booking, or its month"
)
_KINDS: Final = {
    "materials": ("材料加工", "材料转换", "材料"), "energy": ("能源", "动力"),
    "labour": ("人工", "薪酬"), "maintenance": ("维修", "维护"), "quality": ("质量",),
    "logistics": ("物流", "运输"), "overhead": ("制造费用", "其他", "管理"),
}  # fmt: skip
_MASS_KINDS: Final = {
    "input": ("投入", "领料"), "good_product": ("合格产品", "合格品"),
    "waste_generated": ("废物产生", "废料产生"), "waste_reused": ("废物利用", "废料回用"),
}  # fmt: skip
_STAFF: Final = {
    "line": ("产线", "一线", "产线作业人员"), "support": ("辅助", "技术"), "office": ("管理", "行政"),
}  # fmt: skip
_TRUE_KINDS: Final = {kind: () for kind in COST_KINDS} | {"other": ("其他", "土建", "土建工程")}
_FINANCE: Final = {
    "cogs": ("营业成本", "销售成本"), "revenue": ("营业收入", "主营业务收入"),
    "profit": ("利润", "利润总额"), "tax": ("税金", "上缴税金"), "assets": ("资产总额", "总资产"),
    "debt": ("负债总额", "总负债"), "rd": ("研发投入", "研发费用"),
}  # fmt: skip

_CARRIERS: Final[dict[Carrier, tuple[str, ...]]] = {
    "electricity": ("电力", "电"), "natural_gas": ("天然气",), "coke_oven_gas": ("焦炉煤气",),
    "lpg": ("液化石油气",), "lng": ("液化天然气",), "raw_coal": ("原煤",),
    "washed_coal": ("洗精煤",), "coke": ("焦炭",), "crude_oil": ("原油",), "fuel_oil": ("燃料油",),
    "petrol": ("汽油",), "kerosene": ("煤油",), "diesel": ("柴油",), "heat": ("热力", "蒸汽热量"),
    "fresh_water": ("新水", "自来水"), "compressed_air": ("压缩空气",), "oxygen": ("氧气",),
}  # fmt: skip

SCHEMAS: Final[dict[LedgerName, Schema]] = {
    "costs": Schema((
        Column("entry", "id", ("凭证号", "编号"), "number of the booking, unique"),
        _POSTED,
        Column("account", "id", ("科目", "会计科目"), "account of the ledger"),
        Column("kind", "word", ("类别", "成本类别"), "kind of operating cost", words=_KINDS),
        Column("amount", "money", ("金额", "发生额"), "as booked"),
        Column("amount_baseline_prices", "money", ("基期价金额", "不变价金额"),
               "the same quantities at the prices of the baseline; may be left out before the "
               "project", nullable=True),
    ), ("entry",), "one cost booking of the project's scope"),
    "output": Schema((
        _POSTED,
        Column("product", "id", ("产品", "产品编号"), "product"),
        Column("good", "count", ("合格数", "合格数量"), "good pieces", least=0),
        Column("standard", "hours", ("标准工时", "单件标准工时"),
               "standard hours of one piece", least=1),
    ), ("date", "product"), "what was made of one product on a day or in a month"),
    "projects": Schema((
        Column("project", "id", ("项目", "项目编号"), "R&D project, unique"),
        Column("cls", "id", ("类别", "项目类别"), "class within which projects are comparable"),
        Column("approved", "day", ("立项日期",), "approval of the project"),
        Column("released", "day", ("发布日期", "定型日期", "完成日期"),
               "release of the product; empty while it is open", nullable=True),
        Column("cancelled", "day", ("终止日期",), "end without a release", nullable=True),
    ), ("project",), "one R&D project",
        (("approved", "released"), ("approved", "cancelled"))),
    "inventory": Schema((
        Column("date", "posting", ("日期", "月末", "月份"), "last day of the month"),
        Column("item", "id", ("项目", "存货类别"), "kind of stock, e.g. raw, wip, finished"),
        Column("value", "money", ("金额", "存货金额"), "value", nullable=True, least=0),
        Column("pieces", "count", ("数量",), "pieces", nullable=True, least=0),
    ), ("date", "item"), "stock of one kind at the end of a month"),
    "finance": Schema((
        _POSTED,
        Column("item", "word", ("项目", "科目"), "what the amount is", words=_FINANCE),
        Column("amount", "money", ("金额",), "amount of that month or day"),
    ), ("date", "item"), "one line of the accounts"),
    "orders": Schema((
        Column("order", "id", ("订单", "订单号"), "order"),
        Column("line", "id", ("行号", "订单行"), "line of the order"),
        Column("confirmed", "day", ("确认日期", "下单日期"), "confirmation of the order"),
        Column("promised_first", "day", ("首次承诺日期", "首次承诺交期"), "the first date promised"),
        Column("promised", "day", ("承诺日期", "承诺交期"),
               "the date promised now; not used for on-time, only counted", nullable=True),
        Column("ordered", "count", ("订购数量", "订单数量"), "pieces ordered", least=1),
        Column("delivered", "day", ("交付日期", "完成日期"),
               "day on which the quantity below was complete; empty while nothing is",
               nullable=True),
        Column("delivered_quantity", "count", ("交付数量",), "pieces delivered by then",
               nullable=True, least=0),
    ), ("order", "line"), "one order line", (("confirmed", "delivered"),)),
    "staff": Schema((
        Column("date", "posting", ("日期", "月末", "月份"), "last day of the month"),
        Column("kind", "word", ("类别", "人员类别"), "what they do", words=_STAFF),
        Column("persons", "count", ("人数",), "persons employed", least=0),
    ), ("date", "kind"), "head count of one kind at the end of a month"),
    "labour": Schema((
        _POSTED,
        Column("group", "id", ("班组",), "group or line"),
        Column("worked", "hours", ("直接工时", "工时"), "direct labour hours worked", least=0),
    ), ("date", "group"), "direct labour of a group on a day or in a month"),
    "value_added": Schema((
        _POSTED,
        Column("amount", "money", ("增加值", "工业增加值"), "value added of the month or day"),
    ), ("date",), "value added of a month or day"),
    "materials": Schema((
        _POSTED,
        Column("kind", "word", ("类别",), "what the mass is", words=_MASS_KINDS),
        Column("material", "id", ("物料", "材料"), "material or product"),
        Column("mass", "mass", ("质量", "重量"), "mass", least=0),
    ), ("date", "kind", "material"), "mass of one material on a day or in a month"),
    "partners": Schema((
        Column("exchange", "id", ("编号", "交互编号"), "number of the exchange, unique"),
        Column("uscc", "id", ("统一社会信用代码",), "who: 18 characters, GB 32100"),
        Column("name", "text", ("企业名称",), "name of the enterprise", nullable=True),
        Column("time", "time", ("时间", "交互时间"), "when data were exchanged"),
        Column("authenticated", "truth", ("已认证", "认证"), "whether the partner had logged in"),
    ), ("exchange",), "one exchange over the platform"),
    "investments": Schema((
        Column("item", "id", ("编号", "合同号"), "contract or item, unique"),
        Column("kind", "word", ("费用类别", "类别"), "cost kind of 渝经信智能〔2024〕4号 二(五)",
               words=_TRUE_KINDS),
        Column("planned", "money", ("计划投资", "预算金额"), "planned", nullable=True, least=0),
        Column("invoiced", "money", ("已开票金额", "发票金额", "已完成投资"), "on invoices so far",
               nullable=True, least=0),
        Column("date", "day", ("日期", "发票日期"), "last invoice", nullable=True),
    ), ("item",), "one item of the project's investment"),
    "inspections": Schema((
        Column("part", "id", ("零件", "零件号", "产品序列号"), "the piece"),
        Column("inspection", "id", ("检验", "检验类型"), "which inspection, e.g. incoming"),
        Column("time", "time", ("时间", "检验时间"), "when it was judged"),
        Column("passed", "truth", ("合格", "判定"), "accepted"),
    ), ("part", "inspection", "time"), "one piece judged once"),
    "lots": Schema((
        Column("lot", "id", ("批次", "批号"), "the lot"),
        Column("time", "time", ("时间", "检验时间"), "when it was judged"),
        Column("inspected", "count", ("检验数", "检验数量"), "pieces inspected", least=0),
        Column("defective", "count", ("不良数", "不合格数"), "of them not accepted at first pass",
               least=0),
    ), ("lot",), "one inspected lot", (("defective", "inspected"),)),
    "energy_bills": Schema((
        Column("meter", "id", ("表计", "表号", "户号"), "meter or account"),
        Column("carrier", "word", ("能源品种", "品种"), "energy carrier, as in the tag table",
               words={c: _CARRIERS.get(c, ()) for c in get_args(Carrier)}),
        Column("start", "day", ("起始日期", "开始日期"), "first day billed"),
        Column("end", "day", ("终止日期", "结束日期", "截止日期"), "day after the last one billed"),
        Column("quantity", "number", ("用量", "数量"), "consumption in `unit`"),
        Column("unit", "text", ("单位", "计量单位"), "kWh, m3, t, GJ, …"),
    ), ("meter", "carrier", "start"), "one bill", (("start", "end"),)),
    "weather": Schema((
        Column("date", "day", ("日期",), "local day"),
        Column("mean_c", "number", ("平均气温", "日平均气温"), "mean outdoor temperature [°C]"),
    ), ("date",), "one day's weather"),
    "drivers": Schema((
        _POSTED,
        Column("name", "id", ("变量", "名称"), "name of the driver, as in the model"),
        Column("value", "number", ("数值", "值"), "its value on that day or in that month"),
    ), ("date", "name"), "what else the energy depends on"),
}  # fmt: skip
"""Every ledger by name."""


def canonical_csv(frame: pl.DataFrame, name: LedgerName) -> bytes:
    """Return the canonical form of a ledger; its SHA-256 is ``plant.ledgers[name].sha256``.

    Raises:
        ValueError: The frame is not of the ledger's schema, or a record breaks one of its rules.
    """
    try:
        return canonical(frame, SCHEMAS[name])
    except ValueError as e:
        raise ValueError(f"ledger {name}: {e}") from e


def read_canonical(body: bytes, name: LedgerName) -> pl.DataFrame:
    """Return the frame of a ledger from its canonical form.

    Raises:
        ValueError: The bytes are not exactly what :func:`canonical_csv` writes.
    """
    try:
        return parsed(body, SCHEMAS[name])
    except ValueError as e:
        raise ValueError(f"ledger {name}: {e}") from e
