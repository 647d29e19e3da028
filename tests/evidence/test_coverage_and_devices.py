"""Steps 12 and 13 on rows: slots closed once, silence explained, devices that stay the same."""

import pytest
from plantseal_testing_kpi import SECOND, at, birth, frame, machine, period, plant, point, row

from plantseal.evidence.format import Code
from plantseal.evidence.verify_coverage import Coverage, check_coverage, check_devices
from plantseal.evidence.verify_log import Log
from plantseal_kpi.schema import Kind


def slot(n):
    return row(1, at(10 * n + 1), 5, src_seq=at(10 * n) // (10 * SECOND) & 0xFFFF_FFFF)


def gap(first, last):
    return row(100, at(10 * last), t_source=at(10 * first), t_server=at(10 * last), kind=Kind.GAP)


def found(*rows):
    p = plant([machine()], [point()])
    findings = check_coverage(frame(rows).lazy(), p, period(1_000), Log(), Coverage())
    return [f.code for f in findings if f.code != Code.NOTE]


def test_each_slot_once_is_complete():
    assert found(*(slot(n) for n in range(100))) == []


def test_a_slot_closed_twice_is_named():
    assert found(*(slot(n) for n in range(100)), slot(50)) == [Code.COVERAGE]


@pytest.mark.parametrize(
    ("explained_from", "explained_to", "codes"),
    [(40, 60, []), (40, 50, [Code.UNEXPLAINED_GAP]), (50, 60, [Code.UNEXPLAINED_GAP])],
)
def test_a_gap_row_explains_only_the_time_that_it_covers(explained_from, explained_to, codes):
    kept = [slot(n) for n in range(100) if not 40 <= n < 60]
    assert found(*kept) == [Code.UNEXPLAINED_GAP]
    assert found(*kept, gap(explained_from, explained_to)) == codes


@pytest.mark.parametrize(
    ("serials", "codes"), [(("A", "A"), []), (("A", "B"), [Code.DEVICE_CHANGED])]
)
def test_another_device_behind_the_same_link_is_named(serials, codes):
    births = [birth(100, at(n), serial=serial) for n, serial in enumerate(serials)]
    findings = list(check_devices(frame(births).lazy(), plant([machine()], [point()]), Log()))
    assert [f.code for f in findings] == codes
