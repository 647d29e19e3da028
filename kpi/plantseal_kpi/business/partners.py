"""平台接入企业数: enterprises that logged in and exchanged data at least once in the period.

Source: definitions 2.4; 渝经信智能〔2021〕114号 附件5 field 11; GB 32100-2015 (the code's last
character checks the others).
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

from plantseal_kpi.business.forms import Term, Terms, no_ledger, no_records, times_in
from plantseal_kpi.business.schema import Ledgers
from plantseal_kpi.calendar import Span
from plantseal_kpi.figures import finding, result
from plantseal_kpi.metric import N21, Metric
from plantseal_kpi.report import Result

VERSION = 1
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: without I, O, S, V, Z
_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))


def connected_partners(codes: Iterable[str]) -> Terms:
    """Return how many distinct valid 统一社会信用代码 there are, as (count, 1).

    Example:
        >>> connected_partners(["91350100M000100Y43", "91350100m000100y43", "91350100M000100Y44"])
        (1, 1)
    """
    return len({c for c in map(str.upper, codes) if code_is_valid(c)}), 1


def code_is_valid(code: str) -> bool:
    """Return whether the last character of a 统一社会信用代码 fits the first seventeen.

    Source: GB 32100-2015, 5: weights 3^(i-1) mod 31, check 31 - sum mod 31.

    Example:
        >>> code_is_valid("91350100M000100Y43"), code_is_valid("91350100M000100Y34")
        (True, False)
    """
    if len(code) != 18 or any(c not in _ALPHABET for c in code):
        return False
    places = [_ALPHABET.index(c) for c in code]
    total = sum(w * p for w, p in zip(_WEIGHTS, places, strict=False))
    return places[17] == (31 - total % 31) % 31


def partner_results(t: Term, span: Span, ledgers: Ledgers) -> list[Result]:
    """Return the number of connected enterprises of a period."""
    missing = no_ledger(ledgers, "partners", "connected_partners")
    if missing is not None:
        return [
            result("connected_partners", VERSION, "plant", None, None, unit="count", origin="none",
                   findings=[missing])
        ]  # fmt: skip
    seen = ledgers["partners"].filter(times_in(span))
    known = sorted(set(seen.filter(pl.col("authenticated"))["uscc"].to_list()))
    strangers = sorted(set(seen["uscc"].to_list()) - set(known))
    wrong = [c for c in known if not code_is_valid(c.upper())]
    found = []
    if wrong:
        why = f"not counted, the check character does not fit: {', '.join(wrong)}; correct the code"
        found.append(finding("partners.code", f"connected_partners: {why}", codes=",".join(wrong)))
    if strangers:
        why = f"not counted, no exchange was authenticated: {', '.join(strangers)}"
        found.append(finding("partners.login", f"connected_partners: {why}"))
    if not seen.height:
        found.append(no_records("partners", t, "connected_partners"))
    terms = connected_partners(known) if seen.height else (None, None)
    return [
        result(
            "connected_partners", VERSION, "plant", *terms, unit="count",
            origin="imported", parts={"exchanges": seen.height, "refused": len(wrong)},
            formula="{n} distinct enterprises with an authenticated exchange", findings=found,
        )
    ]  # fmt: skip


METRICS: Final = (
    Metric("connected_partners", VERSION, "产业链供应链智能制造协同平台接入企业数量", "count",
           connected_partners, ("partners",), f"{N21} 附件5 field 11",
           ("platform_connected_enterprises",)),
)  # fmt: skip
