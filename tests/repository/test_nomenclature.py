"""docs/nomenclature.md names exactly what the code has, with the same unit."""

import re
from pathlib import Path
from typing import get_args

import pytest

from plantseal_connectors import rows as wire
from plantseal_connectors.tags import Role
from plantseal_kpi.metrics import CATALOGUE
from plantseal_kpi.plant import EquipmentClass, MachineState
from plantseal_kpi.report import Outcome

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "nomenclature.md").read_text("utf-8")


def table(heading: str) -> list[tuple[str, ...]]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_every_figure_stands_with_its_term_unit_and_source():
    assert table("Figures") == [(m.zh, f"`{m.id}`", m.unit, m.source) for m in CATALOGUE.values()]


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Roles of a tag", get_args(Role)),
        ("States of a machine", get_args(MachineState)),
        ("Classes of equipment", get_args(EquipmentClass)),
        ("Kinds of rows", tuple(wire.Kind.__members__)),
        ("Verdicts", get_args(Outcome)),
    ],
)
def test_every_identifier_stands_and_no_other(heading, names):
    assert [row[1].strip("`") for row in table(heading)] == list(names)


def test_every_row_has_a_chinese_term_and_a_source():
    for heading in re.findall(r"^## (.+)$", PAGE, re.M):
        for term, identifier, _unit, source in table(heading):
            assert re.search(r"[\u4e00-\u9fff]", term), identifier
            assert source, identifier


def test_metric_ids_are_the_names_of_their_functions():
    assert {m.id: m.function.__name__ for m in CATALOGUE.values()} == {i: i for i in CATALOGUE}
