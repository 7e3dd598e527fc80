"""The best trials as the book prints them, for a terminal."""

import pandas as pd

from zdl.analysis.ranking import FIXED
from zdl.report.formatting import short, title


def best_lines(ranking: pd.DataFrame, n: int | None = None, score: str = "acc") -> list[str]:
    """The book's lines for the first n trials (all: None), diverged ones marked as such.

    ``Best-1(val acc:0.83) | lr:0.0092, weight decay:3.86e-07``: the hyper-parameters are the columns after
    FIXED. `score` is what the book calls acc.
    """
    names = ranking.columns[len(FIXED) :]
    lines = []
    for row in ranking.head(len(ranking) if n is None else n).to_dict("records"):
        diverged = ", diverged" if row["status"] == "diverged" else ""
        point = ", ".join(f"{title(name)}:{short(row[name])}" for name in names)
        value = row["val_acc"] if score != "acc" else round(row["val_acc"], 4)
        lines.append(f"Best-{row['rank']}(val {score}:{value}{diverged}) | {point}")
    return lines
