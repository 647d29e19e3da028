"""A state that the register does not map: its word is named, and nothing known is no figure."""

from plantseal_testing_kpi import at, frame, machine, period, plant, point, row

from plantseal_kpi.evaluate import evaluate


def figures(words, states):
    rows = [row(1, at(t), words[i % len(words)]) for i, t in enumerate(range(-10, 601, 10))]
    p = plant([machine(states=states)], [point(1, role="state")])
    report = evaluate(frame(rows).lazy(), p, period(600))
    return {r.metric: r for r in report.results if r.scope == "plant"}


def test_every_word_that_is_not_mapped_is_named():
    found = figures(["RUN", "WARMUP", "IDLE"], {"RUN": "producing", "IDLE": "idle"})
    r = found["availability"]
    assert r.value is not None
    note = next(f for f in r.findings if f.code == "state.unmapped")
    assert (note.data["equipment"], note.data["words"]) == ("m1", "WARMUP")
    assert "state.unmapped" in {f.code for f in found["utilisation"].findings}


def test_a_state_mapped_to_unknown_is_meant():
    found = figures(["RUN", "WARMUP"], {"RUN": "producing", "WARMUP": "unknown"})
    assert "state.unmapped" not in {f.code for f in found["availability"].findings}


def test_a_machine_of_which_nothing_is_known_did_not_stand_still():
    found = figures(["RUN", "IDLE"], {})
    for metric in ("availability", "utilisation", "allocation_efficiency", "technical_efficiency"):
        assert found[metric].value is None
        assert {"state.unknown", "state.unmapped"} <= {f.code for f in found[metric].findings}
    assert (found["availability"].low, found["availability"].high) == ("0", "1")
