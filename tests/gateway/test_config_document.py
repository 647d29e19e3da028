"""YAML 1.2 with positions: what a file says, and what is wrong with it."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal.config import ConfigError
from plantseal.config.document import MAX_BYTES, Document, read


def _read(folder: Path, body: str | bytes) -> Document:
    path = folder / "plant.yaml"
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return read(path)


def _said(folder: Path, body: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        _read(folder, body)
    return str(caught.value).replace(f"{folder}/", "")


def test_yaml_1_2_keeps_times_words_and_exact_decimals(tmp_path: Path) -> None:
    document = _read(
        tmp_path,
        "start: 22:30\non: on\noctal: 012\nhex: 0x1F\nexact: 0.10\nday: 2026-03-01\n"
        "nothing: ~\nyes: true\nlist: [1, 2]\n",
    )
    assert document.data == {
        "start": "22:30", "on": "on", "octal": 12, "hex": 31, "exact": Decimal("0.10"),
        "day": "2026-03-01", "nothing": None, "yes": True, "list": [1, 2],
    }  # fmt: skip
    assert str(document.data["exact"]) == "0.10"
    assert document.problems == []


def test_places_are_those_of_keys_and_entries(tmp_path: Path) -> None:
    document = _read(tmp_path, "a:\n  - b: 1\n    c: {d: 2}\n")
    assert document.place(("a",)) == (1, 1)
    assert document.place(("a", 0)) == (2, 5)
    assert document.place(("a", 0, "c", "d")) == (3, 9)
    assert document.place(("a", 0, "missing", 3)) == (2, 5)


def test_every_duplicate_key_is_refused_with_both_places(tmp_path: Path) -> None:
    document = _read(tmp_path, "a: 1\nb: {x: 1, x: 2}\na: 3\n")
    assert [str(p).replace(f"{tmp_path}/", "") for p in document.problems] == [
        "plant.yaml:2:11 b.x: key 'x' stands twice, first at line 2; keep one",
        "plant.yaml:3:1 a: key 'a' stands twice, first at line 1; keep one",
    ]


def test_utf8_with_mark_and_gb18030_read_alike(tmp_path: Path) -> None:
    text = "name: 重庆工厂 €㐀\n"
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert _read(tmp_path, text.encode(encoding)).data == {"name": "重庆工厂 €㐀"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "plant.yaml: is empty; start from config/plant.example.yaml"),
        (b"# nothing\n", "plant.yaml: is empty; start from config/plant.example.yaml"),
        (b"- a\n", "plant.yaml:1:1: got a list, expected a mapping of keys to values"),
        (b"text\n", "plant.yaml:1:1: got 'text', expected a mapping of keys to values"),
        (b"a: b: c\n", "plant.yaml:1:5: not YAML: mapping values are not allowed here"),
        (b"\xff\xfea\x00", "plant.yaml: is not text in UTF-8 or GB18030; save it as UTF-8"),
        (b"\x80\xff\xff", "plant.yaml: is not text in UTF-8 or GB18030; save it as UTF-8"),
        (b"PAR1\x00\x00", "plant.yaml: is not text in UTF-8 or GB18030; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_mapping_says_why(tmp_path: Path, body: bytes, said: str) -> None:
    assert _said(tmp_path, body) == said


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory, expected a file"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="no such file; check the path"):
        read(tmp_path / "plant.yaml")
    assert "is larger than" in _said(tmp_path, b"#" * (MAX_BYTES + 1))


def test_hostile_yaml_ends_in_a_problem(tmp_path: Path) -> None:
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert any("more than" in p.message for p in _read(tmp_path, bomb).problems)
    loop = _read(tmp_path, "a: &x {b: *x}\n").problems
    assert [p.message for p in loop] == ["the alias refers to itself; write the value out"]
    assert "not YAML" in _said(tmp_path, "[" * 2_000)
    tagged = _read(tmp_path, "a: !!python/object:os.system x\n").problems
    assert "is not supported" in tagged[0].message
    assert _read(tmp_path, f"a: {'9' * 6_000}\n").data["a"] == "9" * 6_000


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!?#|>'\"\n\t ,", max_size=80))
def test_any_bytes_end_in_data_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, body: bytes | str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        document = _read(folder, body)
    except ConfigError:
        return
    assert isinstance(document.data, dict)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("a:\n\tb: 1\n", "line 2 is indented with a tab, use spaces"),
        ("a: 1\nb：2\nc: 3\n", "line 2 has a full-width '：'"),
        ("a: {b: 1，c: 2}\n", "line 1 has a full-width '，'"),
        ("a:\n\u3000\u3000b: 1\n  c: 2\n", "line 2 has a full-width '\\u3000'"),
    ],
)
def test_what_a_tired_person_types_is_named_beside_the_syntax_error(
    tmp_path: Path, body: str, said: str
) -> None:
    assert said in _said(tmp_path, body)


def test_curly_quotes_are_no_quotes_unless_quoted(tmp_path: Path) -> None:
    document = _read(tmp_path, 'host: “10.0.0.7”\nname: "“渝”"\n')
    assert [str(p.path) for p in document.problems] == ["host"]
    assert "no quotation mark of YAML" in document.problems[0].message
    assert document.data["name"] == "“渝”"


def test_a_file_that_is_one_long_text_is_not_repeated_whole(tmp_path: Path) -> None:
    assert len(_said(tmp_path, "time,value\n" + "2026-01-01,5\n" * 1000)) < 200
