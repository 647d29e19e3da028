"""Rows of a day as a gateway would have written them, mess included, the same for the same seed.

What goes wrong, at rates of a bad workshop: polls without answer, bad values, sessions that die
(and, for subscriptions, come back with stored values), values that arrive minutes late, repeated
and contradicting values, counters that reset, roll over or show a false zero, readings that jump,
clocks that are off, and once a week a restart of the gateway itself.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from bench_plant import (
    DAY,
    PERIOD_S,
    REGISTER,
    SECOND,
    SERIES,
    STATES,
    T0,
    has_float_energy,
    has_short_register,
    is_polled,
    link,
    says_text,
    tag,
)  # fmt: skip
from numpy.typing import NDArray

from plantseal_connectors.rows import ABSENT, ROW, Flag, Kind, VType

SLOTS: Final = 86_400 // PERIOD_S
BAD: Final = 0x8000_0000
MS: Final = 10**6
Rows = NDArray[np.void]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Luck:
    """Chance from a seed.

    Attributes:
        trouble: How many times the usual rate things go wrong.
    """

    rng: np.random.Generator
    trouble: float

    def strikes(self, shape: tuple[int, ...], rate: float) -> Mask:
        """Return where something goes wrong that usually does so at ``rate``."""
        return self.rng.random(shape, dtype=np.float32) < rate * self.trouble

    def spans(self, devices: int, a_day: float, least: int, most: int) -> Mask:
        """Return [device, slot], True within spans of ``least`` to ``most`` slots."""
        edges = np.zeros((devices, SLOTS + 1), dtype=np.int64)
        for d, n in enumerate(self.rng.poisson(a_day * self.trouble, devices)):
            for k in self.rng.integers(1, SLOTS, n):
                edges[d, k] += 1
                edges[d, min(SLOTS, k + self.rng.integers(least, most))] -= 1
        return np.cumsum(edges, axis=1)[:, :SLOTS] > 0


@dataclass
class Carry:
    """What a day hands to the next one.

    Attributes:
        state: Last state of each device.
        total: Pieces ever made, by device and (made, good).
        base: The same when the counter was last reset.
        energy: Energy ever used [Wh].
        late: Rows received after midnight.
        seq: Next sequence number.
    """

    state: Ints
    total: Ints
    base: Ints
    energy: Ints
    late: Rows = field(default_factory=lambda: np.zeros(0, dtype=ROW))
    seq: int = 0


def start(devices: int) -> Carry:
    """Return the state of the plant before the first day; short registers are about to roll over."""
    total = np.full((devices, 2), 1_000, dtype=np.int64)
    total[[d for d in range(devices) if has_short_register(d)]] = REGISTER - 1_500
    zeros = np.zeros(devices, dtype=np.int64)
    return Carry(zeros.copy(), total, np.zeros_like(total), zeros + 50_000)


def texts(devices: int) -> dict[int, str]:
    """Return the text table of the rows: states, then the identity in each birth."""
    births = {len(STATES) + d: f'{{"identity":{{"product":"p{d}"}}}}' for d in range(devices)}
    return dict(enumerate(STATES)) | births


def day_rows(devices: int, day: int, seed: int, carry: Carry, trouble: float = 1) -> Rows:
    """Return the rows received on a day in the order of receipt, and move ``carry`` on."""
    luck = Luck(np.random.default_rng([seed, day, devices]), trouble)
    midnight = T0 + day * DAY
    values = _values(luck, devices, carry)
    down = luck.spans(devices, 0.15, 30, 600)
    restart = 3 * 360 if day % 7 == 3 else None  # 03:00, for five minutes
    away = down.copy()
    if restart is not None:
        away[:, restart : restart + 30] = True
    samples = _samples(luck, devices, midnight, values, away, down)
    links = _links(luck, devices, midnight, down, restart)
    rows = np.concatenate([carry.late, samples, links])
    order = np.argsort(rows["t_receive"], kind="stable")
    split = np.searchsorted(rows["t_receive"][order], midnight + DAY)
    carry.late = rows[order[split:]]
    today = rows[order[:split]]
    today["seq"] = np.arange(carry.seq, carry.seq + len(today), dtype=np.uint64)
    carry.seq += len(today)
    return today


def _values(luck: Luck, devices: int, carry: Carry) -> Ints:
    """Return raw values [device, slot, series] as integers; energy in Wh."""
    rng = luck.rng
    shape = devices, SLOTS
    turns = rng.random(shape, dtype=np.float32) < 1 / 90
    turns[:, 0] = False
    drawn = rng.choice(len(STATES), size=shape, p=[0.6, 0.2, 0.1, 0.08, 0.02])
    drawn[:, 0] = carry.state
    since = np.maximum.accumulate(np.where(turns, np.arange(SLOTS), 0), axis=1)
    state = np.take_along_axis(drawn, since, axis=1)
    runs = state == 0
    made = runs & (rng.random(shape, dtype=np.float32) < 0.5)
    good = made & (rng.random(shape, dtype=np.float32) < 0.97)
    out = np.empty((*shape, len(SERIES)), dtype=np.int64)
    out[..., 0] = state
    for i, more in enumerate((made, good)):
        total = carry.total[:, i, None] + np.cumsum(more, axis=1)
        out[..., 1 + i] = total - carry.base[:, i, None]
        carry.total[:, i] = total[:, -1]
    for d, k in zip(*np.nonzero(luck.strikes(shape, 1 / 7 / SLOTS)), strict=True):
        if not has_short_register(int(d)):
            for i in (0, 1):
                at_reset = int(out[d, k, 1 + i])
                out[d, k:, 1 + i] -= at_reset
                carry.base[d, i] += at_reset
    for d in range(0, devices, 10):
        out[d, :, 1:3] %= REGISTER
    used = np.where(runs, rng.integers(20, 31, shape), rng.integers(2, 5, shape))
    energy = carry.energy[:, None] + np.cumsum(used, axis=1)
    out[..., 3] = energy
    out[..., 4] = rng.integers(0, 4096, shape)
    carry.state, carry.energy = state[:, -1].copy(), energy[:, -1].copy()
    return out


def _samples(luck: Luck, devices: int, midnight: int, values: Ints, away: Mask, down: Mask) -> Rows:
    shape, rng = (devices, SLOTS), luck.rng
    polled = np.array([is_polled(d) for d in range(devices)])[:, None]
    slot = midnight // (PERIOD_S * SECOND) + np.arange(SLOTS)
    planned = (slot * PERIOD_S * SECOND)[None, :] + np.zeros((devices, 1), dtype=np.int64)
    jitter = rng.integers(20_000, 400_000, shape) * 1000
    phase = (np.arange(devices) * 97 % 9000 * MS)[:, None]
    told = planned + np.where(polled, 0, phase) + jitter // MS * MS
    received = told + np.where(polled, 0, rng.integers(5_000, 50_000, shape) * 1000)
    # One subscription in four has a clock that is off: by a third of a second, or by 40 s.
    off = np.zeros(devices, dtype=np.int64)
    off[3::8], off[7::8] = 300 * MS, -40 * SECOND
    claimed = told + off[:, None]
    late = luck.spans(devices, 0.3, 6, 60) & ~polled & ~away
    ends = _end_of_run(late)
    received = np.where(late, planned + (ends - np.arange(SLOTS)) * PERIOD_S * SECOND + phase
                        + SECOND, received)  # fmt: skip
    unanswered = luck.spans(devices, 0.3, 3, 60) | luck.strikes(shape, 5e-4)
    unanswered &= polled
    kept = down & ~polled & (np.arange(devices) % 4 == 1)[:, None]
    back = _end_of_run(down)
    received = np.where(kept, planned + (back - np.arange(SLOTS)) * PERIOD_S * SECOND + phase
                        + 3 * SECOND, received)  # fmt: skip
    sent = ~away | kept
    rows = np.zeros((*shape, len(SERIES)), dtype=ROW)
    rows["tag"] = np.array([[tag(d, s) for s in range(len(SERIES))] for d in range(devices)])[
        :, None, :
    ]
    rows["kind"] = Kind.VALUE
    rows["t_receive"] = received[..., None]
    rows["t_source"] = np.where(polled, ABSENT, claimed)[..., None]
    rows["t_server"] = np.where(polled, ABSENT, claimed + MS)[..., None]
    rows["src_seq"] = (np.where(polled, slot, 0) % 2**32)[..., None]
    first = ~away & np.roll(away, 1, axis=1) & ~polled
    first[:, 0] = False
    flags = np.where(first, int(Flag.FIRST), 0) | np.where(kept, int(Flag.BACKFILLED), 0)
    rows["flags"] = flags[..., None]
    _put_values(luck, rows, values, unanswered)
    flat = rows[sent]
    return np.concatenate([flat.reshape(-1), _repeats(luck, flat.reshape(-1))])


def _end_of_run(mask: Mask) -> Ints:
    """Return for each slot the first slot at or after it that is False in ``mask``."""
    n = mask.shape[1]
    free = np.where(mask, n, np.arange(n))
    return np.minimum.accumulate(free[:, ::-1], axis=1)[:, ::-1]


def _put_values(luck: Luck, rows: Rows, values: Ints, unanswered: Mask) -> None:
    devices = rows.shape[0]
    rows["vtype"] = VType.I64
    zeros = luck.strikes((devices, SLOTS), 1e-4)
    values[..., 1] = np.where(zeros, 0, values[..., 1])
    jumps = luck.strikes((devices, SLOTS), 1 / 7 / SLOTS)
    values[..., 3] = np.where(jumps, values[..., 3] + 10**6, values[..., 3])
    rows["value"] = values.view(np.uint64)
    for d in range(devices):
        if says_text(d):
            rows["vtype"][d, :, 0] = VType.TEXT
        if has_float_energy(d):
            rows["vtype"][d, :, 3] = VType.F64
            rows["value"][d, :, 3] = (values[d, :, 3] / 1000).view(np.uint64)
    rows["vtype"][..., 4] = VType.F64
    rows["value"][..., 4] = (values[..., 4] / 16).view(np.uint64)
    bad = luck.strikes(rows.shape, 5e-4)
    silent = np.broadcast_to(unanswered[..., None], rows.shape)
    rows["kind"][silent] = Kind.SLOT
    nothing = bad | silent
    rows["status"][nothing], rows["vtype"][nothing], rows["value"][nothing] = BAD, VType.NULL, 0


def _repeats(luck: Luck, rows: Rows) -> Rows:
    """Return rows that come again, a few with another value, and losses of a queue."""
    told = rows[rows["t_source"] != ABSENT]
    again = told[luck.strikes(told.shape, 4e-4)].copy()
    again["t_receive"] += luck.rng.integers(1, 3_000, len(again)) * MS
    other = (luck.rng.random(len(again)) < 0.1) & (again["vtype"] == VType.I64)
    again["value"][other] += 1
    lost = told[luck.strikes(told.shape, 1e-5)].copy()
    lost["kind"], lost["vtype"], lost["value"] = Kind.OVERFLOW, VType.NULL, 0
    return np.concatenate([again, lost])


def _links(luck: Luck, devices: int, midnight: int, down: Mask, restart: int | None) -> Rows:
    made: list[tuple[int, Kind, int, int, int, int]] = []
    step = PERIOD_S * SECOND
    for d in range(devices):
        mine, identity = link(d, devices), len(STATES) + d
        edges = np.diff(np.concatenate([[0], down[d].astype(np.int8), [0]]))
        for a, b in zip(np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0], strict=True):
            left, back = midnight + int(a) * step, midnight + int(b) * step
            made.append((mine, Kind.DEATH, left - 8 * SECOND, ABSENT, left + 7 * SECOND, 0))
            made.append((mine, Kind.BIRTH, ABSENT, ABSENT, back - 2 * SECOND, identity))
        if not is_polled(d):
            for kind, rate in ((Kind.KEEPALIVE, 1e-3), (Kind.SEQ_GAP, 2e-6)):
                for k in np.nonzero(luck.strikes((SLOTS,), rate))[0]:
                    made.append((mine, kind, ABSENT, ABSENT, midnight + int(k) * step, 0))
        if restart is not None:
            left, back = midnight + restart * step, midnight + (restart + 30) * step
            made.append((mine, Kind.GAP, left, back - 3 * SECOND, back - 3 * SECOND, 30))
            made.append((mine, Kind.BIRTH, ABSENT, ABSENT, back - 2 * SECOND, identity))
        if midnight == T0:
            made.append((mine, Kind.BIRTH, ABSENT, ABSENT, midnight - SECOND, identity))
    rows = np.zeros(len(made), dtype=ROW)
    if made:
        columns = zip(*made, strict=True)
        names = ("tag", "kind", "t_source", "t_server", "t_receive", "value")
        for column, content in zip(names, columns, strict=True):
            rows[column] = content
        rows["vtype"] = np.where(
            rows["kind"] == Kind.BIRTH, VType.TEXT,
            np.where(rows["kind"] == Kind.GAP, VType.U64, VType.NULL),
        )  # fmt: skip
    return rows
