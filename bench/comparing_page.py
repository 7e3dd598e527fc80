"""The page of a comparison of search methods. Rules choose its words: it says what the numbers say."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.comparing import (
    MARKS,
    PROBLEMS,
    SEEDS,
    TITLES,
    Budgets,
    capital,
    curves,
    differences,
    draw,
    searches,
    verdict,
)
from zdl.analysis.ranking import csv
from zdl.report.figures.base import png, svg
from zdl.report.formatting import count, listed, share, signed
from zdl.report.markdown import tidy

VERDICTS = {  # of one method, and of several
    "pays": "pay",
    "costs": "cost",
    "makes no clear difference": "make no clear difference",
    "has too few seeds to tell": "have too few seeds to tell",
}
INTRODUCTION = """
{methods} searched {searched}. A search may spend the epochs of {trials}. The
[protocol](PROTOCOL.md) says what the problems, the methods and the measures are, and by which rule a method
pays. It was written before there was any result.
"""
CAPTION = """
*Median and quartiles over the seeds. A line begins where every search has a trial that was trained in full.
The axes of accuracy do not begin at 0.*
"""
TABLE = """
Best: the best validation accuracy at the end, with its quartiles in brackets. Held out: the accuracy of the
pick on rows that no search has seen, likewise. The other columns have the median difference in held-out
accuracy to the random search of the same seed, after a part of the budget, with an interval for it (a dash: a
search has no pick yet). The last of them decides.
"""
CAVEATS = """
- There are {decisions} decisions, without a correction for their number.
- The best of many validation scores is optimistic, so the held-out accuracy decides. Over all searches, the
  medians of the two are {medians}.
- On iris, a row is a step of 0.032 in validation accuracy and of 0.022 in held-out accuracy.
- The function is smooth and has one maximum, which suits methods that model it. Its noise lifts the best
  validation accuracies above the maximum of 0.95.
- A round of Bayesian search, TPE and CMA-ES has 10 trials. In smaller rounds they see more scores before they
  choose.
- Epochs are counted, and not time: starting a process and choosing points take time as well, and a rung waits
  for its slowest trial.
