"""Partners by their codes, investment by its invoices."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plantseal_testing_ledgers import codes, figures, ledger, shop, year

from plantseal_kpi.business.partners import code_is_valid, connected_partners

# Codes in public registers: Huawei, Tencent, BYD; and an example of the standard's readers.
REAL = ("914403001922038216", "9144030071526726XG", "91440300192317458F", "91350100M000100Y43")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", REAL)
def test_codes_of_public_registers_are_valid(code):
    assert code_is_valid(code)


@given(st.sampled_from(REAL), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(code, place, character):
    changed = code[:place] + character + code[place + 1 :]
    assert code_is_valid(changed) == (changed == code)


@given(st.sampled_from(REAL), st.integers(0, 15))
def test_two_characters_swapped_are_always_found(code, place):
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert code_is_valid(swapped) == (swapped == code)


@example("0" * 17)  # the weighted sum is 0, so is the check character
@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_every_seventeen_characters_have_exactly_one_check_character(stem):
    assert sum(code_is_valid(stem + c) for c in ALPHABET) == 1


@pytest.mark.parametrize("code", ["", "9135010", "91350100M000100Y4I", "９１350100M000100Y43"])
def test_what_is_no_code_is_not_valid(code):
    assert not code_is_valid(code)
    assert connected_partners([code]) == (0, 1)


def exchange(i, code, at, *, login=True):
    return {"exchange": str(i), "uscc": code, "time": at, "authenticated": login}


def test_partners_of_the_year_who_logged_in():
    start, last = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        exchange(1, REAL[0], start), exchange(2, REAL[0], start + timedelta(1)),
        exchange(3, REAL[1].lower(), last - timedelta(microseconds=1)),
        exchange(4, REAL[2], last), exchange(5, REAL[3], start - timedelta(microseconds=1)),
        exchange(6, REAL[2], start, login=False), exchange(7, "914403001922038217", start),
    ]  # fmt: skip
    found = figures(shop(), year(2023), partners=ledger("partners", *rows))["connected_partners"]
    assert (found.value, found.parts["refused"]) == ("2", "1")
    assert codes(found) == {"partners.code", "partners.login"}
    assert [f.data["codes"] for f in found.findings if f.code == "partners.code"] == [
        "914403001922038217"
    ]


def test_a_period_without_an_exchange_has_no_figure():
    empty = figures(shop(), year(2023), partners=ledger("partners"))["connected_partners"]
    assert (empty.value, codes(empty)) == (None, {"ledger.empty"})
    other = figures(shop(), year(2023), orders=ledger("orders"))["connected_partners"]
    assert (other.value, codes(other)) == (None, {"ledger.missing"})


def item(name, kind, planned=None, invoiced=None, day=date(2023, 5, 1)):
    return {"item": name, "kind": kind, "planned": planned, "invoiced": invoiced,
            "date": day if invoiced is not None else None}  # fmt: skip


MILLION_YUAN = 100_000_000  # fen
ITEMS = (
    item("a", "设备购置及安装费", 6 * MILLION_YUAN, 6 * MILLION_YUAN),
    item("b", "软件购置费", 3 * MILLION_YUAN, 3 * MILLION_YUAN),
    item("c", "系统集成费", 1 * MILLION_YUAN, 1 * MILLION_YUAN - 1),
    item("d", "other", 50 * MILLION_YUAN, 50 * MILLION_YUAN),
)


def test_one_fen_under_ten_million_yuan_is_not_a_thousand_ten_thousands():
    found = figures(shop(), year(2023), investments=ledger("investments", *ITEMS))
    done = found["equipment_software_investment"]
    assert (done.value, done.unit) == ("999.999999", "万元")
    assert done.parts["软件购置费_fen"] == str(3 * MILLION_YUAN)
    planned, share = found["planned_total_investment"], found["software_investment_share"]
    assert (planned.value, share.value) == ("1000", "0.3")
    assert {"investments.other", "investments.software"} == codes(share)
    kinds = found["investment_cost_kinds"]
    named = "设备购置及安装费,软件购置费,系统集成费,other"
    assert kinds.parts == {"members": named, "listed": "3", "other": "1"}


def test_which_kinds_are_software_is_a_choice_that_is_said():
    plant = shop(business={"software_kinds": ["软件购置费", "系统集成费"]})
    found = figures(plant, year(2023), investments=ledger("investments", *ITEMS))
    share = found["software_investment_share"]
    assert (share.value, share.parts["software_kinds"]) == ("0.4", "软件购置费,系统集成费")


def test_invoices_without_a_date_or_after_the_period_do_not_count():
    rows = [item("a", "云服务费", None, 5), item("b", "云服务费", None, 7, date(2024, 1, 1)),
            item("c", "云服务费", None, 11) | {"date": None}]  # fmt: skip
    found = figures(shop(), year(2023), investments=ledger("investments", *rows))
    done = found["equipment_software_investment"]
    assert (done.numerator, codes(done)) == ("5", {"investments.undated", "investments.later"})
    assert found["planned_total_investment"].value is None
