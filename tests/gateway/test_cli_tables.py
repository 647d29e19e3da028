"""What the command line shows: the words of devices and files as they are, and a light look."""

import time
from datetime import timedelta
from io import StringIO

import pytest
from plantseal_testing_plant import write_plant
from rich.console import Console

from plantseal.cli.live import Uploads, live_view
from plantseal.cli.running import WINDOW, Watch
from plantseal.cli.verifying import print_verification
from plantseal.config import load
from plantseal.evidence.verify import Policy, verify
from plantseal.status import SourceStatus, Status, TagStatus

ODD = "[/] E-12 [red]hot[/red]"


def shown(renderable: object, width: int = 120) -> str:
    out = StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


def status(**value: object) -> Status:
    now_ns = time.time_ns()
    tag = TagStatus(id=1, name="m1.alarm", status=0, t_receive=now_ns, **value)
    source = SourceStatus(id="s", state="backing off", since_ns=now_ns, detail=f"device says {ODD}")
    return Status(written_ns=now_ns, sources=(source,), tags=(tag,))


def test_brackets_in_a_device_s_text_are_shown_and_break_nothing() -> None:
    text = shown(live_view(status(value=ODD), {"m1.alarm": "m1"}, Uploads({}, None)))
    assert text.count(ODD) == 2


def test_a_value_stands_with_its_unit() -> None:
    text = shown(live_view(status(value="230.5", unit="V"), {}, Uploads({}, None)))
    assert "230.5 V" in text


def test_brackets_in_what_a_bundle_is_called_break_no_verification(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "[/b] x"
    odd.mkdir(parents=True)
    found = verify(odd, Policy())
    print_verification(found)
    assert "[/b] x" in capsys.readouterr().out.replace("\n", "").replace("│", "")


def test_the_rates_shown_look_back_no_farther_than_is_light(tmp_path) -> None:
    one = "m1.x,m1,holding:10,uint16,1000\n"
    source = "sources: [{id: m, connector: modbus, host: h, tags: t.csv}]\n"
    head = "name,equipment,address,type,period_ms\n"
    few = Watch(load(write_plant(tmp_path, source, {"t.csv": head + one})))
    assert few.window == WINDOW
    many = "".join(
        f"m{u}.x{i},m1,{u}/holding:{i},uint16,100\n" for u in (1, 2) for i in range(1_000)
    )
    watch = Watch(load(write_plant(tmp_path, source, {"t.csv": head + many})))
    assert watch.window == timedelta(seconds=100)


def test_the_live_table_fits_a_small_screen() -> None:
    now_ns = time.time_ns()
    tags = tuple(
        TagStatus(id=i, name=f"line1.machine{i}.temperature", value="0.7343549728", unit="kWh",
                  status=0x80070000, t_receive=now_ns)
        for i in range(50)
    )  # fmt: skip
    sources = tuple(
        SourceStatus(id=f"s{i}", state="backing off", since_ns=now_ns, detail="no answer " * 20)
        for i in range(5)
    )
    view = live_view(Status(written_ns=now_ns, sources=sources, tags=tags), {}, Uploads({}, None),
                     most=24 - 5 - 12)  # fmt: skip
    lines = shown(view, width=80).rstrip("\n").splitlines()
    assert len(lines) <= 24
    assert any("BadDec" in line for line in lines)
    assert "43 more, 43 not" in lines[-2], "bad ones that do not fit are counted"
