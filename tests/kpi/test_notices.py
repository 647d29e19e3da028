"""The packages of the five notices: each quote stands in its notice, no criterion is lost."""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from plantseal_kpi.judging.conditions import vocabulary
from plantseal_kpi.judging.notices import Notice, load_notice, notice_keys

SHARED = Path(os.environ.get("DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).parent
COUNTS = {"CQ2020-15": 89, "CQ2021-114": 80, "CQ2022-38": 25, "CQ2023-32": 30, "CQ2024-4": 25}


def whole(text: str) -> str:
    """A cell of a printed form breaks its lines: compare without white space."""
    return "".join(text.split())


def text_of(notice: Notice) -> str:
    return (SHARED / "notices" / notice.file).read_text("utf-8")


def extraction() -> dict:
    return YAML(typ="safe").load((SHARED / "design" / "criteria.yaml").read_text("utf-8"))


def listed(value):
    return tuple(value) if isinstance(value, list) else value


def test_all_five_notices_are_there_with_249_criteria():
    assert {k: len(load_notice(k).criteria) for k in notice_keys()} == COUNTS
    assert sum(COUNTS.values()) == 249


def test_ids_are_unique_over_all_notices():
    ids = [c.id for k in notice_keys() for c in load_notice(k).criteria]
    assert len(set(ids)) == len(ids)


@pytest.mark.recorded("../notices")
@pytest.mark.parametrize("key", COUNTS)
def test_every_quote_stands_in_its_notice(key):
    notice = load_notice(key)
    text = whole(text_of(notice))
    assert [c.id for c in notice.criteria if whole(c.text_zh) not in text] == []


@pytest.mark.recorded("../notices")
def test_one_quote_alone_needs_its_line_break_taken_out():
    broken = [
        c.id
        for k in notice_keys()
        for c in load_notice(k).criteria
        if c.text_zh not in text_of(load_notice(k))
    ]
    assert broken == ["cq2021.f5.eff14"]


@pytest.mark.recorded("../notices")
@pytest.mark.parametrize("key", COUNTS)
def test_number_date_and_names_stand_in_the_notice(key):
    notice = load_notice(key)
    text = whole(text_of(notice))
    assert notice.number.split(" ")[0] in text
    if notice.issued is None:
        assert notice.defect == "the copy carries no date of issue"
    else:
        day = notice.issued
        assert f"{day.year}年{day.month}月{day.day}日" in text
    assert [t.name_zh for t in notice.tracks if whole(t.name_zh) not in text] == []


@pytest.mark.recorded("../notices")
def test_effects_links_and_scenes_stand_in_the_notice():
    notice = load_notice("CQ2021-114")
    text = whole(text_of(notice))
    names = [e.text_zh for e in notice.effects]
    names += [s.name for k in notice.scenes for s in k.scenes] + [k.link for k in notice.scenes]
    assert [n for n in names if whole(n) not in text] == []
    for links in notice.key_links.values():
        assert "围绕" + "、".join(links) + "重点环节" in text


@pytest.mark.recorded("../design")
@pytest.mark.parametrize("key", COUNTS)
def test_no_criterion_of_the_extraction_is_missing_or_changed(key):
    notice = load_notice(key)
    wanted = {c["id"]: c for c in extraction()["criteria"] if c["notice"] == key}
    assert [c.id for c in notice.criteria] == list(wanted)
    for c in notice.criteria:
        w = wanted[c.id]
        assert (c.text_zh, c.metric, c.comparator, c.clause) == (
            w["text_zh"], w["metric"], w["comparator"], w["clause"]
        )  # fmt: skip
        assert c.threshold == listed(w["threshold"]), c.id
        assert (c.unit, c.window) == (w["unit"] or "", w["window"] or ""), c.id
        assert (c.evidence_kind, c.strength) == (w["evidence_kind"], w["strength"])
        assert c.applies_when == {k: listed(v) for k, v in w["applies_when"].items()}
        assert bool(c.note) == bool(w.get("note")), c.id


@pytest.mark.recorded("../design")
def test_the_tables_of_the_extraction_are_there():
    wanted, notice = extraction(), load_notice("CQ2021-114")
    assert [e.model_dump() for e in notice.effects] == wanted["effectiveness_fields_2021"]
    assert notice.key_links == {k: tuple(v) for k, v in wanted["key_links"].items()}
    assert [k.model_dump(mode="json") for k in notice.scenes] == wanted["scene_catalogue"]
    modes = {t.id.split(".")[1]: t.elements for t in load_notice("CQ2020-15").tracks if t.elements}
    assert modes == wanted["new_mode_element_counts"]
    for n in wanted["notices"]:
        ours = load_notice(n["key"])
        assert (ours.number, ours.file, ours.subject) == (n["number"], n["file"], n["subject"])
        assert ours.defect == n.get("defect", ours.defect)


def test_the_form_of_effects_is_the_criteria_of_its_fields():
    notice = load_notice("CQ2021-114")
    fields = {c.metric: c for c in notice.criteria if c.id.startswith("cq2021.f5.eff")}
    assert len(notice.effects) == len(fields) == 14
    for e in notice.effects:
        assert fields[e.metric].text_zh == e.text_zh
        assert fields[e.metric].comparator == "report"


def test_52_scenes_in_15_links_and_six_links_an_industry():
    notice = load_notice("CQ2021-114")
    counts = [len(k.scenes) for k in notice.scenes]
    assert counts == [2, 2, 2, 3, 6, 3, 3, 5, 4, 3, 4, 3, 3, 4, 5]
    assert [s.no for k in notice.scenes for s in k.scenes] == list(range(1, 53))
    assert {len(links) for links in notice.key_links.values()} == {6}


def test_each_mode_lists_each_of_its_elements():
    notice = load_notice("CQ2020-15")
    for track in notice.tracks:
        if track.elements:
            (prefix,) = track.criteria
            ids = [c.id.removeprefix(prefix) for c in notice.criteria if c.id.startswith(prefix)]
            assert {int(i.rstrip("ab")) for i in ids} == set(range(1, track.elements + 1))


@pytest.mark.parametrize("key", COUNTS)
def test_every_hard_criterion_belongs_to_a_track(key):
    notice = load_notice(key)
    prefixes = tuple(p for t in notice.tracks for p in t.criteria)
    hard = [c.id for c in notice.criteria if c.strength == "hard"]
    assert [i for i in hard if not i.startswith(prefixes)] == []


@pytest.mark.parametrize("key", COUNTS)
def test_every_condition_of_a_track_is_a_word_of_the_notice(key):
    notice = load_notice(key)
    known = vocabulary(notice)
    for t in notice.tracks:
        assert all(word in known[k] for k, word in t.when.items())


def test_a_package_keeps_its_schema():
    def text(key):
        return YAML(typ="safe").load(
            (files("plantseal_kpi") / "notices" / f"{key}.yaml").read_text("utf-8")
        )

    def refused(match, **change):
        for key, value in change.items():
            given = text("CQ2021-114") | {key: value}
            with pytest.raises(ValidationError, match=match):
                Notice.model_validate(given)

    refused("literal_error|Input should be", schema="plantseal.notice/1")
    refused("Extra inputs", remark="x")
    refused("asks for key_links", key_links={})
    refused("not in the catalogue", key_links={"原材料": ["生产"]})
    refused("no criterion begins with", tracks=[{
        "id": "x", "name_zh": "x", "when": {}, "criteria": ["cq1999."]}])  # fmt: skip
    twice = text("CQ2022-38")
    twice["criteria"].append(twice["criteria"][0])
    with pytest.raises(ValidationError, match=r"given more than once: cq2022\.s1\.maturity"):
        Notice.model_validate(twice)


@pytest.mark.parametrize(
    ("comparator", "threshold"),
    [
        (">=", True), (">=", "5"), ("approx", (1,)), ("in", ()), ("in", "x"), ("subset_of", "x"),
        ("fail_if>=", "5"), ("recompute_if<=", None), ("contains_all", "key_links"), ("==", None),
        ("is_true", False), ("is_false", True), ("report", 3), ("date>=", 2020),
        ("date_between", ("2020-01-01",)), ("<=", {"scene": "20"}),
    ],
)  # fmt: skip
def test_a_threshold_that_does_not_fit_its_comparator_is_refused(comparator, threshold):
    notice = load_notice("CQ2022-38").model_dump(mode="json", by_alias=True)
    notice["criteria"][0] |= {"comparator": comparator, "threshold": threshold}
    with pytest.raises(ValidationError, match="does not fit comparator"):
        Notice.model_validate(notice)


def test_a_notice_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ValueError, match="got 'CQ2019-1', expected one of CQ2020-15, CQ2021-114"):
        load_notice("CQ2019-1")
