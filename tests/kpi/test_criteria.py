"""Judging: the notice's own words, inclusive thresholds, and honest outcomes."""

from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from plantseal_kpi.judging.comparing import compare
from plantseal_kpi.judging.conditions import unasked
from plantseal_kpi.judging.criteria import judge
from plantseal_kpi.judging.facts import Fact, declared_facts
from plantseal_kpi.judging.notices import Notice, load_notice
from plantseal_kpi.metrics import BY_FACT, CATALOGUE

NOTICE = load_notice("CQ2020-15")
WORKSHOP = {"track": "workshop", "build": "renovation"}


def verdicts(facts=(), declared=None, project=None):
    known = {f.id: f for f in facts}
    stated = declared_facts(declared or {})
    return {v.criterion: v for v in judge(NOTICE, known, project or WORKSHOP, stated)}


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (Fraction(9, 10), "PASS"),
        (Fraction(9, 10) - Fraction(1, 10**30), "FAIL"),
        (None, "NOT_ASSESSABLE"),
    ],
)
def test_90_percent_is_enough_and_a_hair_less_is_not(value, outcome):
    v = verdicts([Fact("data_upload_rate", value, origin="live")])["cq2020.w2.upload_rate"]
    assert v.outcome == outcome


def test_a_measured_criterion_takes_no_statement():
    v = verdicts(declared={"data_upload_rate": Decimal(99)})["cq2020.w2.upload_rate"]
    assert v.outcome == "NOT_ASSESSABLE"
    assert "cannot replace a measurement" in v.reasons[0].message


def test_a_statement_is_in_the_criterions_unit():
    project = WORKSHOP | {"project_class": "I", "region": "other"}
    declared = {
        "construction_progress": Decimal(80), "construction_period": "31",
        "equipment_software_investment": Decimal(1000), "project_start_date": "2018-01-01",
    }  # fmt: skip
    got = verdicts(declared=declared, project=project)
    assert got["cq2020.a3.i.progress"].outcome == "PASS"
    assert got["cq2020.a3.i.progress"].figure == "80"
    assert got["cq2020.a3.i.duration"].outcome == "FAIL"
    assert got["cq2020.a3.i.invest"].outcome == "PASS_POINT"
    assert got["cq2020.a3.i.invest"].reasons[0].code == "criteria.stated"
    assert got["cq2020.a3.i.invest_nese"].outcome == "NOT_APPLICABLE"
    assert got["cq2020.a3.i.start"].outcome == "PASS"


def test_what_the_project_does_not_say_is_asked_for():
    v = verdicts()["cq2020.a3.i.progress"]
    assert v.outcome == "NOT_ASSESSABLE"
    assert "project.project_class" in v.reasons[0].message


def test_the_other_track_does_not_apply():
    got = verdicts()
    assert {v.outcome for k, v in got.items() if k.startswith("cq2020.f")} == {"NOT_APPLICABLE"}
    assert got["cq2020.w5.baseline_new"].outcome == "NOT_APPLICABLE"


def test_a_wrong_kind_of_statement_is_named_not_judged():
    v = verdicts(declared={"previously_recognised": Decimal(3)})["cq2020.a4.no_repeat"]
    assert v.outcome == "NOT_ASSESSABLE"
    assert "expected true or false" in v.reasons[-1].message


def test_a_date_window_includes_its_edges():
    c = next(c for c in NOTICE.criteria if c.comparator == "date_between")
    assert compare(c, "2020-04-11T00:00:00+08:00")
    assert not compare(c, "2020-04-11T00:00:01+08:00")


def test_the_roll_up_follows_its_parts():
    assert verdicts()["cq2020.a2.tech"].outcome == "NOT_ASSESSABLE"
    facts = [Fact("data_upload_rate", Fraction(1, 2), origin="live")]
    assert verdicts(facts)["cq2020.a2.tech"].outcome == "FAIL"
    facts = []
    for c in NOTICE.criteria:
        if c.id.startswith("cq2020.w"):
            met = {"is_true": True, "==": c.threshold}.get(c.comparator, c.threshold)
            facts.append(Fact(c.metric, Fraction(met) if c.comparator == ">=" else met))
    facts.append(Fact("baseline_kind", "pre_project"))
    assert verdicts(facts)["cq2020.a2.tech"].outcome == "PASS_POINT"


def test_a_criterion_whose_threshold_does_not_fit_is_refused():
    text = NOTICE.model_dump(mode="json", by_alias=True)
    text["criteria"][0]["threshold"] = 7
    with pytest.raises(ValidationError, match="does not fit comparator"):
        Notice.model_validate(text)


def test_every_measured_or_gateway_fact_has_its_metric():
    for fact in (
        "digital_equipment_share", "data_upload_rate", "defect_rate_reduction",
        "energy_utilisation_gain", "production_efficiency_gain", "networked_equipment_classes",
        "real_time_monitoring",
    ):  # fmt: skip
        assert fact in BY_FACT
        assert any(c.metric == fact for c in NOTICE.criteria)


def test_the_catalogue_names_functions_after_metrics():
    for m in CATALOGUE.values():
        assert m.function.__name__ == m.id
        assert m.function.__doc__
        assert m.zh


def test_a_misspelt_project_makes_nothing_inapplicable():
    got = verdicts(project={"track": "Workshop", "build": "renovation"})
    v = got["cq2020.w2.upload_rate"]
    assert v.outcome == "NOT_ASSESSABLE"
    assert "got 'Workshop'" in v.reasons[0].message


def test_what_nobody_asks_for_is_named():
    found = unasked(
        [NOTICE], {"bulid": "renovation", "track": "workshop"}, {"construction_perod": Decimal(3)}
    )
    assert [f.code for f in found] == ["project.unknown", "declared.unknown"]
    assert "did you mean build" in found[0].message
    assert "did you mean construction_period" in found[1].message


def test_the_very_day_is_flagged():
    project = WORKSHOP | {"project_class": "I"}
    for day, flagged in (("2018-01-01", True), ("2018-01-02", False)):
        v = verdicts(declared={"project_start_date": day}, project=project)["cq2020.a3.i.start"]
        assert v.outcome == "PASS"
        assert any(r.code == "criteria.exact_day" for r in v.reasons) == flagged


def test_a_number_that_is_none_is_named():
    project = WORKSHOP | {"project_class": "I"}
    got = verdicts(
        declared={"construction_progress": Decimal("NaN"), "project_start_date": "soon"},
        project=project,
    )
    assert got["cq2020.a3.i.progress"].outcome == "NOT_ASSESSABLE"
    assert "expected a date such as" in got["cq2020.a3.i.start"].reasons[-1].message
