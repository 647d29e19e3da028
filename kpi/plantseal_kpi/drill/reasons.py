"""Why an entry of a drill-down adds nothing, or was counted in a special way: codes and words.

A code may carry a detail after a colon: ``planned_stop:annual maintenance``.
"""

from typing import Final

REASONS: Final[dict[str, tuple[str, str]]] = {
    "after_final": ("received after the final cut-off, 72 h after the period", "统计期结束72小时后才收到"),
    "another_inspection": ("of an inspection that does not count", "非计入的检验"),
    "another_tag_counts": ("another tag of the machine counts", "以该设备的另一标签为准"),
    "bad_status": ("bad status", "状态码不良"),
    "bad_value": ("the last value was bad", "最近一次的值不良"),
    "backfilled": ("filled in later", "补传"),
    "bill_unusable": ("unusable: unit, amount or overlap", "不可用：单位、数量或重叠"),
    "by_hand": ("written down by hand", "人工抄录"),
    "cancelled": ("cancelled, counts as not ended then", "已终止，按当时未完成计"),
    "class_absent": ("no machine of the class is connected", "该类别没有联网设备"),
    "conflict": ("same source time as another value; the first received counts",
                 "与另一值源时间相同，以先收到者为准"),
    "constant": ("the tag showed one value only", "该标签仅有单一数值"),
    "contradiction": ("its counters contradict", "计数器互相矛盾"),
    "duplicate": ("exact repeat", "重复"),
    "false_zero": ("0 between readings that go on", "连续读数之间的0（假零）"),
    "first_reading": ("first reading: no difference", "首个读数，无差值"),
    "from_future": ("from the future", "时间超前"),
    "frozen": ("the heartbeat did not toggle", "心跳未变化"),
    "gateway_gap": ("the gateway itself was off", "网关停机"),
    "good_unknown": ("good pieces of the product are not known", "该产品的合格数未知"),
    "historical": ("read from a store of history", "历史读取"),
    "implausible": ("beyond the rated maximum", "超出额定上限"),
    "incomplete": ("energy or a driver is not known", "能耗或变量未知"),
    "invalid_code": ("the code's check character does not fit", "统一社会信用代码校验不符"),
    "late": ("too late on arrival", "到达过晚"),
    "limited": ("its output is at a limit", "输出处于限位"),
    "lost_messages": ("messages were lost before it", "之前有消息丢失"),
    "manual": ("not in automatic", "未投自动"),
    "metered": ("a meter counts, the bill is a check", "以表计为准，账单作校核"),
    "never_planned": ("no planned time in the period", "期间无计划时间"),
    "no_answer": ("the device did not answer", "设备未应答"),
    "no_date": ("without a date", "无日期"),
    "no_point": ("no required point", "没有必需点"),
    "no_receive_time": ("without a receive time", "无接收时间"),
    "no_run_time": ("no planned run time of the product", "该产品无计划单件时间"),
    "no_sign_of_life": ("no sign of life of the machine", "设备无存活迹象"),
    "no_state_tag": ("no state tag", "没有状态标签"),
    "no_value": ("without a value", "无值"),
    "not_a_value": ("says something of the session, no value", "会话信息，不是数值"),
    "not_authenticated": ("without login", "未登录"),
    "not_baseline_priced": ("without a price of the baseline", "无基期价"),
    "not_connected": ("not connected in the period", "期间未联网"),
    "not_enough": ("collected for less than 0.9 of the time", "自动采集不足90%"),
    "not_good": ("not good at first", "首次不合格"),
    "not_in_figure": ("its machine does not form this figure", "该设备不构成此指标"),
    "not_in_full": ("not delivered in full", "未足量交付"),
    "not_in_scope": ("of a class that is not asked for", "不在要求的类别内"),
    "not_key": ("no key equipment", "非关键设备"),
    "not_mapped": ("a state that the register does not map", "台账未映射的状态"),
    "not_met": ("below the level", "未达到该级别"),
    "not_said": ("the register does not say", "台账未说明"),
    "not_told": ("no value yet", "尚无值"),
    "on_time_not": ("after the first promised date", "晚于首次承诺日期"),
    "open": ("not ended in the period", "期末未完成"),
    "other_account": ("of another account", "其他科目"),
    "other_class": ("of another class", "其他类别"),
    "other_kind": ("of another kind", "其他类别"),
    "other_origin": ("imported or live, unlike the rows of the figure", "与指标所用记录来源不同"),
    "other_state": ("a state that has no part in this figure", "与此指标无关的状态"),
    "outside_period": ("outside the period", "统计期外"),
    "outside_planned": ("outside planned time", "计划时间外"),
    "outside_shifts": ("outside every shift, or a holiday", "班次外或节假日"),
    "overflow": ("the device's queue overflowed", "设备队列溢出"),
    "planned_stop": ("planned stop", "计划停机"),
    "product_unknown": ("the product was not known", "产品未知"),
    "redelivered": ("delivered again, without a time", "重发且无时间"),
    "repeated": ("counted already", "已计入"),
    "reset": ("decrease without a registered change of meter", "无换表记录的减小"),
    "retained": ("retained by the broker", "代理保留消息"),
    "rollover": ("rollover of the register", "计数器翻转"),
    "session_lost": ("connection lost", "连接中断"),
    "signed_exclusion": ("excluded by the signed list", "签批清单排除"),
    "silent": ("no good value for longer than the freshness limit", "超过新鲜度时限无有效值"),
    "straddles": ("began before the period, after a long silence", "始于统计期前且中断过长"),
    "unavailable": ("UNAVAILABLE", "UNAVAILABLE（不可用）"),
    "unit": ("its unit measures something else", "单位不符"),
    "unread": ("mode or output is not known", "模式或输出未知"),
    "unreadable": ("no number that a counter can show", "不是计数器读数"),
    "works": ("meets the works, or is cut by the period", "处于施工期或被期间截断"),
}  # fmt: skip
"""English and Chinese words of each code."""


def words(reason: str) -> tuple[str, str]:
    """Return a reason in English and Chinese, with its detail.

    Example:
        >>> words("planned_stop:年检")[0]
        'planned stop: 年检'
    """
    code, _, detail = reason.partition(":")
    en, zh = REASONS.get(code, (code, code))
    return (f"{en}: {detail}", f"{zh}：{detail}") if detail else (en, zh)
