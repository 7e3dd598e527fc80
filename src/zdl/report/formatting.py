"""Numbers, names and lists as text for readers; a blank is a dash.

The pages, the figures and the review use these functions, so a number looks the same everywhere.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd


def short(value: Any) -> str:
    """A value as text: floats have 3 significant digits, and a blank is a dash."""
    if pd.isna(value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def accuracy(value: float) -> str:
    """An accuracy with two to four decimals (0.80, 0.8557)."""
    if pd.isna(value):
        return "–"
    text = f"{value:.4f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


def number(value: float | None, digits: int = 4) -> str:
    """A score that may be any number, with this many significant digits."""
    return "–" if pd.isna(value) else f"{value + 0.0:,.{digits}g}"


def mean(value: float | None) -> str:
    """A mean or a bound of scores that may be any number: three decimals if it is between 0.01 and 10 in
    size, else 4 significant digits."""
    fits = not pd.isna(value) and 0.01 <= abs(value) < 10
    return f"{value:.3f}" if fits else number(value)


def title(name: str) -> str:
    """A hyper-parameter's name in words, as the book prints it: weight decay."""
    return name.replace("_", " ")


def count(n: int, noun: str) -> str:
    """A number with its noun: 1 trial, 10,000 trials."""
    return f"{n:,} {noun if n == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a noun: epochs, classes, galaxies."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "sh", "tch")) else "s")


def listed(words: Iterable[str]) -> str:
    """lr; lr and weight decay; lr, weight decay and momentum."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def share(value: float | None) -> str:
    """A mean or a bound, with three decimals."""
    return "–" if pd.isna(value) else f"{value:.3f}"


def signed(value: float | None, digits: int = 2) -> str:
    """A correlation (+0.93) or a difference of accuracies; zero has no minus sign."""
    return "–" if pd.isna(value) else f"{round(value, digits) + 0.0:+.{digits}f}"


def percent(value: float | None) -> str:
    """A share in percent, without the sign, which languages set differently."""
    return "–" if pd.isna(value) else f"{100 * value:.0f}"


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def points(value: float | None) -> str:
    """A difference of accuracies in percentage points."""
    return "–" if pd.isna(value) else f"{round(100 * value, 1) + 0.0:.1f}"


def chance(value: float | None) -> str:
    """A probability from a bootstrap, which is known to about a hundredth."""
    return "–" if pd.isna(value) else "<0.01" if value < 0.005 else f"{value:.2f}"


def ordinal(number: int) -> str:
    """An ordinal number: 1st, 22nd, 113th."""
    teens = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def spans(numbers: Sequence[int]) -> str:
    """Whole numbers in ascending order, with runs of three or more as spans: 0 to 9, 12, 14."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    runs = (row if len(row) < 3 else [f"{row[0]} to {row[-1]}"] for row in rows)
    return ", ".join(str(text) for run in runs for text in run)


def p_value(value: float | None) -> str:
    return "–" if pd.isna(value) else "<0.001" if value < 0.0005 else f"{value:.3f}"


def p_equation(value: float | None) -> str:
    """A p-value in a sentence: p = 0.002."""
    text = p_value(value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


FILTERS: dict[str, Callable[..., str]] = {
    "accuracy": accuracy,
    "apart": lambda value: signed(value, 3),
    "chance": chance,
    "count": count,
    "listed": listed,
    "ordinal": ordinal,
    "sentence": sentence,
    "p_equation": p_equation,
    "p_value": p_value,
    "percent": percent,
    "plural": plural,
    "points": points,
    "share": share,
    "short": short,
    "signed": signed,
    "spans": spans,
    "thousands": lambda number: f"{number:,}",
    "title": title,
}
OF_ANY_NUMBER: dict[str, Callable[..., str]] = {  # the filters of a score that is not between 0 and 1
    "accuracy": number,
    "share": mean,
    "points": lambda value: "0.0" if value == 0 else number(value, 3),
    "apart": lambda value: f"+{number(value, 3)}" if value > 0 else number(value, 3),
}
