"""Steps, rungs and the one table of verdicts; the command line and the report use the same words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from plantseal.evidence.format import MAX_FINDINGS, NOTES, SHORTFALLS, Code, Finding, Refused
from plantseal.evidence.report import NOT_PROVEN

Outcome = Literal["PASS", "FAIL", "NOT CHECKED"]
Lang = Literal["en", "zh"]
Found = list[Finding]
T = TypeVar("T")

STEPS: Final = (
    (1, "container", "容器", "WELL-FORMED"),
    (2, "envelope bytes", "信封字节", "WELL-FORMED"),
    (3, "signature", "签名", "INTACT"),
    (4, "statement", "声明", "INTACT"),
    (5, "closed file set", "文件清单", "INTACT"),
    (6, "digests", "摘要", "INTACT"),
    (7, "log chain and sequence", "日志链与序号", "INTACT"),
    (8, "tree root and checkpoint", "树根与检查点", "INTACT"),
    (9, "external anchors", "外部锚定", "ANCHORED"),
    (10, "clock and boots", "时钟与启动", "ANCHORED"),
    (11, "rows, blocks and texts", "数据行、块与文本", "COMPLETE"),
    (12, "coverage and gaps", "覆盖与缺口", "COMPLETE"),
    (13, "devices", "设备", "COMPLETE"),
    (14, "figures recomputed", "指标重算", "REPRODUCED"),
    (15, "report text", "报告文本", "REPRODUCED"),
)
"""Number, name, 名称, rung of every step."""

RUNGS: Final = {
    "WELL-FORMED": "格式正确",
    "INTACT": "完整未改",
    "ANCHORED": "已锚定",
    "COMPLETE": "数据齐全",
    "REPRODUCED": "重算一致",
}

VERDICTS: Final = {
    0: ("Trusted", "可信"),
    7: ("Valid, signer unknown", "有效，签名者未知"),
    8: ("Incomplete", "不完整"),
    6: ("Invalid", "无效"),
    3: ("Not a bundle", "不是证据包"),
}
"""Exit code to word."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the evaluator trusts and demands.

    Attributes:
        trusted: Verifier keys, each ``name+hash+key``; the name is the origin of the log.
        demands: Rungs that must be reached besides WELL-FORMED and INTACT.
    """

    trusted: Sequence[str] = ()
    demands: Mapping[str, bool] = field(
        default_factory=lambda: {"anchored": False, "complete": True, "reproduced": True}
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the verification and what it found."""

    number: int
    name: str
    name_zh: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """The judgement of one bundle.

    Attributes:
        steps: All fifteen, in order.
        rungs: Outcome by rung, in order.
        word: Word of the verdict table by language, ``en`` and ``zh``.
        exit_code: Exit code of the verdict table.
        signer: Verifier key that signed; None where no signature was verified.
        trusted: True when the policy lists that key.
        numbers: Origin, period, tree, coverage and counts, each as text.
    """

    steps: tuple[Step, ...]
    rungs: Mapping[str, Outcome]
    word: Mapping[Lang, str]
    exit_code: int
    signer: str | None
    trusted: bool
    numbers: Mapping[str, str]

    @property
    def verdict(self) -> str:
        """Return the English word of the verdict table."""
        return self.word["en"]

    @property
    def not_proven(self) -> Mapping[Lang, tuple[str, ...]]:
        """Return the sentences of what no verdict covers, by language."""
        return {"en": tuple(en for en, _ in NOT_PROVEN), "zh": tuple(zh for _, zh in NOT_PROVEN)}

    def to_json(self) -> dict[str, Any]:
        """Return all of it as values that JSON can hold."""
        return {
            "schema": "plantseal.verification/1",
            "verdict": self.verdict,
            "verdict_zh": self.word["zh"],
            "exit_code": self.exit_code,
            "signer": self.signer,
            "signer_trusted": self.trusted,
            "rungs": dict(self.rungs),
            "numbers": dict(self.numbers),
            "steps": [
                {
                    "number": s.number,
                    "name": s.name,
                    "name_zh": s.name_zh,
                    "outcome": s.outcome,
                    "findings": [{"code": str(f.code), "message": f.message} for f in s.findings],
                }
                for s in self.steps
            ],
            "not_proven": {lang: list(lines) for lang, lines in self.not_proven.items()},
        }


@dataclass(slots=True)
class Ledger:
    """Outcomes while the steps are taken."""

    taken: dict[int, tuple[Outcome, Found]] = field(default_factory=dict)
    signer: str | None = None
    trusted: bool = False
    numbers: dict[str, str] = field(default_factory=dict)

    def take(self, number: int, check: Callable[[Found], T]) -> T | None:
        """Return what ``check`` returns; None when it refused, which is a FAIL of the step."""
        found: Found = []
        value: T | None = None
        try:
            value = check(found)
        except Refused as e:
            found.append(e.finding())
        self.taken[number] = (_outcome(found), found)
        return value

    def leave(self, number: int, why: str) -> None:
        """Record that a step was not checked."""
        self.taken[number] = ("NOT CHECKED", [Finding(Code.NOTE, why)])

    def failed(self) -> bool:
        """Return True when a step so far failed."""
        return any(outcome == "FAIL" for outcome, _ in self.taken.values())

    def close(self, exit_code: int) -> Verification:
        """Return the judgement; steps not taken are NOT CHECKED."""
        steps: list[Step] = []
        rungs: dict[str, Outcome] = dict.fromkeys(RUNGS, "PASS")
        for number, name, name_zh, rung in STEPS:
            outcome, found = self.taken.get(number, ("NOT CHECKED", []))
            steps.append(Step(number, name, name_zh, outcome, _shortened(found)))
            if outcome == "FAIL" or (outcome == "NOT CHECKED" and rungs[rung] == "PASS"):
                rungs[rung] = outcome
        en, zh = VERDICTS[exit_code]
        word: dict[Lang, str] = {"en": en, "zh": zh}
        return Verification(
            tuple(steps), rungs, word, exit_code, self.signer, self.trusted, self.numbers
        )

    def judge(self, policy: Policy) -> Verification:
        """Return the judgement by the verdict table."""
        so_far = self.close(6)
        demanded = ["WELL-FORMED", "INTACT", *(k.upper() for k, v in policy.demands.items() if v)]
        if self.failed():
            return so_far
        if any(so_far.rungs.get(rung) != "PASS" for rung in demanded):
            return self.close(8)
        return self.close(0 if self.trusted else 7)


def _outcome(found: Sequence[Finding]) -> Outcome:
    codes = {f.code for f in found} - NOTES
    if codes - SHORTFALLS:
        return "FAIL"
    return "NOT CHECKED" if codes else "PASS"


def _weight(finding: Finding) -> int:
    """Return 0 for what is wrong, 1 for what is wanting, 2 for a note."""
    return 2 if finding.code in NOTES else int(finding.code in SHORTFALLS)


def _shortened(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, the gravest first, of each code the first few and how many more."""
    counts: dict[Code, int] = {}
    shown: list[Finding] = []
    for finding in sorted(found, key=_weight):
        counts[finding.code] = counts.get(finding.code, 0) + 1
        if counts[finding.code] <= MAX_FINDINGS:
            shown.append(finding)
    shown += [
        Finding(code, f"and {n - MAX_FINDINGS} more of this kind")
        for code, n in counts.items()
        if n > MAX_FINDINGS
    ]
    return tuple(shown)
