"""Shares of digital equipment: what is proven, by which reading."""

from plantseal_testing_kpi import at, birth, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate
from plantseal_kpi.figures import mean_terms
from plantseal_kpi.machines.equipment import (
    by_card,
    digital_equipment_share,
    proven_equipment_share,
)
from plantseal_kpi.plant import Equipment
from plantseal_kpi.report import ratio
from plantseal_kpi.schema import Flag


def register(line_card=""):
    listed = []
    for i in range(40):
        card = line_card if line_card and i < 8 else ""
        level = "L1" if i < 30 else "L0"
        listed.append(Equipment.model_validate(machine(f"m{i}", card=card, declared_level=level)))
    return listed, {f"m{i}" for i in range(27)}


def test_the_worked_example_of_40():
    units = by_card(*register())
    assert ratio(*digital_equipment_share(units)) == "0.75"
    assert ratio(*proven_equipment_share(units)) == "0.675"


def test_eight_machines_on_one_card_are_one_unit():
    units = by_card(*register("line-1"))
    assert digital_equipment_share(units) == (23, 33)
    assert proven_equipment_share(units) == (20, 33)


def shares(rows, mode="published", **more):
    p = plant([machine(), machine("m2")], [point(1, mode=mode)], **more)
    report = evaluate(frame(rows).lazy(), p, period(600))
    return next(r for r in report.results if r.metric == "proven_equipment_share")


def test_identity_and_a_changing_value_prove():
    rows = [birth(100, at(0), vendor="acme"), row(1, at(1), 5), row(1, at(2), 6)]
    assert shares(rows).numerator == "1"


def test_one_without_the_other_does_not():
    assert shares([row(1, at(1), 5), row(1, at(2), 6)]).numerator == "0"
    assert (
        shares([birth(100, at(0), vendor="acme"), row(1, at(1), 5), row(1, at(2), 5)]).numerator
        == "0"
    )
    assert shares([birth(100, at(0)), row(1, at(1), 5), row(1, at(2), 6)]).numerator == "0"


def test_recorded_data_prove_by_change_and_say_so():
    flags = int(Flag.IMPORTED)
    rows = [
        row(1, None, v, t_source=at(i), flags=flags)
        for i, v in enumerate(["UNAVAILABLE", "A", "B"])
    ]
    r = shares(rows)
    assert (r.numerator, r.origin) == ("1", "imported")
    assert r.findings[0].code == "equipment.without_identity"


def test_a_single_available_between_unavailables_proves_nothing():
    flags = int(Flag.IMPORTED)
    values = ["UNAVAILABLE", "AVAILABLE", "UNAVAILABLE"]
    rows = [row(1, None, v, t_source=at(i), flags=flags) for i, v in enumerate(values)]
    rows += [row(1, None, "ACTIVE", t_source=at(-86_400), flags=flags)]  # last week's state
    assert shares(rows).numerator == "0"


def test_key_equipment_has_its_own_shares():
    p = plant([machine(key=True, declared_level="L1"), machine("m2", key=True), machine("m3")])
    report = evaluate(frame([]).lazy(), p, period(600))
    key = next(r for r in report.results if r.metric == "key_equipment_numeric_share")
    assert (key.numerator, key.denominator) == ("1", "2")


def test_a_share_of_nothing_is_null():
    report = evaluate(frame([]).lazy(), plant([machine(production=False)]), period(600))
    share = next(r for r in report.results if r.metric == "digital_equipment_share")
    assert (share.denominator, share.value) == ("0", None)
    assert mean_terms([]) == (0, 0)


def figure(rows, machines, points, metric, seconds=600):
    report = evaluate(frame(rows).lazy(), plant(machines, points), period(seconds))
    return next(r for r in report.results if r.metric == metric)


def heard(tag, until):
    return [birth(100, at(0), vendor="acme")] + [row(tag, at(t), t) for t in range(0, until, 10)]


def test_l3_needs_an_upload_rate_of_its_own_of_nine_tenths():
    for until, n in ((600, "1"), (540, "1"), (530, "0")):
        got = figure(heard(1, until), [machine(), machine("m2")], [point()],
                     "uploading_equipment_share")  # fmt: skip
        assert (got.numerator, got.denominator) == (n, "2")
    assert "equipment.upload_low" in {f.code for f in got.findings}


def test_l3_of_records_without_receive_times_is_null():
    flags = int(Flag.IMPORTED)
    rows = [row(1, None, v, t_source=at(i), flags=flags) for i, v in enumerate("AB")]
    got = figure(rows, [machine()], [point()], "uploading_equipment_share")
    assert (got.value, got.findings[-1].code) == (None, "upload.no_receive_times")


def test_numeric_control_is_counted_apart_and_what_is_not_said_is_a_bound():
    machines = [
        machine("a", numeric=True, declared_level="L1"),
        machine("b", numeric=False, declared_level="L1"),
        machine("c", declared_level="L1"),
        machine("d", numeric=True, card="line"), machine("e", numeric=False, card="line"),
    ]  # fmt: skip
    got = figure([], machines, [], "numeric_equipment_share")
    assert (got.value, got.low, got.high) == ("0.25", "0.25", "0.5")
    assert "c" in next(f.message for f in got.findings if f.code == "equipment.numeric_unsaid")
    assert figure([], machines, [], "digital_equipment_share").value == "0.75"


def test_both_groupings_where_a_line_hides_machines():
    machines = [machine(n, card="line", declared_level="L1") for n in "abc"] + [machine("d")]
    got = figure([], machines, [], "digital_equipment_share")
    assert (got.value, got.parts["by_machine"]) == ("0.5", "0.75")
    assert "equipment.card" in {f.code for f in got.findings}


def test_the_form_of_2021_is_answered():
    p = plant([machine(key=True, numeric=True)], [], notices=("CQ2021-114",),
              project={"track": "pilot_factory"})  # fmt: skip
    report = evaluate(frame([]).lazy(), p, period(600))
    said = {v.criterion: v.figure for v in report.verdicts if ".eff0" in v.criterion}
    assert (said["cq2021.f5.eff01"], said["cq2021.f5.eff02"]) == ("100", "0")
