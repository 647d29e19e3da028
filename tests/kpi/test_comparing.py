"""Comparators, intervals and lengths: each boundary of each kind of criterion."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_kpi.judging.characters import characters
from plantseal_kpi.judging.comparing import compare
from plantseal_kpi.judging.criteria import judge
from plantseal_kpi.judging.facts import Fact, declared_facts, facts_from
from plantseal_kpi.judging.notices import load_notice
from plantseal_kpi.report import Finding, Interval, Result

TRACKS = "workshop, pilot_factory, benchmark_enterprise, dual_synergy_factory, future_factory_scene"
PROJECT = {"track": TRACKS, "build": "renovation", "industry": "装备制造", "stage": "completion"}
CRITERIA = {c.id: c for k in ("CQ2020-15", "CQ2021-114", "CQ2022-38", "CQ2023-32", "CQ2024-4")
            for c in load_notice(k).criteria}  # fmt: skip
NOTICE_OF = {"cq2020": "CQ2020-15", "cq2021": "CQ2021-114", "cq2022": "CQ2022-38",
             "cq2023": "CQ2023-32", "cq2024": "CQ2024-4"}  # fmt: skip


def verdict(criterion, *facts, declared=None, **project):
    notice = load_notice(NOTICE_OF[criterion.split(".")[0]])
    found = judge(
        notice, {f.id: f for f in facts}, PROJECT | project, declared_facts(declared or {})
    )
    return next(v for v in found if v.criterion == criterion)


def stated(criterion, value, **project):
    return verdict(criterion, declared={CRITERIA[criterion].metric: value}, **project)


def codes(v):
    return [r.code for r in v.reasons]


@pytest.mark.parametrize(
    ("n", "fails", "recomputed"),
    [("0", "PASS", "PASS"), ("4", "PASS", "PASS"), ("5", "UNDECIDED", "UNDECIDED"),
     ("6", "FAIL", "NOT_APPLICABLE"), ("500", "FAIL", "NOT_APPLICABLE")],
)  # fmt: skip
def test_five_mismatches_are_undecided_four_pass_six_fail(n, fails, recomputed):
    assert stated("cq2022.p3.mismatch_fail", n).outcome == fails
    assert stated("cq2022.p3.mismatch_fix", n).outcome == recomputed


def test_exactly_five_shows_both_readings():
    said = stated("cq2022.p3.mismatch_fail", "5").reasons[0].message
    assert "5个以上 fails" in said
    assert "5个以内 is recomputed" in said
    assert "keep to 4 at most" in said


def test_below_five_what_the_experts_confirmed_must_be_used():
    assert "criteria.site_values" in codes(stated("cq2022.p3.mismatch_fix", "3"))
    assert "criteria.site_values" not in codes(stated("cq2022.p3.mismatch_fix", "0"))


@pytest.mark.parametrize("n", ["4.5", "-1", "many", True])
def test_a_number_of_mismatches_is_a_count(n):
    v = stated("cq2022.p3.mismatch_fail", n)
    assert (v.outcome, codes(v)) == ("NOT_ASSESSABLE", ["criteria.type"])


@pytest.mark.parametrize(
    ("n", "outcome"),
    [("270", "PASS"), ("269", "FAIL"), ("300", "PASS"), ("330", "PASS"), ("331", "FAIL")],
)
def test_nearly_300_characters_is_ten_percent_either_way(n, outcome):
    v = stated("cq2022.t.pain", n)
    assert v.outcome == outcome
    assert "criteria.tolerance" in codes(v)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("汽车", "PASS"), ("航天", "FAIL"), (("汽车", "电子"), "PASS"), (("汽车", "航天"), "FAIL"),
     ((), "FAIL"), (True, "NOT_ASSESSABLE")],
)  # fmt: skip
def test_one_of_the_listed_industries(value, outcome):
    assert stated("cq2022.f1.industry", value).outcome == outcome


@pytest.mark.parametrize(
    ("year", "outcome"), [("2018", "PASS"), ("2022", "PASS"), ("2017", "FAIL")]
)
def test_a_year_of_recognition_is_a_number(year, outcome):
    assert stated("cq2022.c2.recognised", year).outcome == outcome


@pytest.mark.parametrize(
    ("kinds", "outcome"),
    [(("云服务费",), "PASS"), (("云服务费", "软件购置费"), "PASS"), (("云服务费", "土建"), "FAIL"),
     ((), "NOT_ASSESSABLE")],
)  # fmt: skip
def test_only_the_six_kinds_of_cost_count(kinds, outcome):
    v = verdict("cq2024.a5.cost_kinds", Fact("investment_cost_kinds", kinds))
    assert v.outcome == outcome
    assert outcome != "FAIL" or "not listed by the notice: 土建" in v.reasons[-1].message


@pytest.mark.parametrize(
    ("at", "outcome", "edge"),
    [("2022-08-10", "PASS", True), ("2022-08-10T23:59:00+08:00", "PASS", True),
     ("2022-08-10T17:00:00Z", "FAIL", False), ("2022-08-11", "FAIL", False),
     ("2022-08-09", "PASS", False), ("soon", "NOT_ASSESSABLE", False)],
)  # fmt: skip
def test_a_deadline_that_is_a_day_includes_the_day_in_china(at, outcome, edge):
    v = stated("cq2022.r2.deadline", at)
    assert (v.outcome, "criteria.exact_day" in codes(v)) == (outcome, edge)


@pytest.mark.parametrize(
    ("at", "outcome"),
    [("2024-04-08T17:00:00+08:00", "PASS"), ("2024-04-08T17:00:01+08:00", "FAIL"),
     ("2024-04-07", "PASS"), ("2024-04-09", "FAIL"), ("2024-04-08", "NOT_ASSESSABLE")],
)  # fmt: skip
def test_a_deadline_within_a_day_needs_the_time_of_day(at, outcome):
    assert stated("cq2024.b1.deadline", at).outcome == outcome


def test_a_day_before_midnight_of_the_next_is_in_time():
    assert stated("cq2021.l1.deadline_online", "2021-11-21").outcome == "PASS"
    assert stated("cq2021.l1.deadline_online", "2021-11-22").outcome == "NOT_ASSESSABLE"


def test_a_quota_takes_the_projects_track():
    for track, n, outcome in (("scene", "20", "PASS"), ("scene", "21", "FAIL"),
                              ("pilot_factory", "10", "PASS"), ("pilot_factory", "11", "FAIL"),
                              ("scene, pilot_factory", "5", "NOT_ASSESSABLE")):  # fmt: skip
        v = stated("cq2021.o3.quota_scene", n, track=track, recommender="province")
        assert v.outcome == outcome


@pytest.mark.parametrize(
    ("industry", "outcome"),
    [("原材料", "FAIL"), ("装备制造", "PASS"), ("航天", "NOT_ASSESSABLE"), ("", "NOT_ASSESSABLE")],
)
def test_the_six_links_are_those_of_the_industry(industry, outcome):
    links = load_notice("CQ2021-114").key_links["装备制造"]
    v = stated("cq2021.x3.six_links", links, industry=industry)
    assert v.outcome == outcome
    if outcome == "FAIL":
        assert v.reasons[-1].message.startswith("missing: 安全管控, 能源管理, 环保管控")


def test_what_a_form_asks_for_must_be_given_where_it_is_hard():
    assert stated("cq2023.t.maturity_score", "3.1").outcome == "REPORTED"
    assert verdict("cq2023.t.maturity_score").outcome == "NOT_ASSESSABLE"
    assert verdict("cq2021.f5.eff01").outcome == "REPORTED"


# lengths ------------------------------------------------------------------------------------------


def slow_count(text: str) -> int:
    return len([c for c in text if c.strip()])


@settings(deadline=None)
@given(st.text("aZ09 \t\n-，。；（）智能工厂\u3000\u00a0\U00020000"))
def test_characters_are_all_but_spaces(text):
    assert characters(text) == slow_count(text)


@pytest.mark.parametrize(
    ("text", "n"),
    [("", 0), (" \t\n\u3000\u00a0", 0), ("a\u200bb\ufeff", 2), ("e\u0301", 1), ("《智能》 2.0", 7)],
)
def test_invisible_characters_do_not_count(text, n):
    assert characters(text) == n


@pytest.mark.parametrize(
    ("n", "outcome", "near"),
    [(474, "PASS", False), (475, "PASS", True), (500, "PASS", True), (501, "FAIL", False)],
)
def test_a_text_is_counted_and_95_percent_is_said(n, outcome, near):
    for value in ("字 " * n, str(n)):
        v = stated("cq2021.f5.brief", value)
        assert (v.outcome, v.figure, "criteria.near_limit" in codes(v)) == (outcome, str(n), near)


def test_of_several_texts_the_worst_decides():
    v = stated("cq2021.r5.scene_chars", ("字" * 10, "字" * 3001, "200"))
    assert (v.outcome, v.figure) == ("FAIL", "3001")
    assert "item 2 of 3 decides" in v.reasons[0].message
    assert stated("cq2024.t.scene_kpis", ("3", "2", "9")).outcome == "FAIL"
    assert stated("cq2024.t.scene_kpis", ("3", "4")).outcome == "PASS"
    assert stated("cq2024.t.scene_kpis", ("3", "some")).outcome == "NOT_ASSESSABLE"
    assert stated("cq2022.t.pain", ("300", "500")).outcome == "FAIL"


# point and bound ----------------------------------------------------------------------------------


def gain(value, low, findings=(), coverage="1"):
    n, d = Fraction(value).as_integer_ratio()
    interval = low and Interval(method="ols_sum_prediction/1", level="0.95", low=low)
    return facts_from(
        [Result(metric="energy_utilisation_gain", version=1, scope="plant", unit="1",
                numerator=str(n), denominator=str(d), value=value, coverage=coverage,
                interval=interval, findings=findings, formula="E_adj / E1 - 1")], None,
    )["energy_utilisation_gain"]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "low", "bound", "outcome", "code"),
    [
        ("0.09", "0.08", "8", "PASS", None),
        ("0.09", "0.0799999999999", "7.99999999999", "PASS_POINT", "criteria.bound"),
        ("0.09", None, None, "PASS_POINT", "criteria.no_interval"),
        ("0.08", "-0.5", "-50", "PASS_POINT", "criteria.bound"),
        ("0.0799999999999", "0.08", "8", "FAIL", "criteria.remedy"),
    ],
)
def test_a_pass_needs_the_point_and_the_bound(value, low, bound, outcome, code):
    v = verdict("cq2020.w5.energy", gain(value, low))
    assert v.outcome == outcome
    assert code is None or code in codes(v)
    assert v.formula == "E_adj / E1 - 1"
    assert v.bound == bound


def test_a_broken_rule_of_the_data_is_not_assessable_whatever_the_figure():
    broken = Finding(code="unassessable.overlap", message="other products")
    v = verdict("cq2020.w5.energy", gain("0.5", "0.4", (broken,)))
    assert (v.outcome, codes(v)[0]) == ("NOT_ASSESSABLE", "criteria.data_rules")
    v = verdict("cq2020.w5.energy", gain("0.5", "0.4", coverage="0.899999999999"))
    assert (v.outcome, codes(v)[0]) == ("NOT_ASSESSABLE", "criteria.coverage")
    assert verdict("cq2020.w5.energy", gain("0.5", "0.4", coverage="0.9")).outcome == "PASS"


def test_a_finding_may_hold_a_claim_at_the_point():
    short = Finding(code="point_only.short", message="28 days")
    v = verdict("cq2020.w5.energy", gain("0.5", "0.4", (short,)))
    assert (v.outcome, codes(v)[0]) == ("PASS_POINT", "point_only.short")


def test_a_finding_holds_a_census_at_the_point_too():
    works = Finding(
        code="point_only.baseline.works", message="when the works were done is not said"
    )
    fact = Fact("operating_cost_reduction", Fraction(1, 2), origin="imported", findings=(works,))
    v = verdict("cq2020.w5.opcost", fact)
    assert (v.outcome, codes(v)[0]) == ("PASS_POINT", "point_only.baseline.works")
    assert verdict("cq2020.w5.opcost", replace(fact, findings=())).outcome == "PASS"
    assert verdict("cq2020.w5.opcost", replace(fact, value=Fraction(0))).outcome == "FAIL"


def test_a_census_that_is_only_stated_is_a_point_and_says_what_would_prove_it():
    v = verdict("cq2020.w5.opcost", declared={"operating_cost_reduction": "50"})
    assert (v.outcome, v.origin, codes(v)[0]) == ("PASS_POINT", "declared", "criteria.stated")
    assert "import the ledger" in v.reasons[-1].message


def test_kinds_of_cost_that_the_notice_does_not_list_fail():
    listed = ("设备购置及安装费", "软件购置费")
    for kinds, outcome in ((listed, "PASS"), ((*listed, "other"), "FAIL")):
        fact = Fact("investment_cost_kinds", kinds, origin="imported")
        notice = load_notice("CQ2024-4")
        found = judge(notice, {fact.id: fact}, {"track": "future_factory_scene"}, {})
        v = next(v for v in found if v.criterion == "cq2024.a5.cost_kinds")
        assert v.outcome == outcome
    assert "not listed by the notice: other" in v.reasons[-1].message


def test_eight_percent_up_is_7_407_percent_down():
    v = verdict("cq2020.w5.energy", gain("0.08", "0.08"))
    said = next(r.message for r in v.reasons if r.code == "criteria.both_forms")
    assert "8 % relative to before; the same as 7.40740740741 % less per unit" in said


def test_a_census_passes_on_the_point():
    v = verdict(
        "cq2020.w1.digital_share", Fact("digital_equipment_share", Fraction(1, 2), origin="live")
    )
    assert (v.outcome, v.reasons) == ("PASS", ())
    v = verdict("cq2020.w1.digital_share", Fact("digital_equipment_share", Fraction(49_999, 10**5)))
    assert (v.outcome, v.figure) == ("FAIL", "49.999")
    assert v.reasons[-1].message.startswith("is 49.999, asked >= 50: short by 0.001 points")


def test_a_census_may_be_thinly_covered_but_must_be_witnessed():
    share = Result(metric="digital_equipment_share", version=1, scope="plant", unit="1",
                   numerator="1", denominator="2", value="0.5", coverage="0.1")  # fmt: skip
    facts = facts_from([share], None)
    assert verdict("cq2020.w1.digital_share", facts["digital_equipment_share"]).outcome == "PASS"
    v = verdict("cq2020.w2.upload_rate", Fact("data_upload_rate", Fraction(1), origin="imported"))
    assert (v.outcome, codes(v)[0]) == ("NOT_ASSESSABLE", "criteria.not_witnessed")


@pytest.mark.parametrize(
    ("high", "outcome"), [(30, "PASS"), (31, "PASS_POINT"), (None, "PASS_POINT")]
)
def test_at_most_is_held_against_the_upper_end(high, outcome):
    end = None if high is None else Fraction(high)
    fact = Fact("construction_period", Fraction(30), sampled=True, low=Fraction(1), high=end)
    v = verdict("cq2020.a3.i.duration", fact, project_class="I")
    assert (v.outcome, v.bound) == (outcome, None if high is None else str(high))


def test_why_a_measured_figure_has_no_value_is_kept_beside_a_statement():
    why = Finding(code="energy.dead", message="the meter is dead")
    v = verdict("cq2020.w5.energy", Fact("energy_utilisation_gain", None, findings=(why,)),
                declared={"energy_utilisation_gain": "9"})  # fmt: skip
    assert (v.outcome, codes(v)[0]) == ("NOT_ASSESSABLE", "energy.dead")


def test_a_statement_stands_in_for_a_computed_figure_that_is_not_there_and_for_no_other():
    declared = {"rd_cycle_reduction": "12", "defect_rate_reduction": "50"}
    none = [Fact("rd_cycle_reduction", None), Fact("defect_rate_reduction", None)]
    project = {"track": "smart_factory"}
    assert (
        verdict("cq2020.f8.defect", *none, declared=declared, **project).outcome == "NOT_ASSESSABLE"
    )
    v = verdict("cq2020.f8.rd_cycle", *none, declared=declared, **project)
    assert (v.outcome, v.figure, v.origin) == ("PASS_POINT", "12", "declared")
    assert "criteria.stated" in codes(v)
    known = Fact("rd_cycle_reduction", Fraction(1, 100))
    assert verdict("cq2020.f8.rd_cycle", known, declared=declared, **project).outcome == "FAIL"


HOSTILE = st.one_of(
    st.none(), st.booleans(), st.text(), st.fractions(), st.lists(st.text()).map(tuple),
    st.sampled_from(["1970-01-01", "9999-12-31", "0001-01-01", "9007199254740993", "NaN", "1e999",
                     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]),
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(sorted(CRITERIA)), HOSTILE, HOSTILE, st.booleans())
def test_no_fact_breaks_a_judgement(criterion, value, low, measured):
    c = CRITERIA[criterion]
    fact = Fact(c.metric, value, origin="live", low=low, sampled=True)
    notice = load_notice(NOTICE_OF[criterion.split(".")[0]])
    side = {c.metric: fact}
    found = judge(notice, side if measured else {}, PROJECT, {} if measured else side)
    assert len(found) == len(notice.criteria)
    v = next(v for v in found if v.criterion == criterion)
    if c.evidence_kind == "measured" and not measured:
        assert v.outcome in ("NOT_ASSESSABLE", "NOT_APPLICABLE", "REPORTED")


@settings(deadline=None)
@given(st.fractions(-2, 2))
def test_at_least_and_at_most_include_the_number(x):
    low, high = CRITERIA["cq2024.a5.software"], CRITERIA["cq2023.t.smart_len"]
    assert compare(low, x) == (x * 10 >= 3)
    assert compare(high, 1000 + x) == (x <= 0)
