"""Bad input of every kind at the command line: words, the documented exit code, no traceback."""

import json
import shutil
import socket
import subprocess
import sys
import time

import pytest
from plantseal_testing_plant import write_plant

MODBUS = """\
sources:
  - {{id: m, connector: modbus, host: 127.0.0.1, port: {port}, timeout_ms: 200, tags: t.csv}}
"""
TABLE = "name,equipment,address,type,unit,period_ms,role\nm1.x,m1,holding:10,uint16,V,100,value\n"


def plantseal(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "plantseal", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "unexpected fault" not in done.stderr, done.stderr
    return done


@pytest.fixture
def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def plant(tmp_path, closed_port):
    return write_plant(tmp_path, MODBUS.format(port=closed_port), {"t.csv": TABLE})


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",), ("read",), ("run",), ("status",), ("kpi", "--period", "2026-01-01"),
        ("import", "x.csv", "--map", "m.yaml"),
        ("bundle", "seal", "--period", "2026-01-01", "--out", "b"), ("config", "show"),
    ],
)  # fmt: skip
def test_a_missing_plant_file_is_named_with_a_remedy(tmp_path, arguments):
    done = plantseal(*arguments, "-c", tmp_path / "none.yaml")
    assert done.returncode == 3
    assert "none.yaml" in done.stderr
    assert "plant.example.yaml" in done.stderr


def test_all_mistakes_of_a_plant_file_come_at_once_with_their_places(tmp_path):
    plant = write_plant(
        tmp_path,
        "sources:\n"
        "  - {id: m, connector: modbus, host: 127.0.0.1, unit_id: 300, tags: t.csv}\n"
        "  - {id: n, connector: modbus, hots: 127.0.0.1, host: x, port: yes, tags: t2.csv}\n",
        {"t.csv": TABLE},
    )
    done = plantseal("check", "-c", plant)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert any("plant.yaml:7:" in x and "sources[0].unit_id: got 300, expected 1..247" in x
               for x in lines)  # fmt: skip
    assert any("plant.yaml:8:" in x and "hots: got an unknown key" in x for x in lines)
    assert any("t2.csv" in x for x in lines)
    assert "300" in plantseal("--lang", "zh", "check", "-c", plant).stderr


@pytest.mark.parametrize("body", ["", "\x00\x01\x02", "version: 1\nversion: 1\n", "[1, 2", "- a"])
def test_a_plant_file_that_is_none_ends_with_3(tmp_path, body):
    (tmp_path / "plant.yaml").write_text(body)
    done = plantseal("check", "-c", tmp_path / "plant.yaml")
    assert done.returncode == 3
    assert "plant.yaml" in done.stderr


def test_an_unreachable_device_ends_with_4_and_names_it(plant, closed_port):
    for command in (("check",), ("read", "--once", "--timeout", "1")):
        done = plantseal(*command, "-c", plant)
        assert done.returncode == 4, done.stderr
        assert str(closed_port) in done.stdout + done.stderr or "m1.x" in done.stderr
    assert not (plant.parent / "data").exists()


def test_reading_writes_nothing(plant):
    before = sorted(p.name for p in plant.parent.iterdir())
    plantseal("read", "--once", "--timeout", "0.5", "-c", plant)
    assert sorted(p.name for p in plant.parent.iterdir()) == before


def test_a_store_that_does_not_exist_ends_with_4_and_a_stopped_gateway_too(plant):
    for arguments in (("kpi", "--period", "2026-01-01"), ("status",), ("status", "--health")):
        done = plantseal(*arguments, "-c", plant)
        assert done.returncode == 4, done.stderr
        assert "run" in done.stderr


