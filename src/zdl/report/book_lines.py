"""The best trials as the book prints them, for a terminal."""

from collections.abc import Iterable

import pandas as pd

from zdl.analysis.ranking import FIXED
from zdl.report.formatting import short, title


def best_lines(
    ranking: pd.DataFrame, n: int | None = None, names: Iterable[str] | None = None, score: str = "acc"
) -> list[str]:
    """The book's lines for the first n trials (all: None), diverged ones marked as such.

    ``Best-1(val acc:0.83) | lr:0.0092, weight decay:3.86e-07``. `names` are the hyper-parameters to show,
    all columns after FIXED by default (so `epochs`, where searched, is shown only if named). `score` is what
    the book calls acc.
    """
    names = list(ranking.columns[len(FIXED) :]) if names is None else list(names)
    lines = []
    for row in ranking.head(len(ranking) if n is None else n).to_dict("records"):
        diverged = ", diverged" if row["status"] == "diverged" else ""
        point = ", ".join(f"{title(name)}:{short(row[name])}" for name in names)
        value = row["val_acc"] if score != "acc" else round(row["val_acc"], 4)
        lines.append(f"Best-{row['rank']}(val {score}:{value}{diverged}) | {point}")
    return lines
