"""What the configuration says to a person: one catalogue, English and Chinese.

Every sentence of this package stands here under an id; a test asserts that both languages are
complete and name the same values. Sentences written elsewhere (validators of the KPI core and of
the connectors) are English at their origin and translated by :func:`foreign`.
"""

import re
from typing import Final, Literal, get_args

Lang = Literal["en", "zh"]
LANGS: Final[tuple[Lang, ...]] = get_args(Lang)

WORDS: Final[dict[str, tuple[str, str]]] = {
    # the frame of nearly every message
    "got": ("got {got}, expected {expected}", "实际为 {got}，应为 {expected}"),
    "hint": ("{message}; did you mean {near!r}?", "{message}；是否想写 {near!r}？"),
    "nothing": ("nothing", "空"),
    "or": (" or ", " 或 "),
    "no_key": ("no further key", "没有更多的键"),
    "unknown_key": ("an unknown key", "未知的键"),
    # what was expected
    "range": ("{low}..{high}", "{low}..{high}"),
    "at_least": ("at least {low}", "不小于 {low}"),
    "above": ("more than {low}", "大于 {low}"),
    "at_most": ("at most {high}", "不大于 {high}"),
    "below": ("less than {high}", "小于 {high}"),
    "typed": ("{what}, {limits}", "{what}，{limits}"),
    "one_of": ("one of {choices}", "{choices} 之一"),
    "whole": ("a whole number", "整数"),
    "number": ("a number", "数字"),
    "truth": ("true or false", "true 或 false"),
    "text": ("text; put it in quotes", "文本；请加引号"),
    "list": ("a list", "列表"),
    "mapping": ("a mapping of keys to values", "键值映射"),
    "date": ("a date such as 2026-03-01", "日期，例如 2026-03-01"),
    "time": ("a time of day such as 08:30", "时刻，例如 08:30"),
    "instant": (
        "a time with its offset, such as 2026-03-01T00:00:00+08:00",
        "带时区偏移的时间，例如 2026-03-01T00:00:00+08:00",
    ),
    "path": ("a file path", "文件路径"),
    "url": ("a URL", "URL 地址"),
    "required": ("a value, this key is required", "一个值，此键必填"),
    "id": ("letters, digits and . _ - only", "仅限字母、数字和 . _ -"),
    "pattern": ("text of the form {pattern}", "符合 {pattern} 的文本"),
    "longer": ("at least {n} characters", "至少 {n} 个字符"),
    "shorter": ("at most {n} characters", "至多 {n} 个字符"),
    "more_items": ("at least {n} entries", "至少 {n} 项"),
    "fewer_items": ("at most {n} entries", "至多 {n} 项"),
    "of_register": ("an id of the equipment register", "设备台账中的编号"),
    "of_points": ("the name of a tag", "测点名称"),
    "of_loops": ("the id of a loop in process.loops", "process.loops 中的回路编号"),
    "unit_of": ("one of {units}, for {what}", "{units} 之一（{what}）"),
    "window": ("window", "窗口"),
    "loop": ("loop", "回路"),
    "parameter": ("parameter", "参数"),
    # files
    "no_file": (
        "no such file; check the path, or start from config/plant.example.yaml",
        "文件不存在；请检查路径，或从 config/plant.example.yaml 开始",
    ),
    "unreadable": ("cannot be read: {reason}", "无法读取：{reason}"),
    "is_directory": ("is a directory, expected a file", "是目录，应为文件"),
    "encoding": (
        "is not text in UTF-8 or GB18030; save it as UTF-8",
        "不是 UTF-8 或 GB18030 文本；请另存为 UTF-8",
    ),
    "empty": (
        "is empty; start from config/plant.example.yaml",
        "文件为空；请从 config/plant.example.yaml 开始",
    ),
    "too_large": (
        "is larger than {limit} bytes; put tags into CSV or XLSX tables",
        "超过 {limit} 字节；请把测点放入 CSV 或 XLSX 表",
    ),
    "not_yaml": ("not YAML: {reason}", "不是 YAML：{reason}"),
    "tab": (
        "; line {line} is indented with a tab, use spaces",
        "；第 {line} 行用制表符缩进，请改用空格",
    ),
    "full_width": (
        "; line {line} has a full-width {char!r}, write it half-width where it belongs to the YAML",
        "；第 {line} 行有全角字符 {char!r}，作为 YAML 符号时请改用半角",
    ),
    "curly": (
        "{char} is no quotation mark of YAML and would become part of the text; "
        'use " or none (inside "…" it may stand)',
        "{char} 不是 YAML 引号，会成为文本的一部分；请用英文引号 \" 或不加引号（可放在 \"…\" 之内）",
    ),
    "too_deep": ("nested deeper than {limit} levels", "嵌套超过 {limit} 层"),
    "too_many": ("more than {limit} values", "超过 {limit} 个值"),
    "duplicate_key": (
        "key {key!r} stands twice, first at line {line}; keep one",
        "键 {key!r} 重复，首次出现在第 {line} 行；请只保留一个",
    ),
    "not_a_key": ("a key must be a single word, not a list or a mapping", "键必须是单个词"),
    "own_tag": ("the YAML tag {tag!r} is not supported; remove it", "不支持 YAML 标签 {tag!r}；请删除"),
    "endless": ("the alias refers to itself; write the value out", "别名引用自身；请写出具体值"),
    # the plant as a whole
    "twice": ("{what} {id!r} stands twice; keep one", "{what} {id!r} 重复；请只保留一个"),
    "twice_at": (
        "{what} {id!r} stands twice, first at {first}; keep one",
        "{what} {id!r} 重复，首次出现在 {first}；请只保留一个",
    ),
    "equipment": ("equipment", "设备"),
    "source": ("source", "数据源"),
    "tag": ("tag", "测点"),
    "recorded_type": ("one of text, int, float, or nothing", "text、int、float 之一，或留空"),
    "quoted": ("the text {got!r}; put it in quotes", "文本 {got!r}；请加引号"),
    # remarks: no mistakes, but most likely not meant
    "no_shifts": (
        "no shifts: production counts as planned around the clock, and time without work as lost",
        "没有班次：按全天计划生产计，不生产的时间都算损失",
    ),
    "no_days": ("shift {name} has no days and never takes place", "班次 {name} 没有日期，永不生效"),
    "shift_twice": (
        "the name {name} is that of shift {first} already; figures by shift are added up",
        "班次名 {name} 与第 {first} 个班次相同；按班次的指标会合并",
    ),
    "shifts_overlap": (
        "shifts {a} and {b} overlap; the time they share counts once in the plan, and for both in "
        "figures by shift",
        "班次 {a} 与 {b} 重叠；重叠时间在计划中只计一次，按班次的指标中两班都计",
    ),
    "holiday_twice": ("{day} stands twice", "{day} 重复"),
    "holiday_year": (
        "{day} lies in none of the years of windows and baseline ({years}); check the year",
        "{day} 不在窗口和基期的年份（{years}）之内；请检查年份",
    ),
    "no_reason": (
        "a stop without a reason; write what was planned, an evaluator asks for it",
        "停机没有写原因；请写明计划内容，评审时会询问",
    ),
    "stops_overlap": (
        "stops {a} and {b} overlap; the time they share is left out once",
        "第 {a} 与第 {b} 个停机时段重叠；重叠时间只剔除一次",
    ),
    "windows_overlap": (
        "windows {a} and {b} overlap; both will be listed in every report",
        "窗口 {a} 与 {b} 重叠；两者都会列入每份报告",
    ),
    "other_role": (
        "{point} has the role {role}, expected {expected}; correct the tag table or the name",
        "测点 {point} 的角色为 {role}，应为 {expected}；请更正点表或测点名称",
    ),
    "range_empty": (
        "the range {low} to {high} is empty: the loop never counts as in service; swap the ends",
        "量程 {low} 至 {high} 为空：该回路永远不算投用；请对调上下限",
    ),
    "not_asked": (
        "no criterion of the notices asks for project.{key}; expected any of {known}",
        "所选通知没有条款用到 project.{key}；可用的有 {known}",
    ),
    "no_word": (
        "{got!r} is none of the words that the notices know: {known}; criteria that depend on it "
        "stay undecided",
        "{got!r} 不是通知中的词：{known}；依赖它的条款将无法判断是否适用",
    ),
    "not_asked_fact": (
        "no criterion of the notices asks for declared.{key}; check the spelling",
        "所选通知没有条款用到 declared.{key}；请检查拼写",
    ),
    "no_metric": (
        "{metric} is no metric; see the names in the table of figures of `plantseal kpi`",
        "{metric} 不是指标编号；请对照 plantseal kpi 输出的指标表",
    ),
    "no_share": (
        "{metric} is a share, got {value}, expected above 0 and at most 1: 3 % is 0.03",
        "{metric} 是比例，实际为 {value}，应大于 0 且不超过 1：3 % 写作 0.03",
    ),
    "no_records": (
        "the ledger {name} holds no record: its figures cannot be computed",
        "台账 {name} 没有记录：相关指标无法计算",
    ),
    "future": (
        "the ledger {name} has {n} records after today, the last of {last}; check the year",
        "台账 {name} 有 {n} 条记录晚于今天，最晚为 {last}；请检查年份",
    ),
    "no_account": (
        "the ledger costs has no booking of account {ids}; check the numbers",
        "台账 costs 中没有科目 {ids} 的凭证；请核对科目号",
    ),
    "which_inspection": (
        "got {got}, the ledger inspections holds {kinds}; name the one that counts",
        "实际为 {got}，台账 inspections 中有 {kinds}；请写明以哪一种为准",
    ),
    "no_inspections": (
        "has no effect without a ledger inspections; name its file in ledgers.inspections",
        "没有台账 inspections 时不起作用；请在 ledgers.inspections 中写明文件",
    ),
    # column maps of recorded data
    "wide_or_long": (
        "expected either columns (one column a tag) or keys (one row a value), got {got}",
        "应当只写 columns（一列一个测点）或 keys（一行一个值）之一，实际为 {got}",
    ),
    "both": ("both", "两者都有"),
    "neither": ("neither", "两者都没有"),
    "needs": ("{key} is required with {because}", "{because} 需要同时写 {key}"),
    "no_use": ("{key} has no meaning with {because}; remove it", "{key} 对 {because} 无意义；请删除"),
    "recorded_source": (
        "a source of plant.yaml with connector: recorded",
        "plant.yaml 中 connector: recorded 的数据源",
    ),
    "tag_of_source": ("a tag of source {source}", "数据源 {source} 的测点"),
    "column_of": ("a column of {file}", "{file} 中的列"),
    # recorded files
    "cut_short": (
        "{file} ends in its middle ({reason}); copy it anew",
        "{file} 不完整（{reason}）；请重新复制",
    ),
    "no_header": (
        "{file} has no readable header line: {reason}",
        "{file} 没有可读的表头：{reason}",
    ),
    "not_parquet": (
        "{file} cannot be read as Parquet ({reason}); check the file and the map's format",
        "{file} 无法按 Parquet 读取（{reason}）；请检查文件和映射中的 format",
    ),
    "imported_before": (
        "{file} was imported into source {source} before (log entry {entry}); its rows would stand "
        "twice; use --again if that is meant",
        "{file} 已导入过数据源 {source}（日志条目 {entry}）；再次导入会使记录重复；确需如此请用 --again",
    ),
    "configured_otherwise": (
        "{file}: not imported: the gateway runs with another configuration than the plant file says "
        "now; restart the gateway, then import",
        "{file}：未导入：网关正按另一份配置运行，与当前配置文件不一致；请先重启网关再导入",
    ),
    "not_shdr": (
        "got fewer than three fields, expected timestamp|key|value",
        "少于三个字段，应为 timestamp|key|value",
    ),
    "not_text": ("is not text in the file's encoding", "不是该文件编码的文本"),
    "fields": ("got {got} fields, expected {expected}", "有 {got} 个字段，应为 {expected} 个"),
    "bad_time": (
        "a time in the map's format and zone",
        "符合映射中格式和时区的时间",
    ),
    "bad_number": ("a decimal number", "十进制数字"),
    "unlisted": (
        "{n} more records cannot be read; all are kept as UNPARSED rows",
        "另有 {n} 条记录无法读取；均作为 UNPARSED 行保留",
    ),
    "inexact": (
        "{n} values of whole-number tags are not whole multiples of their scale and were kept as "
        "doubles; check the scale",
        "{n} 个整数测点的值不是其比例的整数倍，已按双精度保存；请检查比例",
    ),
    "unreceived": (
        "{n} records have no readable receive time; their rows carry none",
        "{n} 条记录没有可读的接收时间；其数据行不含接收时间",
    ),
    "unmapped": (
        "{n} records of key {key!r} are not in the map and were left out",
        "键 {key!r} 的 {n} 条记录不在映射中，未导入",
    ),
}  # fmt: skip

