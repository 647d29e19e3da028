"""``plantseal kpi``: the table, the spreadsheets and the explanation of one figure."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from plantseal_testing_bundle import ORIGIN, make_store

from plantseal import keys
from plantseal.cli.spreadsheet import figures_csv
from plantseal_kpi.report import Report, Result

PERIOD = "2026-03-02T00:00:00+00:00..2026-03-02T00:12:00+00:00"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kpi")
    (root / "plant.yaml").write_text(
        "version: 1\nsite: site-7\nequipment: [{id: cnc1, name: n, cls: processing}]\n"
    )
    make_store(root / "data", keys.create(root / "data" / "keys" / "gateway.pem", ORIGIN)).close()
    return root


def kpi(folder: Path, *more: str, lang: str = "en") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "plantseal", "--lang", lang, "kpi", "--period", PERIOD, *more],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "word"), [("en", "formula with the numbers"), ("zh", "代入数值的公式")]
)
def test_one_figure_explained(folder: Path, lang: str, word: str) -> None:
    asked = "availability@cnc1"
    done = kpi(folder, "--explain", asked, lang=lang)
    assert done.returncode == 0, done.stderr
    assert "availability/" in done.stdout
    assert "ns producing" in done.stdout.replace("\n", " ")
    assert word in done.stdout


def test_all_scopes_and_json(folder: Path) -> None:
    done = kpi(folder, "--explain", "availability", "--json")
    figures = json.loads(done.stdout)["figures"]
    assert {f["scope"] for f in figures} >= {"cnc1", "plant"}
    assert {f["metric"] for f in figures} == {"availability"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [("availabilty", "got 'availabilty', expected one of availability"),
     ("availability@cnc2", "got 'cnc2', expected one of cnc1, plant")],
)  # fmt: skip
def test_an_unknown_figure_is_told_with_what_there_is(folder: Path, asked: str, said: str) -> None:
    done = kpi(folder, "--explain", asked)
    assert done.returncode == 3
    assert said in done.stderr


def test_verdicts_and_figures_as_csv(folder: Path) -> None:
    done = kpi(folder, "--csv", "-", "--figures", "figures.csv")
    verdicts = list(csv.DictReader(io.StringIO(done.stdout)))
    report = json.loads(kpi(folder, "--json").stdout)
    assert [v["criterion"] for v in verdicts] == [v["criterion"] for v in report["verdicts"]]
    assert [v["formula"] for v in verdicts] == [v["formula"] for v in report["verdicts"]]
    text = (folder / "figures.csv").read_text(encoding="utf-8-sig")
    figures = list(csv.DictReader(io.StringIO(text)))
    assert [f["value"] for f in figures] == [r["value"] or "" for r in report["results"]]


def test_only_one_of_them_can_go_to_stdout(folder: Path) -> None:
    assert kpi(folder, "--csv", "-", "--figures", "-").returncode == 2


def test_the_table_says_which_window_and_how(folder: Path) -> None:
    done = kpi(folder, "--notice", "CQ2020-15", lang="zh")
    assert "未事先声明" in done.stdout
    assert "计算" in done.stdout
    assert "window.undeclared" in done.stderr
    assert "config.retrospective" in done.stderr


def test_no_cell_becomes_a_formula() -> None:
    result = Result(metric="=1+1", version=1, scope="-x", unit="1", value="-0.5")
    report = Report(site="s", start="", end="", rows_live=0, rows_imported=0, results=(result,),
                    verdicts=())  # fmt: skip
    (line,) = csv.DictReader(io.StringIO(figures_csv(report)))
    assert (line["metric"], line["scope"], line["value"]) == ("'=1+1", "'-x", "-0.5")


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "the device did not answer"), ("zh", "设备未应答")]
)
def test_what_was_left_out_is_shown_and_written(folder: Path, lang: str, said: str) -> None:
    done = kpi(folder, "--explain", "upload_rate@cnc1", "--csv", "up.csv", lang=lang)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    frames = {n: _frame(folder / f"up.{n}.csv") for n in ("intervals", "rows", "sums")}
    report = json.loads(kpi(folder, "--json").stdout)
    (figure,) = [r for r in report["results"]
                 if (r["metric"], r["scope"]) == ("upload_rate", "cnc1")]  # fmt: skip
    for term in ("numerator", "denominator"):
        assert sum(int(x[term]) for x in frames["intervals"]) == int(figure[term])
    out = [x for x in frames["rows"] if x["used"] == "false" and x["kind"] == "SLOT"]
    assert out
    assert {x["why"] for x in out} == {said}
    assert sum(int(x["n"]) for x in frames["sums"] if x["frame"] == "rows") == len(frames["rows"])


def _frame(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_an_improvement_shows_both_sides_as_json(folder: Path) -> None:
    done = kpi(folder, "--explain", "defect_rate_reduction", "--json")
    shown = json.loads(done.stdout)["drill"]
    assert [p["metric"] for p in shown["parts"]] == ["defect_rate", "defect_rate"]
    assert shown["parts"][1]["sums"]


@pytest.mark.parametrize(
    "more", [("--csv", "-"), ("--notice", "CQ2020-15"), ("--figures", "x.csv")]
)
def test_an_explanation_stands_alone(folder: Path, more: tuple[str, str]) -> None:
    assert kpi(folder, "--explain", "oee", *more).returncode == 2
