"""The catalogue is complete in both languages, and what is said is in it."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import plantseal
from plantseal.config.words import WORDS, foreign, say

ROOT = Path(plantseal.__file__).parent


def _values(sentence: str) -> set[str]:
    return {name.partition("!")[0] for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_are_there_and_name_the_same_values(key: str) -> None:
    english, chinese = WORDS[key]
    assert english
    assert chinese
    assert _values(english) == _values(chinese)


@pytest.mark.parametrize("key", sorted(set(WORDS) - {"range", "typed"}))
def test_chinese_is_chinese(key: str) -> None:
    assert re.search(r"[\u4e00-\u9fff]", WORDS[key][1])


def _constants() -> tuple[set[str], set[str]]:
    """Return every text constant of the two packages, and those that name a sentence."""
    anything: set[str] = set()
    named: set[str] = set()
    for folder in (ROOT / "config", ROOT / "importing"):
        for file in folder.glob("*.py"):
            if file.name == "words.py":
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    anything.add(node.value)
                if isinstance(node, ast.Call) and len(node.args) > 1:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    key = node.args[1]
                    if name in ("say", "complain") and isinstance(key, ast.Constant):
                        named.add(key.value)
    return anything, named


def test_what_the_code_says_is_in_the_catalogue_and_nothing_there_is_idle() -> None:
    anything, named = _constants()
    assert len(named) > 20
    assert sorted(named - set(WORDS)) == []
    assert sorted(set(WORDS) - anything) == []


def test_an_unknown_sentence_of_another_package_stays_as_it_is() -> None:
    assert foreign("zh", "no translation of this") == "no translation of this"
    assert foreign("zh", "already given in row 7, expected once") == "只出现一次（已见于第 7 行）"
    assert say("zh", "at_least", low=1) == "不小于 1"
