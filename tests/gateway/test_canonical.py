import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantseal import canonical

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_example_of_rfc_8785_3_2_2() -> None:
    source = rb"""{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"""
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical.dumps(canonical.loads(source)).decode() == expected


def test_the_sorting_example_of_rfc_8785_3_2_3() -> None:
    source = (
        rb'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",'
        rb'"1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",'
        rb'"\u00f6":"Latin Small Letter O With Diaeresis"}'
    )
    assert list(canonical.loads(canonical.dumps(canonical.loads(source))).values()) == [
        "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
        "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (5e-324, "5e-324"), (1.7976931348623157e308,
        "1.7976931348623157e+308"), (9007199254740991, "9007199254740991"),
        (295147905179352830000.0, "295147905179352830000"), (1e21, "1e+21"), (1e23, "1e+23"),
        (9.999999999999997e22, "9.999999999999997e+22"), (0.000001, "0.000001"), (1e-7, "1e-7"),
        (333333333.33333325, "333333333.33333325"),
    ],
)  # fmt: skip
def test_the_numbers_of_rfc_8785_appendix_b(number: float, text: str) -> None:
    assert canonical.dumps(number).decode() == text


@given(JSON)
def test_what_was_written_reads_back_the_same_and_is_canonical(value: object) -> None:
    data = canonical.dumps(value)
    assert canonical.dumps(canonical.loads_canonical(data)) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":1}', "key 'a' is given twice"),
        (b'[{"x":{"b":1,"c":2,"b":3}}]', "key 'b' is given twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "1e999 is beyond a double"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        ('"渝'.encode(), "at byte 0"),
        (b"[1] x", "extra data at byte 4"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udc00":1}', "half of a surrogate pair"),
        (b"", "at byte 0"),
        (b"\xef\xbb\xbf1", "at byte 0"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_bytes_that_two_readers_could_read_differently_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        canonical.loads(data)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {1: 2}, b"bytes", {"a": object()}],
)
def test_what_json_cannot_hold_exactly_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        canonical.dumps(value)


def test_whole_numbers_beyond_2_53_are_doubles_in_either_direction() -> None:
    assert canonical.loads(b"9007199254740991") == 2**53 - 1
    assert isinstance(canonical.loads(b"9007199254740992"), float)
    assert canonical.loads_canonical(b"295147905179352830000") == 2.9514790517935283e20
    with pytest.raises(ValueError, match="not canonical"):
        canonical.loads_canonical(b"9007199254740993")
    with pytest.raises(ValueError, match="beyond a double"):
        canonical.loads(b"1" * 100_000)


@pytest.mark.parametrize(
    ("data", "at"),
    [(b'{"b":1,"a":2}', 2), (b"[1, 2]", 3), (b"1.0", 1), (b'"\\u6e1d"', 1), (b"1\n", 1)],
)
def test_another_form_of_the_same_value_is_not_canonical(data: bytes, at: int) -> None:
    with pytest.raises(ValueError, match=f"not canonical from byte {at} on"):
        canonical.loads_canonical(data)
