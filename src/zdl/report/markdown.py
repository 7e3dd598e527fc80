"""Markdown from the templates, readable as plain text too."""

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zdl.report.formatting import FILTERS, OF_ANY_NUMBER

TEMPLATES = Path(__file__).parent / "templates"  # of a page: its name and .j2


def render(page: str, context: Mapping[str, Any], width: int | None) -> str:
    """The page from its template and the context, formatted by `tidy`. The score in `context` decides how
    scores are written."""
    templates = _templates(is_share=context["score"].is_share)
    return tidy(templates.get_template(f"{page}.j2").render(context), width)


@cache
def _templates(is_share: bool) -> Environment:
    """The environment of the templates. An undefined name is an error, and nothing is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, from validated settings
        optimized=False,  # a template is rendered only once
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS | ({} if is_share else OF_ANY_NUMBER)
    return environment


def tidy(text: str, width: int | None) -> str:
    """Markdown with wrapped paragraphs and aligned tables, however the template breaks its lines.

    Paragraphs are wrapped at `width` columns. With None each becomes one line, as in Japanese a line break
    would show as a space. Code blocks stay as they are.
    """
    blocks = []
    for part in re.split(r"^(```.*?^```)$", text, flags=re.M | re.S):
        if part.startswith("```"):
            blocks.append(part)
        else:
            blocks += [_block(block.strip(), width) for block in re.split(r"\n\s*\n", part) if block.strip()]
    return "\n\n".join(blocks) + "\n"


def _block(block: str, width: int | None) -> str:
    if block.startswith("|"):
        return _table(block.splitlines())
    if block.startswith(("#", "- ", "[!")):
        return block
    if width is None:
        return "".join(line.strip() for line in block.splitlines())
    return textwrap.fill(" ".join(block.split()), width, break_long_words=False, break_on_hyphens=False)


def _table(lines: Sequence[str]) -> str:
    """A Markdown table with columns aligned in plain text."""
    head, _, *rows = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    columns = [_column(cells) for cells in zip(head, *rows, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _column(cells: Sequence[str]) -> list[str]:
    """A column's head, rule and cells, padded to one width; numbers are aligned to the right."""
    right = all(re.match(r"[=<+-]?[\d–]", cell) for cell in cells[1:])
    width = max(3, *map(_terminal_width, cells))
    padding = [" " * (width - _terminal_width(cell)) for cell in cells]
    head, *rest = [pad + cell if right else cell + pad for pad, cell in zip(padding, cells, strict=True)]
    return [head, "-" * (width - 1) + (":" if right else "-"), *rest]


def _terminal_width(text: str) -> int:
    """The width of a text in columns of a terminal; a Japanese character has two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
