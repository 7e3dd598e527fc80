"""Markdown from the templates, which reads well as plain text too."""

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zdl.report.formatting import FILTERS, OF_ANY_NUMBER

TEMPLATES = Path(__file__).parent / "templates"  # a page's name and .j2


def render(page: str, context: Mapping[str, Any], width: int | None) -> str:
    """The page that its template makes of the context, set by `tidy`. Scores are written as those that the
    context has as `score`."""
    templates = _templates(is_share=context["score"].is_share)
    return tidy(templates.get_template(f"{page}.j2").render(context), width)


@cache
def _templates(is_share: bool) -> Environment:
    """The templates' environment: a wrong name in a template is an error, and nothing is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, from validated settings
        optimized=False,  # a template is rendered once, and to fold its constants takes longer
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS | ({} if is_share else OF_ANY_NUMBER)
    return environment


def tidy(text: str, width: int | None) -> str:
    """Markdown with wrapped paragraphs and straight tables, whatever lines the template had.

    Paragraphs are wrapped at `width` columns. None: each becomes one line, as Japanese needs it, where a line
    break would show as a space. Code is left as it is.
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
    """A Markdown table whose columns line up in plain text, too."""
    head, _, *rows = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    columns = [_column(cells) for cells in zip(head, *rows, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _column(cells: Sequence[str]) -> list[str]:
    """A column's head, rule and cells, all of one width; a column of numbers is set to the right."""
    right = all(re.match(r"[=<+-]?[\d–]", cell) for cell in cells[1:])
    width = max(3, *map(_terminal_width, cells))
    padding = [" " * (width - _terminal_width(cell)) for cell in cells]
    head, *rest = [pad + cell if right else cell + pad for pad, cell in zip(padding, cells, strict=True)]
    return [head, "-" * (width - 1) + (":" if right else "-"), *rest]


def _terminal_width(text: str) -> int:
    """How many columns of a terminal a text takes: a Japanese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
