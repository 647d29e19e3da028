"""Recorded files through the journal: what is stored, what is said, what is refused."""

import gzip
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from plantseal_testing_plant import write_plant

from plantseal import keys
from plantseal.config import Bound, ConfigError, bind, load, tag_names
from plantseal.importing import Imported, ImportRefused, import_file, open_for_import
from plantseal.journal import Journal
from plantseal.run.ready import alone
from plantseal_connectors.rows import ABSENT, Flag, Kind, VType
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD

SECOND_NS = 10**9
MORNING_NS = 1_517_961_600 * SECOND_NS  # 2018-02-07T00:00:00Z
SOURCES = "sources: [{id: r, connector: recorded, tags: t.csv}]\n"
TAGS = """\
name,equipment,address,type,scale,unit,period_ms,role
r.state,m1,execution,,,,1000,state
r.count,m1,count,int,,piece,1000,count_total
r.energy,meter,kwh,int,0.01,kWh,900000,energy
r.load,m1,load,float,,,1000,value
"""
LONG = """\
source: r
format: {format}
time: {{{time}}}
{columns}keys: {{execution: r.state, count: r.count}}
not_available: [UNAVAILABLE, Unavailable]
"""
SHDR = LONG.format(format="shdr", time="format: rfc3339", columns="")
WIDE = """\
source: r
format: csv
time: {column: at, format: rfc3339}
columns: {state: r.state, kwh: r.energy, load: r.load}
"""


