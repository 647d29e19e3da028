"""What a notice's conditions ask of ``project``, and what the plant states that nobody asks for.

``project.track`` may name several tracks, separated by commas: one plant applies under several
notices. A word that no notice knows makes nothing inapplicable: it is asked for again.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Literal

from plantseal_kpi.figures import finding
from plantseal_kpi.judging.derived import STATED
from plantseal_kpi.judging.notices import (
    KEY_LINKS,
    Condition,
    Criterion,
    Notice,
    load_notice,
    notice_keys,
)
from plantseal_kpi.plant import Declared
from plantseal_kpi.report import Finding

_SEPARATOR = re.compile(r"[,，、;；]")


def vocabulary(notice: Notice) -> dict[str, list[str]]:
    """Return the words that a notice knows, by key of ``project``.

    Example:
        >>> from plantseal_kpi.judging.notices import load_notice
        >>> vocabulary(load_notice("CQ2020-15"))["track"]
        ['workshop', 'smart_factory']
    """
    words: dict[str, list[str]] = {}

    def learn(key: str, more: Sequence[str]) -> None:
        mine = words.setdefault(key, [])
        mine += [w for w in more if w not in mine]

    for c in notice.criteria:
        for key, wanted in c.applies_when.items():
            learn(key, words_of(wanted))
            if isinstance(wanted, bool):
                learn(key, ["true", "false"])
        if isinstance(c.threshold, dict) and c.comparator != "info":
            learn("track", list(c.threshold))
        if c.threshold == KEY_LINKS:
            learn("industry", list(notice.key_links))
    for key, more in notice.words.items():
        learn(key, more)
    return words


@cache
def _every_track() -> frozenset[str]:
    return frozenset(w for k in notice_keys() for w in vocabulary(load_notice(k)).get("track", ()))


def applies(
    notice: Notice, when: Mapping[str, Condition], project: Mapping[str, str]
) -> tuple[Literal["yes", "no", "unknown"], Finding | None]:
    """Return whether conditions hold for a project, and why not or what must be stated.

    One condition that fails decides, whatever else is unknown.
    """
    known = vocabulary(notice)
    unknown: list[tuple[str, list[str]]] = []
    for key, wanted in when.items():
        words = words_of(wanted)
        given = said(project, key)
        if given & set(words):
            continue
        closed = _every_track() | set(known[key]) if key == "track" else set(known.get(key, ()))
        if not given or (len(closed) > 1 and not given & closed):
            unknown.append((key, words))
            continue
        why = f"applies where {key} is {' or '.join(words)}; this project: {project[key]}"
        return "no", finding("criteria.applies", why)
    if not unknown:
        return "yes", None
    asked = ", ".join(
        f"project.{key} ({' or '.join(words)}?{_got(project, key)})" for key, words in unknown
    )
    why = f"whether it applies is not known: state {asked}"
    return "unknown", finding("criteria.applies_unknown", why)


def resolved(
    notice: Notice, c: Criterion, project: Mapping[str, str]
) -> tuple[Criterion, Finding | None]:
    """Return the criterion with the threshold of this project, or what must be stated for it.

    A quota by track takes the project's track; ``key_links[industry]`` the links of its industry.
    """
    if c.comparator == "info":
        return c, None
    mine: list[object]
    if isinstance(c.threshold, dict):
        mine = [c.threshold[t] for t in sorted(said(project, "track")) if t in c.threshold]
        asked, key = list(c.threshold), "track"
    elif c.threshold == KEY_LINKS:
        links = notice.key_links
        mine = [links[i] for i in sorted(said(project, "industry")) if i in links]
        asked, key = list(links), "industry"
    else:
        return c, None
    if len(mine) == 1:
        return c.model_copy(update={"threshold": mine[0]}), None
    why = f"the threshold is not known: state one project.{key} ({' or '.join(asked)}?{_got(project, key)})"
    return c, finding("criteria.threshold_unknown", why)


def said(project: Mapping[str, str], key: str) -> set[str]:
    """Return the words that the project says under a key; several for ``track``.

    Example:
        >>> sorted(said({"track": "workshop, benchmark_enterprise"}, "track"))
        ['benchmark_enterprise', 'workshop']
    """
    text = project.get(key, "").strip()
    words = _SEPARATOR.split(text) if key == "track" else [text]
    return {w.strip() for w in words if w.strip()}


def unasked(
    notices: Sequence[Notice], project: Mapping[str, str], declared: Mapping[str, Declared]
) -> list[Finding]:
    """Return what the configuration states though no criterion asks for it: slips of the pen."""
    keys = {key for n in notices for key in vocabulary(n)}
    facts = {c.metric for n in notices for c in n.criteria}
    facts |= {name for n in notices for name, asks in STATED.items() if asks(n)}
    given = [("project", project, keys), ("declared", declared, facts)]
    return [
        finding(
            f"{section}.unknown",
            f"{section}.{key}: no criterion of the notices asks for it, it has no effect; "
            + (f"did you mean {', '.join(near)}" if near else "check the spelling"),
            key=key,
        )
        for section, stated, asked in given
        for key in sorted(set(stated) - asked)
        for near in [get_close_matches(key, sorted(asked), 1)]
    ]


def words_of(wanted: Condition) -> list[str]:
    """Return the words that meet a condition, as ``project`` writes them."""
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    return [str(a).lower() if isinstance(a, bool) else a for a in allowed]


def _got(project: Mapping[str, str], key: str) -> str:
    return f" got {project[key]!r}" if key in project else ""
