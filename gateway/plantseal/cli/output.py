"""How a command speaks: tables and text on a terminal, one JSON document with ``--json``."""

import json
import locale
import os
import sys
from typing import Any, Literal

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

Lang = Literal["en", "zh"]

talk = Console(stderr=True, highlight=False)
"""For people: progress, remarks, errors."""

_language: Lang = "en"


def prepare_streams() -> None:
    """Make both streams print any character: a GBK console shows ? instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def default_language() -> Lang:
    """Return zh when the environment or the system says Chinese, else en."""
    for name in ("PLANTSEAL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def set_language(lang: Lang) -> None:
    """Set the language of everything that is said from here on."""
    global _language
    _language = lang


def language() -> Lang:
    """Return the language in use."""
    return _language


def word(en: str, zh: str) -> str:
    """Return the text in the language in use."""
    return zh if _language == "zh" else en


def say(text: str) -> None:
    """Print text for a person on stderr, as it is."""
    talk.print(text, markup=False, soft_wrap=True)


def emit(document: Any) -> None:
    """Print one JSON document on stdout, Chinese unescaped."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def show(table: RenderableType) -> None:
    """Print a table or a line of data on stdout; a pipe gets tables 160 columns wide, lines whole."""
    width, line = None if sys.stdout.isatty() else 160, isinstance(table, str)
    Console(highlight=False, width=width).print(table, markup=not line, soft_wrap=line)


def plain(text: object) -> str:
    r"""Return what a device, a file or a bundle says, fit for a cell: shown as it is, no markup.

    Example:
        >>> print(plain("[red]E-12[/]"))
        \[red]E-12\[/]
    """
    return escape(str(text))


def grid(*columns: str, title: str | None = None) -> Table:
    """Return an empty table with these headings."""
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