class Store:
    """A store with the plant above, and how to import into it."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder, self.journal = folder, journal
        self.ids: dict[str, int] = {}

    def bound(self) -> Bound:
        pf = load(write_plant(self.folder, SOURCES, {"t.csv": TAGS}))
        self.ids = self.journal.tag_ids(tag_names(pf))
        return bind(pf, self.ids)

    def take(self, body: str | bytes, rules: str, *, name: str = "log.txt", again: bool = False,
             ) -> Imported:  # fmt: skip
        file, map_file = self.folder / name, self.folder / "map.yaml"
        file.write_bytes(body.encode() if isinstance(body, str) else body)
        map_file.write_text(rules, encoding="utf-8")
        return import_file(self.journal, self.bound(), file, map_file, again=again)

    def rows(self, tag: str = "") -> NDArray[np.void]:
        parts = list(self.journal.tail())
        rows = np.concatenate(parts) if parts else np.zeros(0)
        return rows if not tag else rows[rows["tag"] == self.ids[tag]]

    def texts(self, rows: NDArray[np.void]) -> list[bytes]:
        return [self.journal.texts(int(i), 1)[0] for i in rows["value"]]

    def entries(self, kind: str) -> list[dict[str, object]]:
        return [e for e in map(json.loads, self.journal.entries()) if e["t"] == kind]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    signer = keys.create(tmp_path / "key.pem", "plantseal.invalid/t")
    with Journal.create(
        tmp_path / "data", origin=signer.name, signer=signer, software="test"
    ) as journal:
        yield Store(tmp_path, journal)


def test_shdr_lines_become_imported_rows_without_a_receive_time(store: Store) -> None:
    done = store.take(
        "2018-02-07T00:00:00.1234567Z|execution|ACTIVE\n"
        "2018-02-07T00:00:01Z|count|41\r\n"
        "2018-02-07T00:00:02Z|execution|Fault|code|x\n",
        SHDR,
    )
    assert (done.rows, done.bad, done.n, done.seq0, done.findings) == (3, 0, 3, 0, ())
    rows = store.rows()
    assert rows["t_source"].tolist() == [
        MORNING_NS + 123_456_700, MORNING_NS + SECOND_NS, MORNING_NS + 2 * SECOND_NS,
    ]  # fmt: skip
    assert set(rows["t_receive"].tolist()) == set(rows["t_server"].tolist()) == {ABSENT}
    assert set(rows["flags"].tolist()) == {Flag.IMPORTED}
    assert set(rows["kind"].tolist()) == {Kind.VALUE}
    assert rows["src_seq"].tolist() == [1, 2, 3]
    assert store.texts(store.rows("r.state")) == [b"ACTIVE", b"Fault|code|x"]
    assert store.rows("r.count")["value"].tolist() == [41]


def test_a_value_that_is_not_available_is_bad_and_null(store: Store) -> None:
    done = store.take(
        "2018-02-07T00:00:00Z|execution|UNAVAILABLE\n2018-02-07T00:00:00Z|count|UNAVAILABLE\n"
        "2018-02-07T00:00:00Z|count|Unavailable||||\n2018-02-07T00:00:00Z|count|\n",
        SHDR,
    )
    assert (done.rows, done.bad) == (4, 0)
    rows = store.rows()
    assert set(rows["status"].tolist()) == {BAD_NO_DATA}
    assert set(rows["vtype"].tolist()) == {VType.NULL}


def test_what_cannot_be_read_is_kept_byte_for_byte_and_listed(store: Store) -> None:
    body = (
        b"2018-02-07T00:00:00Z|count|many\nno bars\nyesterday|count|5\n"
        b"2018-02-07T00:00:03Z|count|\xff\xfe\n2018-02-07T00:00:04Z|count|7\n"
    )
    done = store.take(body, SHDR)
    assert (done.rows, done.bad, done.n) == (2, 4, 6)
    assert [f.message for f in done.findings] == [
        "log.txt:3 time: got 'yesterday', expected a time in the map's format and zone",
        "log.txt:1 count: got 'many', expected a decimal number",
        "log.txt:2 got fewer than three fields, expected timestamp|key|value",
        "log.txt:4 is not text in the file's encoding",
    ]
    link = store.rows("$link:r")
    assert set(link["kind"].tolist()) == {Kind.UNPARSED}
    assert set(store.rows()["flags"].tolist()) == {Flag.IMPORTED}
    assert set(link["status"].tolist()) == {BAD_DECODING_ERROR}
    assert dict(zip(link["src_seq"].tolist(), store.texts(link), strict=True)) == {
        i: line for i, line in enumerate(body.split(b"\n"), 1) if i <= 4
    }
    count = store.rows("r.count")
    assert count["status"].tolist() == [BAD_DECODING_ERROR, GOOD]  # nothing is held through it
    assert count["vtype"].tolist() == [VType.NULL, VType.I64]


def test_a_thousand_unreadable_records_are_counted_and_a_hundred_listed(store: Store) -> None:
    done = store.take("?\n" * 1000, SHDR)
    assert (done.rows, done.bad, done.n) == (0, 1000, 1000)
    assert len(done.findings) == 101
    assert done.findings[-1].data == {"n": 900}


def test_keys_outside_the_map_are_counted(store: Store) -> None:
    done = store.take("2018-02-07T00:00:00Z|Xload|1\n" * 3, SHDR)
    assert (done.n, done.seq0) == (0, None)
    assert [f.data for f in done.findings] == [{"n": 3, "key": "Xload"}]


def test_wide_csv_keeps_raw_integers_and_doubles_in_row_order(store: Store) -> None:
    done = store.take(
        'at,kwh,state,load,other\n2018-02-07T00:00:00Z,3.17,"RUN, fast",0.1,x\n'
        "2018-02-07T00:15:00Z,3.175,IDLE,2,x\n2018-02-07T00:30:00Z,,IDLE,,x\n",
        WIDE,
        name="log.csv",
    )
    assert (done.rows, done.bad) == (9, 0)
    energy = store.rows("r.energy")
    assert energy["vtype"].tolist() == [VType.I64, VType.F64, VType.NULL]
    assert energy["value"][0] == 317
    assert energy["value"][1:2].view("<f8").tolist() == [317.5]
    assert [f.code for f in done.findings] == ["import.inexact"]
    assert store.rows("r.load")["value"].view("<f8")[:2].tolist() == [0.1, 2.0]
    assert store.texts(store.rows("r.state")) == [b"RUN, fast", b"IDLE", b"IDLE"]
    assert store.rows()["src_seq"].tolist() == [2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert store.rows()["tag"][:3].tolist() == [store.ids[f"r.{t}"] for t in
                                               ("state", "energy", "load")]  # fmt: skip


def test_csv_records_of_the_wrong_shape_do_not_stop_the_rest(store: Store) -> None:
    done = store.take(
        "at,kwh,state,load\n2018-02-07T00:00:00Z,1,RUN\n2018-02-07T00:00:00Z,1,RUN,2,3\n\n"
        '2018-02-07T00:00:00Z,1,"two\nlines",2\n2018-02-07T00:00:00Z,1,RUN,2\n'
        '2018-02-07T00:00:00Z,1,"open,2\n',
        WIDE,
    )
    assert (done.rows, done.bad) == (6, 3)
    assert store.texts(store.rows("r.state")) == [b"two\nlines", b"RUN"]
    assert store.texts(store.rows("$link:r"))[:2] == [
        b"2018-02-07T00:00:00Z,1,RUN", b"2018-02-07T00:00:00Z,1,RUN,2,3",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_chinese_csv_in_any_encoding_plain_or_gzip(
    store: Store, encoding: str, packed: bool
) -> None:
    body = "时间;电能\n2018/02/07 08:00;3.17\n".encode(encoding)
    rules = (
        'source: r\nformat: csv\nseparator: ";"\ntime: {column: 时间, format: "%Y/%m/%d %H:%M", '
        "zone: Asia/Shanghai}\ncolumns: {电能: r.energy}\n"
    )
    store.take(gzip.compress(body) if packed else body, rules)
    rows = store.rows("r.energy")
    assert (rows["value"].tolist(), rows["t_source"].tolist()) == ([317], [MORNING_NS])


def test_parquet_in_the_long_layout_with_machines(store: Store) -> None:
    frame = pl.DataFrame({
        "machine": ["A", "A", "B"], "ts": ["2018-02-07T00:00:00Z"] * 3,
        "key": ["execution", "count", "count"], "value": ["ACTIVE", "5", "6"],
    })  # fmt: skip
    rules = (
        "source: r\nformat: parquet\ntime: {column: ts}\nmachine_column: machine\nkey_column: key\n"
        "value_column: value\nkeys: {A/execution: r.state, A/count: r.count}\n"
    )
    frame.write_parquet(store.folder / "x")
    done = store.take((store.folder / "x").read_bytes(), rules, name="log.parquet")
    assert (done.rows, [f.data for f in done.findings]) == (2, [{"n": 1, "key": "B/count"}])
    assert store.rows("r.count")["value"].tolist() == [5]


def test_a_receive_column_gives_receive_times(store: Store) -> None:
    rules = WIDE.replace("at, format: rfc3339", "at, format: rfc3339, receive_column: got")
    done = store.take(
        "at,got,state,kwh,load\n2018-02-07T00:00:00Z,2018-02-07T00:00:02Z,RUN,1,1\n"
        "2018-02-07T00:00:01Z,never,RUN,1,1\n",
        rules,
    )
    received = store.rows("r.state")["t_receive"].tolist()
    assert received == [MORNING_NS + 2 * SECOND_NS, ABSENT]
    assert [f.code for f in done.findings] == ["import.unreceived"]


def test_the_log_names_file_and_map_and_the_configuration_is_in_force(store: Store) -> None:
    body = "2018-02-07T00:00:00Z|count|1\n"
    done = store.take(body, SHDR)
    (entry,) = store.entries("import")
    assert entry["i"] == done.entry
    assert entry["source"] == "r"
    assert entry["sha256"] == sha256(body.encode()).hexdigest() == done.sha256
    assert entry["map"] == SHDR
    assert entry["map_sha256"] == sha256(SHDR.encode()).hexdigest()
    assert (entry["seq0"], entry["n"], entry["complete"]) == ("0", "1", True)
    in_force = store.journal.config_in_force()
    assert in_force is not None
    assert in_force[1] == store.bound().canonical
    assert len(store.entries("block")) == 1


def test_the_same_file_twice_is_refused_unless_asked_to(store: Store) -> None:
    body = "2018-02-07T00:00:00Z|count|1\n"
    first = store.take(body, SHDR)
    with pytest.raises(ImportRefused, match=rf"before \(log entry {first.entry}\).*use --again"):
        store.take(body, SHDR, name="other-name.txt")
    assert len(store.rows()) == 1
    assert store.take(body, SHDR, again=True).seq0 == 1


@pytest.mark.parametrize(
    ("body", "rules", "said"),
    [
        (gzip.compress(b"2018-02-07T00:00:00Z|count|1\n" * 999)[:-20], SHDR, "ends in its middle"),
        (b"PAR1 and no more", LONG.format(format="parquet", time="column: ts", columns=(
            "key_column: key\nvalue_column: value\n")), "cannot be read as Parquet"),
        (b'"open', WIDE, "has no readable header"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_before_anything_is_written(
    store: Store, body: bytes, rules: str, said: str
) -> None:
    with pytest.raises(ImportRefused, match=said):
        store.take(body, rules)
    assert len(store.rows()) == 0
    assert store.entries("config") == []


def test_parquet_cut_in_its_middle_is_refused(store: Store) -> None:
    frame = pl.DataFrame({"ts": ["2018-02-07T00:00:00Z"] * 99, "key": "count", "value": "1"})
    frame.write_parquet(store.folder / "x")
    whole = (store.folder / "x").read_bytes()
    rules = LONG.format(
        format="parquet", time="column: ts", columns="key_column: key\nvalue_column: value\n"
    )
    with pytest.raises(ImportRefused, match="cannot be read as Parquet"):
        store.take(whole[: len(whole) // 2], rules)
    with pytest.raises(ImportRefused, match="check the path"):
        import_file(store.journal, store.bound(), store.folder / "none", store.folder / "map.yaml")
    assert len(store.rows()) == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (SHDR.replace("source: r", "source: q"),
         ["1:1 source: got 'q', expected a source of plant.yaml with connector: recorded"]),
        (SHDR.replace("r.count", "r.cuont"),
         ["4:28 keys.count: got 'r.cuont', expected a tag of source r; did you mean 'r.count'?"]),
        (SHDR + "columns: {a: r.count}\n",
         ["6:1 columns: columns has no meaning with format: shdr; remove it",
          "6:1 columns: expected either columns (one column a tag) or keys (one row a value), "
          "got both"]),
        (SHDR.replace("shdr", "csv"),
         ["1:1 key_column: key_column is required with keys",
          "1:1 value_column: value_column is required with keys",
          "3:1 time.column: column is required with format: csv"]),
        (WIDE.replace("rfc3339", "'%Y'"), ["3:1 time.zone: zone is required with format: %Y"]),
        (WIDE.replace("rfc3339", "rfc3399"),
         ["3:20 time.format: got 'rfc3399', expected rfc3339 or a strptime format such as "
          "%Y-%m-%d %H:%M:%S"]),
        (WIDE.replace("rfc3339}", "rfc3339, midnight: next_day}"),
         ["3:37 time.midnight: midnight has no meaning with format: rfc3339; remove it"]),
        (WIDE.replace("columns:", "colums:"),
         ["1:1: expected either columns (one column a tag) or keys (one row a value), got neither"]),
        (WIDE.replace("kwh:", "kWh:"),
         ["4:27 columns.kWh: got 'kWh', expected a column of log.csv; did you mean 'kwh'?"]),
    ],
)  # fmt: skip
def test_a_wrong_map_says_where(store: Store, rules: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        store.take("at,kwh,state,load\n", rules, name="log.csv")
    lines = str(caught.value).replace(f"{store.folder}/map.yaml:", "").splitlines()
    if "colums" in rules:
        assert lines[0].startswith("4:1 colums: got an unknown key, expected one of")
    else:
        assert lines == said
    assert len(store.rows()) == 0


def test_a_store_is_made_for_the_first_import_and_found_by_the_next(tmp_path: Path) -> None:
    plant = write_plant(tmp_path, SOURCES + "name: 示范 车间\n", {"t.csv": TAGS})
    (tmp_path / "log.txt").write_text("2018-02-07T00:00:00Z|count|1\n")
    (tmp_path / "map.yaml").write_text(SHDR)
    seqs = []
    for _ in range(2):
        journal, bound = open_for_import(load(plant))
        with journal:
            assert journal.origin == "plantseal.invalid/t"
            done = import_file(
                journal, bound, tmp_path / "log.txt", tmp_path / "map.yaml", again=True
            )
            seqs.append(done.seq0)
    assert seqs == [0, 1]
    assert (tmp_path / "data" / "keys" / "gateway.pem").stat().st_mode & 0o077 == 0


def test_a_file_that_breaks_off_says_so_in_the_log_and_may_be_imported_again(store: Store) -> None:
    n = 400_000
    texts = [f"2018-02-07T00:00:00.{i:06d}Z" for i in range(n)]
    frame = pl.DataFrame({"ts": texts, "key": ["count"] * n, "value": [str(i) for i in range(n)]})
    frame.write_parquet(store.folder / "x", row_group_size=50_000, compression="uncompressed")
    body = bytearray((store.folder / "x").read_bytes())
    middle = int(len(body) * 0.9)
    body[middle : middle + 200_000] = b"\xff" * 200_000
    rules = LONG.format(
        format="parquet", time="column: ts", columns="key_column: key\nvalue_column: value\n"
    )
    with pytest.raises(ImportRefused, match="cannot be read as Parquet"):
        store.take(bytes(body), rules)
    stored = store.journal.next_seq()
    entries = store.entries("import")
    assert [(e["complete"], e["n"]) for e in entries] == ([(False, str(stored))] if stored else [])
    with pytest.raises(ImportRefused, match="cannot be read as Parquet"):  # not "imported before"
        store.take(bytes(body), rules)


def test_a_changed_plant_file_does_not_come_into_force_under_a_running_gateway(
    store: Store,
) -> None:
    store.take("2018-02-07T00:00:00Z|execution|ACTIVE\n", SHDR)
    before = store.journal.config_in_force()
    changed = SOURCES + "upload_delay_s: 7\n"
    pf = load(write_plant(store.folder, changed, {"t.csv": TAGS}))
    bound = bind(pf, store.ids)
    log, rules = store.folder / "more.txt", store.folder / "more.yaml"
    log.write_text("2018-02-07T00:00:01Z|execution|READY\n")
    rules.write_text(SHDR)
    with alone(store.journal.root), pytest.raises(ImportRefused, match="restart the gateway"):
        import_file(store.journal, bound, log, rules)
    assert store.journal.config_in_force() == before
    assert import_file(store.journal, bound, log, rules).rows == 1
