"""``plantseal verify`` and ``bundle show``: no store, no protocol library, no network."""

from pathlib import Path

from plantseal.cli.exits import Exit, Stop
from plantseal.cli.output import emit, grid, language, plain, say, show, word
from plantseal.evidence.verify import Policy, Verification
from plantseal.evidence.verify import verify as verify_bundle

MARKS = {"PASS": "[green]√[/]", "FAIL": "[red]×[/]", "NOT CHECKED": "[yellow]–[/]"}


def verify(path: Path, *, trust: list[str], anchored: bool, recompute: bool, as_json: bool) -> None:
    """Verify, print every step and the verdict, and exit with the verdict's code."""
    policy = Policy(
        trusted=tuple(_key(text) for text in trust),
        # without recomputation the figures are a claim: incomplete, never trusted
        demands={"anchored": anchored, "complete": True, "reproduced": True},
    )
    found = verify_bundle(path, policy, recompute=recompute)
    if as_json:
        emit(found.to_json())
    else:
        print_verification(found)
    if found.exit_code:
        raise SystemExit(found.exit_code)


def _key(text: str) -> str:
    """Return the verifier key itself, or the first line of the file that holds it."""
    from plantseal.note import NoteError, parse_vkey

    line = text
    if Path(text).is_file():
        try:
            line = Path(text).read_text(encoding="utf-8").split("\n")[0].strip()
        except UnicodeDecodeError as e:
            raise Stop(Exit.INPUT, f"--trust {text}: not a text file") from e
    try:
        parse_vkey(line)
    except (NoteError, ValueError) as e:
        raise Stop(
            Exit.INPUT,
            f"--trust {text}: {e}; expected a verifier key such as plantseal/site+1a2b3c4d+AbC…, "
            "or a file that holds one",
        ) from e
    return line


def print_verification(found: Verification, *, only_failures: bool = False) -> None:
    """Print steps, rungs, verdict and what is not proven; or the failed steps and the verdict."""
    table = grid(
        "", word("step", "步骤"), word("outcome", "结果"), word("what was found", "发现"),
        title=word("Verification", "核验"),
    )  # fmt: skip
    for step in found.steps:
        if only_failures and step.outcome != "FAIL":
            continue
        lines = [plain(f"{f.code} {f.message}") for f in step.findings[:4]]
        if len(step.findings) > 4:
            lines.append(word("… and {n} more", "……另有 {n} 项").format(n=len(step.findings) - 4))
        table.add_row(
            str(step.number),
            word(step.name, step.name_zh),
            f"{MARKS[step.outcome]} {step.outcome}",
            "\n".join(lines),
        )
    show(table)
    if only_failures:
        show(f"{word('verdict', '结论')}: {found.word[language()]}")
        return
    for rung, state in found.rungs.items():
        show(f"{rung:<12} {state}")
    show(f"{word('verdict', '结论')}: {found.word[language()]}")
    for sentence in found.not_proven[language()]:
        say(f"· {sentence}")


def show_bundle(path: Path, *, as_json: bool) -> None:
    """Print the report inside a bundle as it stands, unjudged."""
    from plantseal.cli.figures import figure_table, verdict_table
    from plantseal.evidence.verify import read_report
    from plantseal_kpi.report import Report

    document = read_report(path)
    if document is None:
        raise Stop(
            Exit.INPUT, f"{path}: not a bundle; expected a folder or ZIP with bundle.dsse.json"
        )
    if as_json:
        emit(document)
        return
    report = Report.model_validate(document)
    say(word("as the bundle says, not verified", "仅为证据包自述，未经核验"))
    show(verdict_table(report))
    show(figure_table(report))