FOREIGN: Final[tuple[tuple[str, str], ...]] = (
    # the KPI core's models
    (r"an IANA time zone such as (.+)", r"IANA 时区，例如 \1"),
    (r"end must be later than start", r"结束必须晚于开始"),
    (r"a pre_project baseline needs its period", r"pre_project 基线需要 period"),
    (r"an industry_average baseline needs its citation", r"industry_average 基线需要 citation（出处）"),
    # tables
    (r"letters, digits and _ \. - \(at most (\d+)\)", r"字母、数字和 _ . -（至多 \1 个字符）"),
    (r"an address", r"地址"),
    (r"a number greater than 0", r"大于 0 的数字"),
    (r"a whole number from 1", r"不小于 1 的整数"),
    (r"true or false", r"是或否"),
    (r"(.+), (\w+) or (\w+)", r"\1、\2 或 \3"),
    (r"L0 or L1", r"L0 或 L1"),
    (r"already given in row (\d+), expected once", r"只出现一次（已见于第 \1 行）"),
    (r"each column once", r"每列只出现一次"),
    (r"no cell beyond header", r"表头之外没有单元格"),
    (r"column (.+) is missing; add it", r"缺少列 \1；请补上该列"),
    (r"no data row, expected at least one", r"至少一行数据"),
    (r"got no data row, expected at least one", r"表中没有数据行；至少需要一行"),
    (r"got an empty table, expected a header row and data rows", r"表为空；应有表头和数据行"),
    (
        r"got a file that is not XLSX \((.+)\); save it again from the spreadsheet",
        r"不是 XLSX 文件（\1）；请在电子表格软件中另存为 XLSX",
    ),
    (r"a register of (.+) such as (.+)", r"\1 的寄存器之一，例如 \2"),
    (r"no such file or directory", r"文件不存在；路径相对于 plant.yaml"),
    (r"is a directory", r"是目录；应为文件"),
    (r"permission denied", r"没有读取权限"),
    (
        r"got bytes that are not (.+); save the table as UTF-8 CSV",
        r"不是 \1 编码的文本；请另存为 UTF-8 CSV（旧版 .xls 请另存为 .xlsx）",
    ),
    (
        r"got a file that is not CSV \((.+)\); save the table as UTF-8 CSV",
        r"不是 CSV 文件（\1）；请检查引号是否成对，或另存为 UTF-8 CSV",
    ),
    (r"got (\d+) bytes, expected at most (\d+)", r"文件有 \1 字节，至多 \2 字节；请按年份拆分或删去无关列"),
    (
        r"XLSX needs fastexcel; install (.+) or save the table as CSV",
        r"读取 XLSX 需要 fastexcel；请安装 \1，或另存为 CSV",
    ),
    (r"cycle times by product such as (.+)", r"分产品节拍，例如 \1"),
    # ledgers
    (r"a value; it may not be empty", r"一个值，不能为空"),
    (r"these units in brackets: (.+)", r"括号中写以下单位之一：\1"),
    (r"one of these units in brackets: (.+)", r"括号中写以下单位之一：\1"),
    (r"([\w]+) once", r"列 \1 只出现一次"),
    (
        r"no cell where the header has none; give the column a header or clear it",
        r"表头为空处没有内容；请补写表头或清空该单元格",
    ),
    (r"at most (\w+), which is (.+); correct one of them", r"不大于 \1（为 \2）；请更正其一"),
    (r"at least (-?\d+)", r"不小于 \1"),
    (r"already given in row (\d+), expected once; keep one of them", r"只出现一次（已见于第 \1 行）；请保留其一"),
    (r"a number such as (.+) or (.+)", r"数字，例如 \1 或 \2"),
    (
        r"all digits; the spreadsheet has shortened it, widen its format",
        r"完整数字；电子表格已用科学计数法缩短，请加宽列宽或改单元格格式",
    ),
    (
        r"the whole number; format the column as text and type it again",
        r"完整编号；请把该列设为文本格式后重新输入",
    ),
    (r"one line of text without control characters", r"一行文本，不含控制字符"),
    (r"true or false \((.+)\)", r"\1"),
    (r"(\S+), the unit of the header, not (\S+)", r"表头的单位 \1，而不是 \2"),
    (r"whole (\w+); round it in the table", r"\1 的整数倍；请在表中取整"),
    (r"less than 2\^63 (\w+); check the unit", r"小于 2^63 \1；请检查单位"),
    (r"a date without a time of day", r"日期，不带时刻"),
    (r"a date such as (\S+) or a month such as (\S+)", r"日期（如 \1）或月份（如 \2）"),
    (r"a date such as (\S+)", r"日期，例如 \1"),
    (r"a day of the calendar \((.+)\)", r"日历中存在的日期"),
    (r"a year from (\d+) to (\d+)", r"\1 至 \2 年之间的日期"),
    (r"a date; as a day number it would lie outside (\d+) to (\d+)", r"日期；按日期序号计不在 \1 至 \2 年之间"),
    (
        r"a time such as (.+), with (\S+) where not local",
        r"时间，例如 \1；非本地时间须带时区偏移（如 \2）",
    ),
    (r"at most microseconds", r"至多精确到微秒"),
    (r"a time of the day \((.+)\)", r"一天之内的时刻"),
    (
        r"an offset such as (\S+): the clocks of (.+) change then",
        r"带时区偏移的时间（如 \1）：\2 此刻正在调整时钟",
    ),
    # connectors and column maps
    (r"key without cert: expected both, or neither", r"有 key 而无 cert：应同时给出或都不给"),
    (r"password_env without username: expected both", r"有 password_env 而无 username：应同时给出"),
    (r"rfc3339 or a strptime format such as (.+)", r"rfc3339 或 strptime 格式，例如 \1"),
    (r"one of (.+)", r"\1 之一"),
)  # fmt: skip


def say(lang: Lang, key: str, /, **values: object) -> str:
    """Return the sentence ``key`` in ``lang`` with ``values`` put in.

    Example:
        >>> say("en", "range", low=1, high=247)
        '1..247'
    """
    return WORDS[key][LANGS.index(lang)].format(**values)


def foreign(lang: Lang, english: str) -> str:
    """Return a validator's English sentence in ``lang``; itself where no translation is known.

    Example:
        >>> foreign("zh", "end must be later than start")
        '结束必须晚于开始'
    """
    if lang == "en":
        return english
    for pattern, chinese in FOREIGN:
        if match := re.fullmatch(pattern, english):
            return match.expand(chinese)
    return english
