"""Numbers, names and lists as people read them (a blank is a dash), and Markdown that reads well as plain
text.

What the pages, the figures and the review say is worded with these, so that a number looks the same wherever
it stands.
"""

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd


def short(value: Any) -> str:
    """A value as people read it: floats to 3 significant digits, a dash for a blank."""
    if pd.isna(value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def accuracy(value: float) -> str:
    """An accuracy as people read it: two decimals, or up to four where there are more (0.80, 0.8557)."""
    if pd.isna(value):
        return "–"
    text = f"{value:.4f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


def title(name: str) -> str:
    """A hyper-parameter's name in words, as the book prints it: weight decay."""
    return name.replace("_", " ")


def count(n: int, noun: str) -> str:
    """A number of things: 1 trial, 10,000 trials."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """lr; lr and weight decay; lr, weight decay and momentum."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def share(value: float | None) -> str:
    """A mean or a bound: three decimals."""
    return "–" if pd.isna(value) else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A correlation: +0.93."""
    return "–" if pd.isna(value) else f"{round(value, 2) + 0.0:+.2f}"


def percent(value: float | None) -> str:
    """A share in hundredths, without the sign for them, which languages set differently."""
    return "–" if pd.isna(value) else f"{100 * value:.0f}"


def points(value: float | None) -> str:
    """A difference of accuracies in percentage points."""
    return "–" if pd.isna(value) else f"{round(100 * value, 1) + 0.0:.1f}"


def chance(value: float | None) -> str:
    """A probability that a bootstrap knows to about a hundredth."""
    return "–" if pd.isna(value) else "<0.01" if value < 0.005 else f"{value:.2f}"


def ordinal(number: int) -> str:
    """A place in a row: 1st, 22nd, 113th."""
    teens = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def spans(numbers: Sequence[int]) -> str:
    """Whole numbers in ascending order, those in a row as one: 0 to 9, 12, 14."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    runs = (row if len(row) < 3 else [f"{row[0]} to {row[-1]}"] for row in rows)
    return ", ".join(str(each) for run in runs for each in run)


def p_value(value: float | None) -> str:
    return "–" if pd.isna(value) else "<0.001" if value < 0.0005 else f"{value:.3f}"


def p_said(value: float | None) -> str:
    """A p-value in a sentence: p = 0.002."""
    text = p_value(value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


FILTERS: dict[str, Callable[..., str]] = {
    "accuracy": accuracy,
    "chance": chance,
    "count": count,
    "listed": listed,
    "ordinal": ordinal,
    "p_said": p_said,
    "p_value": p_value,
    "percent": percent,
    "points": points,
    "share": share,
    "short": short,
    "signed": signed,
    "spans": spans,
    "thousands": lambda number: f"{number:,}",
    "title": title,
}


def tidy(text: str, width: int | None) -> str:
    """Markdown that reads well as plain text too, whatever lines the template had.

    Paragraphs are wrapped at `width` columns. None: each becomes one line, as Japanese needs it, where a line
    break would show as a space. The columns of tables stand straight. Code is left as it is.
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
    """A Markdown table whose columns also stand straight in plain text, numbers to the right."""
    head, _, *rows = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    columns = []
    for title_, *cells in zip(head, *rows, strict=True):
        right = all(re.match(r"[=<+-]?[\d–]", cell) for cell in cells)
        width = max(3, *map(columns_of, (title_, *cells)))
        rule = "-" * (width - 1) + ":" if right else "-" * width
        blanks = [" " * (width - columns_of(cell)) for cell in (title_, *cells)]
        first, *rest = [
            blank + cell if right else cell + blank
            for blank, cell in zip(blanks, (title_, *cells), strict=True)
        ]
        columns.append([first, rule, *rest])
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: a Japanese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
