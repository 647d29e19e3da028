"""What the papers say is what the code is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from plantseal import __version__
from plantseal.cli.app import app
from plantseal.cli.exits import Exit

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "gateway/plantseal": "plantseal",
    "connectors/plantseal_connectors": "plantseal_connectors",
    "kpi/plantseal_kpi": "plantseal_kpi",
    "simulators/plantseal_simulators": "plantseal_simulators",
}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if name.endswith(suffixes)]


def commands() -> set[str]:
    root = get_command(app)
    names = set()
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        names |= {f"{name} {sub}" for sub in inner} if inner else {name}
    return names


def test_every_command_is_in_the_guide_and_no_other():
    rows = re.findall(r"^\| `(.+?)`", text("docs/guide/command-line.md"), re.MULTILINE)
    named = text("docs/guide/command-line.md")
    for command in commands():
        assert re.search(rf"`{command}\b", named), f"{command} is not in the guide"
    for row in rows:
        words = row.split()
        assert words[0] in commands() or " ".join(words[:2]) in commands(), row


def test_every_command_that_the_readmes_show_exists():
    for readme in ("README.md", "README.zh-CN.md"):
        for line in re.findall(r"^plantseal (?:--lang \w+ )?(\w+(?: \w+)?)", text(readme), re.M):
            assert line in commands() or line.split()[0] in commands(), f"{readme}: {line}"


def test_every_exit_code_is_in_the_guide():
    documented = {
        int(code) for code in re.findall(r"^\| (\d+) \|", text("docs/guide/command-line.md"), re.M)
    }
    assert documented == {int(code) for code in Exit}


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", ".ci/run"):
        for target in re.findall(r"make ([a-z]+(?:-[a-z]+)*)", text(name)):
            if target not in {"or", "sure", "python"}:
                assert target in targets, f"{name}: make {target}"


def test_ci_calls_the_test_command_of_the_readme():
    assert "make test\n" in text(".ci/run")
    assert "make test\n" in text("README.md")


def test_the_changelog_knows_this_version():
    assert f"## {__version__}" in text("CHANGELOG.md")


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_module_stands_in_the_architecture_and_no_other(folder):
    page = text("docs/architecture.md").split(f"### `{folder}`\n")[1].split("\n##")[0]
    named = {}
    for name, subject in re.findall(r"^\| `([\w./]+)` \| (.+) \|$", page, re.M):
        assert name not in named, f"{name} stands twice"
        files = re.findall(r"`(\w+\.py)`", subject.partition("Files:")[2])
        named[name] = set(files) if name.endswith("/") else set()
    lies = {}
    for path in sorted((ROOT / folder).iterdir()):
        if path.suffix == ".py" and not path.name.startswith("__"):
            lies[path.name] = set()
        elif path.is_dir() and list(path.glob("*.py")):
            names = {p.name for p in path.glob("*.py") if p.name != "__init__.py"}
            lies[f"{path.name}/"] = names
    assert named == lies


def test_every_dependency_was_looked_over_and_no_other_is_listed():
    project = tomllib.loads(text("pyproject.toml"))
    extras = project["project"]["optional-dependencies"]
    wanted = {
        "base": project["project"]["dependencies"],
        "gateway": extras["gateway"],
        "demo": [d for d in extras["demo"] if not d.startswith("plantseal[")],
        "dev": project["dependency-groups"]["dev"],
    }
    listed: dict[str, set[str]] = {}
    for names, where in re.findall(
        r"^\| ([^|]+) \| (base|gateway|demo|dev) \|", text("docs/adr/0002-dependencies.md"), re.M
    ):
        listed.setdefault(where, set()).update(n.split()[0] for n in names.split(","))
    assert listed == {
        where: {re.match(r"[\w.-]+", d)[0] for d in names} for where, names in wanted.items()
    }


def test_decisions_are_numbered_without_a_hole():
    numbers = sorted(int(p.name[:4]) for p in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_link_of_the_documents_leads_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in tracked(".md")
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_no_file_is_over_400_lines():
    long = {
        str(p.relative_to(ROOT)): lines
        for p in tracked(".py", ".js")
        if (lines := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_no_path_of_a_machine_stands_in_the_project():
    found = []
    for path in tracked(".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".csv", ".service", "run"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"(?<![\w.])/(work|root|home/\w+)/", line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_help_of_an_evaluator_needs_no_protocol_library():
    code = (
        "import sys\n"
        "for name in ('asyncua', 'pymodbus', 'paho', 'google.protobuf', 'zstandard', 'fastexcel'):\n"
        "    sys.modules[name] = None\n"
        "import plantseal.cli.verifying, plantseal_kpi.evaluate\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_does_not_import_the_core_before_it_must():
    code = (
        "import sys, plantseal.cli\n"
        "heavy = {'polars', 'asyncua', 'pymodbus', 'paho'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
