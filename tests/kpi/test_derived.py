"""Facts that follow from other facts: each rule, and what no rule may make of a statement."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantseal_kpi.judging.conditions import unasked
from plantseal_kpi.judging.criteria import judge
from plantseal_kpi.judging.derived import IMPROVED, KPIS, derived
from plantseal_kpi.judging.facts import Fact, facts_from
from plantseal_kpi.judging.notices import load_notice, notice_keys
from plantseal_kpi.report import Finding, Interval, Result

FACTORY = {"track": "pilot_factory", "stage": "completion", "industry": "装备制造"}
N21, N22, N23 = (load_notice(k) for k in ("CQ2021-114", "CQ2022-38", "CQ2023-32"))


def kpi(name, value, low=None, origin="live", coverage=None, findings=()):
    f = Fraction(value) if value is not None else None
    r = Result(metric=name, version=1, scope="plant", unit="1", value=None if f is None else "0",
               coverage=coverage, origin=origin)  # fmt: skip
    return Fact(
        name, f, r, origin, findings, sampled=True, low=None if low is None else Fraction(low)
    )


def known(*facts):
    return {f.id: f for f in facts}


def outcomes(notice, facts, project, declared=None):
    return {v.metric: v for v in judge(notice, facts, project, declared or {})}


@pytest.mark.parametrize("name", IMPROVED)
def test_improved_is_better_than_before_and_sure_only_with_its_bound(name):
    source = IMPROVED[name][-1]
    for value, low, outcome in (("0.01", "0.001", "PASS"), ("0.01", "0", "PASS_POINT"), ("0.01", "-0.001", "PASS_POINT"),
                                ("0.01", None, "PASS_POINT"), ("0", "0", "FAIL"),
                                ("-0.01", "-1", "FAIL"), (None, None, "NOT_ASSESSABLE")):  # fmt: skip
        v = outcomes(N21, known(kpi(source, value, low)), FACTORY)[name]
        assert v.outcome == outcome, (name, value, low)
        assert f"{name} follows from {source}" in " ".join(r.message for r in v.reasons)


def test_of_two_sources_the_first_that_has_a_figure_counts():
    first, second = IMPROVED["energy_reduced"]
    both = known(kpi(first, "-0.1"), kpi(second, "0.5", "0.4"))
    assert outcomes(N21, both, FACTORY)["energy_reduced"].outcome == "FAIL"
    both = known(kpi(first, None), kpi(second, "0.5", "0.4"))
    assert outcomes(N21, both, FACTORY)["energy_reduced"].outcome == "PASS"


def test_what_is_thinly_known_follows_no_better():
    thin = known(kpi("defect_rate_reduction", "0.5", "0.4", coverage="0.5"))
    v = outcomes(N21, thin, FACTORY)["defect_reduced"]
    assert (v.outcome, v.reasons[0].code) == ("NOT_ASSESSABLE", "criteria.coverage")
    broken = (Finding(code="unassessable.x", message="x"),)
    facts = known(kpi("defect_rate_reduction", "0.5", "0.4", findings=broken))
    assert outcomes(N21, facts, FACTORY)["defect_reduced"].outcome == "NOT_ASSESSABLE"
    assert "effect_shown" not in derived(N22, facts, {})


def test_an_effect_is_one_figure_better_and_the_others_are_named():
    project = {"track": "benchmark_enterprise"}
    for gains, outcome in ((("0.1", "0.1"), "PASS"), (("-0.1", "0.1"), "PASS"),
                           (("-0.1", "0"), "FAIL")):  # fmt: skip
        facts = known(*(kpi(m, g, g) for m, g in zip(KPIS.values(), gains, strict=False)))
        v = outcomes(N22, facts, project)["effect_shown"]
        assert v.outcome == outcome
        worse = [r for r in v.reasons if r.code == "derived.not_better"]
        assert bool(worse) == ("-" in gains[0])


def test_the_case_and_the_factory_need_all_five_key_figures():
    five = known(*(kpi(m, "-0.5") for m in KPIS.values()))
    for notice, track, fact in ((N22, "benchmark_enterprise", "case_kpis"),
                                (N23, "dual_synergy_factory", "smart_factory_kpis_reported")):  # fmt: skip
        assert outcomes(notice, five, {"track": track})[fact].outcome == "PASS"
        for gone in KPIS.values():
            four = {k: v for k, v in five.items() if k != gone}
            v = outcomes(notice, four, {"track": track})[fact]
            assert v.outcome == "NOT_ASSESSABLE"
            assert any(gone in r.message for r in v.reasons if r.code == "derived.missing")


@pytest.mark.parametrize(
    ("origin", "value", "outcome"),
    [("live", "0.5", "PASS"), ("imported", "0.5", "NOT_ASSESSABLE"), ("live", "0", "NOT_ASSESSABLE"),
     ("mixed", "0.5", "NOT_ASSESSABLE")],
)  # fmt: skip
def test_operating_data_are_real_when_the_gateway_received_them(origin, value, outcome):
    facts = known(kpi("data_upload_rate", value, origin=origin))
    for notice, track in ((N22, "benchmark_enterprise"), (N23, "dual_synergy_factory")):
        assert outcomes(notice, facts, {"track": track})["real_operating_data"].outcome == outcome


def test_elements_of_the_discrete_mode_follow_from_the_network():
    project = {"track": "smart_factory", "mode": "discrete"}
    notice = load_notice("CQ2020-15")
    classes = ("加工设备", "检测设备", "物流设备")

    def judged(rate, classes, now):
        return outcomes(notice, known(
            kpi("key_equipment_networking_rate", rate), kpi("data_upload_rate", "0.5"),
            Fact("networked_equipment_classes", classes, origin="live"),
            Fact("real_time_monitoring", now, origin="live")), project)  # fmt: skip

    every = judged("1", classes, True)
    assert [every[f"new_mode_discrete_{n}"].outcome for n in (4, 6)] == ["PASS", "PASS"]
    assert every["new_mode_discrete_3"].outcome in ("PASS", "PASS_POINT")
    some = judged("0.999", classes[:2], True)
    assert [some[f"new_mode_discrete_{n}"].outcome for n in (3, 4, 6)] == ["FAIL", "FAIL", "PASS"]
    unknown = judged(None, classes, None)
    assert unknown["new_mode_discrete_3"].outcome == "NOT_ASSESSABLE"
    assert unknown["new_mode_discrete_4"].outcome == "NOT_ASSESSABLE"


def test_pollutants_are_never_shown_down_but_worse_energy_is_a_fail():
    project = {"track": "dual_synergy_factory"}
    better = outcomes(N23, known(kpi("energy_utilisation_gain", "0.1")), project)
    assert better["material_energy_pollutant_down"].outcome == "NOT_ASSESSABLE"
    worse = outcomes(N23, known(kpi("energy_utilisation_gain", "-0.1")), project)
    assert worse["material_energy_pollutant_down"].outcome == "FAIL"


@pytest.mark.parametrize(
    ("scenes", "links"),
    [
        (("生产计划优化", "智能仓储"), ("计划调度", "仓储配送")),
        (("52", "1", "1"), ("工厂设计", "模式创新")),
        (("新场景",), ()),
        ("生产计划优化", ("计划调度",)),
    ],
)
def test_scenes_of_the_catalogue_give_their_links(scenes, links):
    found = derived(N21, {}, {"scenes": Fact("scenes", scenes)})
    assert found["key_links_covered"].value == links
    new = [f for f in found["key_links_selected"].findings if f.code == "derived.new_scene"]
    assert bool(new) == (links == ())


def test_scenes_are_known_to_the_notice_that_has_them():
    assert unasked([N21], {}, {"scenes": ("1",)}) == []
    assert [f.code for f in unasked([N22], {}, {"scenes": ("1",)})] == ["declared.unknown"]


def test_intervals_go_with_what_follows_from_them():
    r = Result(metric="defect_rate_reduction", version=1, scope="plant", unit="1", numerator="1",
               denominator="5", value="0.2", origin="live",
               interval=Interval(method="koopman_score/1", level="0.95", low="0.1"))  # fmt: skip
    v = outcomes(N21, facts_from([r], None), FACTORY)["defect_reduced"]
    assert (v.outcome, v.bound, v.figure, v.numerator) == ("PASS", "true", "true", "1")


@settings(deadline=None)
@given(st.dictionaries(
    st.sampled_from([*KPIS.values(), "data_upload_rate", "carbon_emissions", "energy_per_unit",
                     "key_equipment_networking_rate", "networked_equipment_classes"]),
    st.one_of(st.none(), st.booleans(), st.text(), st.fractions(), st.just(("加工设备",))),
))  # fmt: skip
def test_no_statement_answers_a_measured_criterion_by_a_detour(stated):
    """Whatever is stated, with no figure there is no PASS of anything measured."""
    declared = {k: Fact(k, v) for k, v in stated.items()}
    for key in notice_keys():
        notice = load_notice(key)
        for v in judge(notice, {}, FACTORY | {"track": notice.tracks[0].when["track"]}, declared):
            if v.evidence_kind == "measured":
                assert v.outcome in ("NOT_ASSESSABLE", "NOT_APPLICABLE", "REPORTED")