"""
FILES = """
The numbers of the figures are in [curves.csv](curves.csv), [searches.csv](searches.csv) has a row for each
search, and [differences.csv](differences.csv) one for each difference. `make compare` makes everything again,
and trains only what this machine has not yet trained for it.
"""


def files(rows: pd.DataFrame, budgets: Budgets, trials: int) -> dict[str, bytes]:
    """The published files by name; a budget is that of so many whole trials."""
    table, against = curves(rows, budgets), differences(rows, budgets)
    tables = {"curves": table, "searches": searches(rows), "differences": against.round(6)}
    out = {f"{name}.csv": csv(data).encode() for name, data in tables.items()}
    for problem, own in rows.groupby("problem", sort=False):
        figure = draw(table, str(problem), own["seed"].nunique())
        out |= {f"{problem}.png": png(figure), f"{problem}.svg": svg(figure)}
    return {**out, "README.md": page(rows, against, trials).encode()}


def page(rows: pd.DataFrame, against: pd.DataFrame, trials: int) -> str:
    """The page as Markdown; it begins with what pays."""
    problems = list(rows["problem"].unique())
    introduction = INTRODUCTION.format(
        methods=count(rows["method"].nunique(), "method"),
        searched=describe_searches(rows),
        trials=count(trials, "whole trial"),
    )
    sections = ["# Search methods compared", "Held-out accuracy at the end, against that of random search:"]
    sections += ["\n".join(_item(finding(against, problem)) for problem in problems), _wrapped(introduction)]
    for problem in problems:
        sections += [
            f"## {capital(PROBLEMS[problem])}",
            f"[![{PROBLEMS[problem]}]({problem}.png)]({problem}.svg)",
        ]
        sections += [
            _wrapped(CAPTION),
            _wrapped(interim(against, problem)),
            summary(rows, against, problem),
        ]
    sections += [_wrapped(TABLE), "## What this does not say", caveats(rows, against), _wrapped(FILES)]
    return "\n\n".join(sections) + "\n"


def describe_searches(rows: pd.DataFrame) -> str:
    """With how many seeds each problem was searched."""
    seeds = rows.groupby("problem", sort=False)["seed"].nunique()
    words = listed(f"{PROBLEMS[name]} with {count(n, 'seed')}" for name, n in seeds.items())
    if seeds.nunique() == 1:
        words = f"{listed(PROBLEMS[name] for name in seeds.index)} with {count(seeds.iloc[0], 'seed')} each"
    if seeds.min() < SEEDS:
        words += f" (the protocol has {SEEDS}; the other searches have not run yet)"
    return words


def finding(against: pd.DataFrame, problem: str) -> str:
    """Which methods pay on a problem, cost, or make no clear difference, by the rule of the protocol."""
    rows = _rows(against, problem, MARKS[-1])
    sentences = []
    for each, several in VERDICTS.items():
        methods = [row for row in rows if verdict(row["low"], row["high"]) == each]
        names = [f"{TITLES[row['method']]} ({signed(row['median'], 3)})" for row in methods]
        if names:
            sentences.append(capital(f"{listed(names)} {each if len(names) == 1 else several}."))
    return f"**{capital(PROBLEMS[problem])}:** {' '.join(sentences)}"


def interim(against: pd.DataFrame, problem: str) -> str:
    """Which methods are ahead of random search before the end of the budget, and which are behind."""
    sentences = []
    for mark, part in zip(MARKS, ("a quarter of", "half of"), strict=False):
        rows = _rows(against, problem, mark)
        ahead = [TITLES[row["method"]] for row in rows if verdict(row["low"], row["high"]) == "pays"]
        behind = [TITLES[row["method"]] for row in rows if verdict(row["low"], row["high"]) == "costs"]
        sentences.append(
            f"After {part} the budget, {listed(ahead or ['no method'])} {_be(ahead)} clearly ahead of random "
            f"search{f', and {listed(behind)} {_be(behind)} clearly behind' if behind else ''}."
        )
    return " ".join(sentences)


def _be(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _rows(against: pd.DataFrame, problem: str, mark: int) -> list[dict[str, Any]]:
    rows = against[(against["problem"] == problem) & (against["after"] == mark)]
    return rows.to_dict("records")


def summary(rows: pd.DataFrame, against: pd.DataFrame, problem: str) -> str:
    """A table of what the methods came to on a problem, and how far they are from random search."""
    final = searches(rows)
    lines = ["| method | best | held out | after 25 % | after 50 % | after 100 % |", "|" + " - |" * 6]
    for method in rows["method"].unique():
        own = final[(final["problem"] == problem) & (final["method"] == method)]
        more = [row for mark in MARKS for row in _rows(against, problem, mark) if row["method"] == method]
        cells = [capital(TITLES[method]), _spread(own["best"]), _spread(own["held_out"])]
        lines.append(f"| {' | '.join([*cells, *map(_difference, more or [{}] * len(MARKS))])} |")
    return _wrapped("\n".join(lines))


def _spread(values: "pd.Series[float]") -> str:
    q1, median, q3 = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{median:.3f} ({q1:.3f}, {q3:.3f})"


def _difference(row: Mapping[str, Any]) -> str:
    if pd.isna(row.get("median")):
        return "–"
    bounds = (
        "no interval" if math.isinf(row["low"]) else f"{signed(row['low'], 3)} to {signed(row['high'], 3)}"
    )
    return f"{signed(row['median'], 3)} ({bounds})"


def caveats(rows: pd.DataFrame, against: pd.DataFrame) -> str:
    """How far the findings can be trusted."""
    medians = searches(rows).groupby("problem", sort=False)[["best", "held_out"]].median()
    pairs = zip(medians.index, medians["best"], medians["held_out"], strict=True)
    text = CAVEATS.format(
        decisions=int((against["after"] == MARKS[-1]).sum()),
        medians=listed(f"{share(best)} and {share(other)} ({PROBLEMS[name]})" for name, best, other in pairs),
    )
    return "\n".join(map(_item, text.strip().removeprefix("- ").split("\n- ")))


def _item(text: str) -> str:
    return textwrap.fill(f"- {' '.join(text.split())}", 100, subsequent_indent="  ", break_on_hyphens=False)


def _wrapped(text: str) -> str:
    return tidy(text, 100).strip()