def test_a_period_that_is_none_says_what_was_expected(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    for period in ("yesterday", "2026-13-01", "2026-01-02..2026-01-01", "..", ""):
        done = plantseal("kpi", "--period", period, "-c", plant)
        assert done.returncode == 3, period
        assert "2026-11-01..2026-11-30" in done.stderr, period


def test_until_must_be_a_duration_or_a_time_to_come(plant):
    for until in ("soon", "2020-01-01T00:00:00Z"):
        done = plantseal("run", "--until", until, "-c", plant)
        assert done.returncode == 3
        assert until in done.stderr


def test_usage_errors_end_with_2():
    assert plantseal("verfy").returncode == 2
    assert "Did you mean" in plantseal("verfy").stderr
    assert plantseal("kpi").returncode == 2
    assert plantseal("--lang", "fr", "check").returncode == 2
    done = plantseal("kpi", "--period", "2026-01-01", "--fail-on", "mood")
    assert done.returncode == 2
    assert "expected threshold" in done.stderr


@pytest.mark.parametrize("body", [b"", b"just a text", b"PK\x03\x04 not really", b"\x00" * 100])
def test_a_file_that_is_no_bundle_ends_with_3(tmp_path, body):
    (tmp_path / "b.zip").write_bytes(body)
    for command in (("verify",), ("bundle", "show")):
        assert plantseal(*command, tmp_path / "b.zip").returncode == 3


def test_a_bundle_that_is_not_there_or_empty_ends_with_3(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("nothing", "empty"):
        assert plantseal("verify", tmp_path / name).returncode == 3


def test_a_key_that_is_none_says_what_was_expected(tmp_path):
    done = plantseal("verify", tmp_path, "--trust", "not-a-key")
    assert done.returncode == 3
    assert "plantseal/site+" in done.stderr


def test_import_of_what_is_not_there_or_not_readable(plant, tmp_path):
    done = plantseal("import", tmp_path / "a.csv", "--map", tmp_path / "m.yaml", "-c", plant)
    assert done.returncode == 3
    assert "a.csv" in done.stderr
    recorded = tmp_path / "r"
    recorded.mkdir()
    other = write_plant(
        recorded,
        "sources:\n  - {id: h, connector: recorded, tags: t.csv}\n",
        {"t.csv": "name,equipment,address,role\nm1.x,m1,x,value\n"},
    )
    (recorded / "m.yaml").write_text(
        "source: h\nformat: parquet\ntime: {column: t}\ncolumns: {x: m1.x}\n"
    )
    (recorded / "cut.parquet").write_bytes(b"PAR1 cut off here")
    done = plantseal("import", recorded / "cut.parquet", "--map", recorded / "m.yaml", "-c", other)
    assert done.returncode == 3, done.stderr
    assert "cut.parquet" in done.stderr


def test_a_damaged_store_and_a_key_that_others_may_read_are_refused_in_words(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    key = plant.parent / "data" / "keys" / "gateway.pem"
    key.chmod(0o644)
    done = plantseal("run", "--until", "1s", "--no-live", "-c", plant)
    assert done.returncode == 3
    assert "chmod 600" in done.stderr
    key.chmod(0o600)
    shutil.copy(plant, plant.parent / "data" / "journal.db")
    done = plantseal("run", "--until", "1s", "--no-live", "-c", plant)
    assert done.returncode == 4
    assert "journal.db" in done.stderr


def test_json_is_one_document_on_stdout_whatever_is_said_on_stderr(plant):
    done = plantseal("check", "--offline", "--json", "-c", plant)
    assert json.loads(done.stdout)["problems"] == []
    done = plantseal("run", "--until", "1s", "--json", "-c", plant)
    assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize(
    ("library", "extra", "arguments"),
    [
        ("zstandard", "gateway", ("run",)),
        ("zstandard", "gateway", ("kpi", "--period", "2026-01-01")),
        ("amqtt", "demo", ("sim", "--until", "1s")),
    ],
)
def test_a_command_that_the_evaluators_install_is_without_says_what_to_install(
    plant, library, extra, arguments
):
    without = f"import sys; sys.modules[{library!r}] = None; from plantseal.cli import main; main()"
    environment = {"PATH": "/usr/bin:/bin", "PLANTSEAL_CONFIG": str(plant), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", without, *arguments],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert f"pip install 'plantseal[{extra}]'" in done.stderr
    assert "defect" not in done.stderr


def test_a_bundle_is_never_sealed_over_what_is_there(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    taken = plant.parent / "b"
    taken.mkdir()
    seal = ("bundle", "seal", "--period", "2026-01-01", "--out", taken, "-c", plant)
    done = plantseal(*seal)
    assert done.returncode == 3
    assert "choose another name" in done.stderr


def test_a_period_beyond_all_clocks_or_half_given_says_what_was_expected(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    for period in ("0001-01-01", "9999-12-31", "2026-11-01.."):
        done = plantseal("kpi", "--period", period, "-c", plant)
        assert done.returncode == 3, period
        assert "2026-11-01..2026-11-30" in done.stderr


def test_a_period_that_is_not_over_is_said_to_be(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    done = plantseal("kpi", "--period", "2190-01-01", "-c", plant)
    assert "still to come" in done.stderr


def test_a_gateway_that_was_stopped_is_not_said_to_live(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    for arguments in (("status",), ("status", "--health")):
        done = plantseal(*arguments, "-c", plant)
        assert done.returncode == 4
        assert "stopped" in done.stderr


def test_a_store_whose_key_is_gone_is_not_told_to_make_another(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    (plant.parent / "data" / "keys" / "gateway.pem").unlink()
    for arguments in (("run", "--until", "1s"), ("bundle", "seal", "--period", "2026-01-01",
                                                 "--out", plant.parent / "b")):  # fmt: skip
        done = plantseal(*arguments, "-c", plant)
        assert done.returncode == 3
        assert "put the key back from its copy" in done.stderr


def test_a_data_directory_that_is_none_is_named_as_such(plant):
    (plant.parent / "data").write_text("a file")
    done = plantseal("run", "--until", "1s", "-c", plant)
    assert done.returncode == 4
    assert "data_dir in the plant file must name a directory" in done.stderr
    assert "Errno" not in done.stderr


def test_a_port_that_is_none_and_a_folder_that_is_not_the_demos(tmp_path):
    assert plantseal("sim", "--port-base", "99999", "--until", "1s").returncode == 2
    (tmp_path / "mine").write_text("precious")
    done = plantseal("demo", "--out", tmp_path)
    assert done.returncode == 3
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_gateway_not_heard_of_for_15_s_is_not_alive(plant):
    assert plantseal("run", "--until", "1s", "--no-live", "-c", plant).returncode == 0
    path = plant.parent / "data" / "status.json"
    last = json.loads(path.read_text()) | {"state": "running"}
    for age_s, code in ((10, 0), (20, 4)):
        path.write_text(json.dumps(last | {"written_ns": str(time.time_ns() - age_s * 10**9)}))
        done = plantseal("status", "--health", "-c", plant)
        assert done.returncode == code, (age_s, done.stderr)
