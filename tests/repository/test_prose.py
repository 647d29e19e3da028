"""What the papers say is what the code is."""

import re
import subprocess
import sys
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
def test_every_module_stands_in_the_architecture(folder):
    page = text("docs/architecture.md")
    for path in sorted((ROOT / folder).iterdir()):
        if path.name.startswith(("__", "py.typed")):
            continue
        if path.is_dir():
            assert re.search(rf"\b{path.name}/", page), f"{path.name}/ is not in architecture.md"
        elif path.suffix == ".py":
            assert re.search(rf"\b{path.name}\b", page), f"{path.name} is not in architecture.md"


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
