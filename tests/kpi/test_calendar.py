"""Planned time: shifts over midnight and over a change of daylight saving, holidays, stops."""

from datetime import UTC, datetime

import pytest
from plantseal_testing_kpi import machine, plant

from plantseal_kpi.calendar import ns, planned_spans
from plantseal_kpi.intervals import length

HOUR = 3600 * 10**9


def planned(zone, calendar, start, end, equipment="m1"):
    p = plant([machine(), machine("m2")], zone=zone, calendar=calendar)
    span = (ns(datetime.fromisoformat(start)), ns(datetime.fromisoformat(end)))
    return planned_spans(p, equipment, span)


NIGHT = {"shifts": [{"name": "night", "start": "22:00", "end": "06:00"}]}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Asia/Shanghai", "2021-03-27", 8), ("Europe/Berlin", "2021-03-27", 7),
     ("Europe/Berlin", "2021-10-30", 9)],
)  # fmt: skip
def test_a_night_shift_is_as_long_as_it_really_is(zone, day, hours):
    start = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    spans = planned(zone, NIGHT, start.isoformat(), f"{day[:-2]}{int(day[-2:]) + 1}T12:00:00+00:00")
    assert length(spans) == hours * HOUR


def test_a_holiday_takes_the_shifts_that_begin_on_it():
    calendar = NIGHT | {"holidays": ["2024-05-01"]}
    spans = planned("UTC", calendar, "2024-04-30T00:00:00+00:00", "2024-05-03T00:00:00+00:00")
    begun = [datetime.fromtimestamp(a // 10**9, UTC).isoformat() for a, _ in spans]
    # the night of 29 April runs into the period, that of 30 April into the holiday
    assert begun == ["2024-04-30T00:00:00+00:00", "2024-04-30T22:00:00+00:00",
                     "2024-05-02T22:00:00+00:00"]  # fmt: skip


def test_stops_of_one_machine_and_of_the_plant():
    def stop(start, end, *equipment):
        day = {"start": f"2024-05-01T{start}:00Z", "end": f"2024-05-01T{end}:00Z"}
        return {"period": day, "reason": "r", "equipment": equipment}

    calendar = {"stops": [stop("01:00", "02:00"), stop("05:00", "08:00", "m2")]}
    window = ("2024-05-01T00:00:00+00:00", "2024-05-02T00:00:00+00:00")
    assert length(planned("UTC", calendar, *window)) == 23 * HOUR
    assert length(planned("UTC", calendar, *window, equipment="m2")) == 20 * HOUR


def test_weekdays_only():
    days = ["mon", "tue", "wed", "thu", "fri"]
    calendar = {"shifts": [{"name": "d", "start": "08:00", "end": "16:00", "days": days}]}
    spans = planned(
        "Asia/Shanghai", calendar, "2024-05-03T16:00:00+00:00", "2024-05-06T16:00:00+00:00"
    )
    assert [length([s]) for s in spans] == [8 * HOUR]
