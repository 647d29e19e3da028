"""Captured Modbus/TCP responses through our own decoder, against the decode beside the capture."""

import csv
import json
import struct
from collections import Counter
from pathlib import Path

import modbus_capture
from modbus_capture import Exchange
from real_table import RealRow

from plantseal_connectors.modbus import decode
from plantseal_connectors.modbus.plan import Point

READS = {1: ("READ_COILS", "coil"), 2: ("READ_DISCRETE_INPUTS", "discrete"),
         3: ("READ_HOLDING_REGISTERS", "holding"), 4: ("READ_INPUT_REGISTERS", "input")}  # fmt: skip
EXCEPTIONS = {2: "ILLEGAL_DATA_ADDRESS"}


def question(exchange: Exchange) -> tuple[int, int, int]:
    """Function, address and count of a captured read."""
    return struct.unpack(">BHH", (exchange.request or bytes(5))[:5])  # type: ignore[return-value]


def is_read(exchange: Exchange) -> bool:
    return exchange.request is not None and exchange.request[0] in READS


def ours(exchange: Exchange) -> str:
    """What the production decoder makes of a captured response, as the expected log writes it."""
    function, address, count = question(exchange)
    if exchange.response is None:
        return "no response"
    match decode.response(exchange.response, function, count):
        case decode.Refusal(code):
            return EXCEPTIONS[code]
        case decode.Malformed(reason):
            return f"malformed: {reason}"
        case decode.Data(data):
            kind = "bool" if function < 3 else "uint16"
            points = [
                Point(i, exchange.unit, READS[function][1], address + i, kind, "ABCD")
                for i in range(count)
            ]
            return ",".join(map(str, decode.values(decode.layout(points), data).tolist()))


def expected(path: Path) -> list[dict[str, str]]:
    """The rows of a Zeek log by field name."""
    lines = path.read_text().splitlines()
    names = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    body = [line for line in lines if not line.startswith("#")]
    return [dict(zip(names, row, strict=True)) for row in csv.reader(body, delimiter="\t")]


def rows(data: Path) -> list[RealRow]:
    """Return one row per captured read with an expected decode, and the counts of each capture."""
    folder = data / "modbus_pcaps"
    captured = [
        e for e in modbus_capture.exchanges(folder / "icsnpp_modbus_example.pcap") if is_read(e)
    ]
    reads = [
        row
        for row in expected(folder / "icsnpp_expected_modbus_detailed.log")
        if row["func"] in {name for name, _ in READS.values()}
    ]
    found = {(e.client[1], e.transaction, e.unit): e for e in captured}
    table = [_count("icsnpp: reads captured", len(reads), len(captured))]
    for row in reads:
        exchange = found[int(row["id.orig_p"]), int(row["tid"]), int(row["unit"])]
        function, address, count = question(exchange)
        asked = (READS[function][0], str(address), str(count))
        truth = row["exception_code"] if row["exception_code"] != "-" else row["response_values"]
        got = ours(exchange)
        same = got == truth and asked == (row["func"], row["address"], row["quantity"])
        name = f"icsnpp: unit {row['unit']} {row['func'].lower()} {address}+{count}"
        table.append(RealRow(name, truth, got, "none" if got == truth else "differs", same))
    return table + _counts(folder)


def _counts(folder: Path) -> list[RealRow]:
    """Compare what was read out of every capture with tshark's second opinion."""
    table = []
    for name, truth in json.loads((folder / "tshark_summary.json").read_text()).items():
        found = modbus_capture.exchanges(folder / name)
        requests = Counter(e.request[0] for e in found if e.request)
        responses = Counter(e.response[0] & 0x7F for e in found if e.response)
        for what, theirs, mine in (
            ("requests", truth["requests_by_fc"], requests),
            ("responses", truth["responses_by_fc"], responses),
        ):
            for function in sorted(map(int, theirs)):
                if function in READS:
                    label = f"{name}: {what} of function {function}"
                    table.append(_count(label, theirs[str(function)], mine[function]))
        answered = [e for e in found if is_read(e) and e.response]
        bad = sum(ours(e).startswith("malformed") for e in answered)
        table.append(_count(f"{name}: responses our decoder calls malformed", 0, bad))
        if name == "iti_modbus_test.pcap":
            silent = sum(e.response is None for e in found)
            table.append(_count(f"{name}: requests without an answer (SOURCE.md)", 27, silent))
    return table


def _count(name: str, truth: int, got: int) -> RealRow:
    return RealRow(name, str(truth), str(got), str(got - truth), got == truth)
