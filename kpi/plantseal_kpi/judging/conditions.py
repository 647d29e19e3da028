"""What a notice's conditions ask of ``project``, and what the plant states that nobody asks for."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from plantseal_kpi.figures import finding
from plantseal_kpi.judging.notices import Condition, Notice
from plantseal_kpi.plant import Declared
from plantseal_kpi.report import Finding


def vocabulary(notice: Notice) -> dict[str, list[str]]:
    """Return the words that the conditions of a notice know, by key of ``project``.

    Example:
        >>> from plantseal_kpi.judging.notices import load_notice
        >>> vocabulary(load_notice("CQ2020-15"))["track"]
        ['workshop', 'smart_factory']
    """
    words: dict[str, list[str]] = {}
    for c in notice.criteria:
        for key, wanted in c.applies_when.items():
            mine = words.setdefault(key, [])
            mine += [w for w in words_of(wanted) if w not in mine]
    return words


def unasked(
    notices: Sequence[Notice], project: Mapping[str, str], declared: Mapping[str, Declared]
) -> list[Finding]:
    """Return what the configuration states though no criterion asks for it: slips of the pen."""
    keys = {key for n in notices for key in vocabulary(n)}
    facts = {c.metric for n in notices for c in n.criteria}
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
