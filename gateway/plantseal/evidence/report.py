"""``data/report.html``: the report as one page, made from ``data/report.json`` alone.

The page is a pure function of the report, so the verifier makes it again and compares the bytes.
It loads nothing, runs nothing, and says what no bundle can prove.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

RENDERER: Final = "plantseal.page/3"
"""Version of the page; raised with every change of its bytes."""

NOT_PROVEN: Final = (
    (
        "A bundle cannot prove that a sensor tells the truth or is mounted where it is said to be.",
        "证据包不能证明传感器读数真实，也不能证明其安装位置属实。",
    ),
    (
        "It cannot prove that a PLC is not simulated.",
        "证据包不能证明 PLC 不是模拟的。",
    ),
    (
        "It cannot prove what the plant declares: register, ideal cycle times, calendar and stops, "
        "baseline figures; nor that imported records are true.",
        "证据包不能证明企业申报的内容（设备台账、理想节拍、日历与停机、基准数值）属实，"
        "也不能证明导入的历史记录真实。",
    ),
    (
        "It cannot prove that there is no second gateway whose figures were not submitted.",
        "证据包不能证明不存在另一台未提交数据的网关。",
    ),
    (
        "Whoever holds the signing key could have changed what is newer than the last external "
        "anchor; without an anchor, all of it.",
        "持有签名密钥者可以改动最近一次外部锚定之后的数据；若无锚定，则可改动全部数据。",
    ),
)
"""What no verdict covers, as (English, Chinese)."""

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,'Microsoft YaHei',sans-serif;max-width:70rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid "
    "#bbb;padding:.3rem .5rem;text-align:left;vertical-align:top}th{background:#eee}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.PASS,.PASS_POINT{color:#060}"
    ".FAIL{color:#a00;font-weight:bold}small{color:#555}"
)


def page(report: Mapping[str, Any]) -> bytes:
    """Return the page of a report given as the JSON of :class:`plantseal_kpi.report.Report`."""
    title = f"{report['site']} {report['start']} – {report['end']}"
    parts = [
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'\">"
        f"<title>{_e(title)}</title><style>{_STYLE}</style></head><body>\n",
        f"<h1>{_e(report['site'])}</h1>\n",
        f"<p>期间 Period: {_e(report['start'])} – {_e(report['end'])}<br>"
        f"采集行数 Live rows: {_e(report['rows_live'])}; "
        f"导入行数 Imported rows: {_e(report['rows_imported'])}</p>\n",
        _windows(report["window"], report["windows"]),
        _tracks(report["tracks"]),
        "<h2>结论 Verdicts</h2>\n",
        _table(
            ("条款 Clause", "要求 Requirement", "数值 Figure", "判断 Outcome", "说明 Reasons"),
            map(_verdict, report["verdicts"]),
        ),
        "<h2>指标 Figures</h2>\n",
        _table(
            (
                "指标 Metric", "范围 Scope", "数值 Value", "分子 / 分母 Ratio", "单位 Unit",
                "覆盖 Coverage", "区间 Range", "来源 Origin", "公式 Formula",
            ),
            map(_result, report["results"]),
        ),
        _findings(report["findings"]),
        "<h2>不能证明 What this does not prove</h2>\n<ul>",
        *(f"<li>{_e(zh)}<br><small>{_e(en)}</small></li>" for en, zh in NOT_PROVEN),
        "</ul>\n</body></html>\n",
    ]  # fmt: skip
    return "".join(parts).encode("utf-8")


def _e(value: object) -> str:
    return "–" if value is None else html.escape(str(value))


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{_e(h)}</th>" for h in head)
    return f"<table><tr>{cells}</tr>\n{''.join(rows)}</table>\n"


def _ratio(item: Mapping[str, Any]) -> str:
    if item["numerator"] is None:
        return "–"
    return f"{_e(item['numerator'])} / {_e(item['denominator'])}"


def _windows(reported: Any, windows: Sequence[Mapping[str, Any]]) -> str:
    """Return every window that was declared; a report of none of them says so."""
    said = _e(reported) if reported is not None else "未事先声明 not declared beforehand"
    head = f"<h2>申报窗口 Windows</h2>\n<p>本报告 This report: {said}</p>\n"
    if not windows:
        return head
    return head + _table(
        ("窗口 Window", "期间 Period", "用途 Purpose", "声明于 Declared", "已报告 Reported"),
        (
            f"<tr><td>{_e(w['id'])}</td><td>{_e(w['start'])} – {_e(w['end'])}</td>"
            f"<td>{_e(w['purpose'])}</td><td>{_e(w['declared'])}</td>"
            f"<td>{'√' if w['reported'] else ''}</td></tr>\n"
            for w in windows
        ),
    )


def _tracks(tracks: Sequence[Mapping[str, Any]]) -> str:
    if not tracks:
        return ""
    return "<h2>类别 Tracks</h2>\n" + _table(
        ("通知 Notice", "类别 Track", "判断 Outcome", "条款 Criteria", "说明 Reasons"),
        (
            f"<tr><td>{_e(t['notice'])}</td><td>{_e(t['name_zh'])}</td>"
            f'<td class="{_e(t["outcome"])}">{_e(t["outcome"])}</td>'
            f"<td>{_e(', '.join(f'{k} {n}' for k, n in sorted(t['counts'].items())))}</td>"
            f"<td>{_messages(t['reasons'])}</td></tr>\n"
            for t in tracks
        ),
    )


def _range(r: Mapping[str, Any]) -> str:
    """Return what the data allow where something is unknown, and how sure one can be."""
    parts = []
    if r["low"] is not None or r["high"] is not None:
        parts.append(f"{_e(r['low'])} – {_e(r['high'])}")
    if (i := r["interval"]) is not None:
        parts.append(f"{_e(i['low'])} – {_e(i['high'])}<br><small>{_e(i['method'])} "
                     f"{_e(i['level'])}</small>")  # fmt: skip
    return "<br>".join(parts)


def _verdict(v: Mapping[str, Any]) -> str:
    bound = "" if v["bound"] is None else f"<br><small>界限 bound {_e(v['bound'])}</small>"
    return (
        f"<tr><td>{_e(v['notice'])} {_e(v['clause'])}<br><small>{_e(v['criterion'])}</small></td>"
        f"<td>{_e(v['text_zh'])}<br><small>{_e(v['metric'])} {_e(v['comparator'])} "
        f"{_e(v['threshold'])} {_e(v['unit'])}</small></td>"
        f'<td class="n">{_e(v["figure"])}<br><small>{_ratio(v)}</small>{bound}</td>'
        f'<td class="{_e(v["outcome"])}">{_e(v["outcome"])}</td><td>{_e(v["formula"] or None)}<br>'
        f"{_messages(v['reasons'])}</td>"
        "</tr>\n"
    )


def _result(r: Mapping[str, Any]) -> str:
    return (
        f"<tr><td>{_e(r['metric'])}/{_e(r['version'])}</td><td>{_e(r['scope'])}</td>"
        f'<td class="n">{_e(r["value"])}</td><td class="n">{_ratio(r)}</td><td>{_e(r["unit"])}</td>'
        f'<td class="n">{_e(r["coverage"])}</td><td class="n">{_range(r)}</td>'
        f"<td>{_e(r['origin'])}</td>"
        f"<td>{_e(r['formula'])}<br><small>{_messages(r['findings'])}</small></td></tr>\n"
    )


def _messages(findings: Iterable[Mapping[str, Any]]) -> str:
    return "<br>".join(_e(f["message"]) for f in findings)


def _findings(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return ""
    items = "".join(f"<li>{_e(f['code'])}: {_e(f['message'])}</li>" for f in findings)
    return f"<h2>说明 Findings</h2>\n<ul>{items}</ul>\n"
