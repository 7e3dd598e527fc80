"""The ranking and the learning curves of trials, as tables.

A trial's score is the last point of its validation curve, as in the book. Ties keep the order of the search.
A trial that diverged ranks after all that finished, whatever it had reached, as its network is useless. *The
best n* are the first n that finished, so there may be fewer.
"""

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from zdl.analysis.best import order
from zdl.search.curves import final_score, last_score, scores

FIXED = ("rank", "trial", "key", "result", "val_acc", "train_acc", "final_val_acc", "status", "epochs")
TEXT = ("key", "result", "status")
CURVES = ("rank", "trial", "epoch", "train_acc", "val_acc")
CROWDED = 4000  # trials: with more, their dots on a map hide each other
PUBLISHED = 1000  # rows of the ranking under reports/, the best ones: 100 kB, small enough to commit


def rank(table: Mapping[str, Any], names: Iterable[str] | None = None) -> pd.DataFrame:
    """Every trial of `table`, best first: the columns of FIXED, then one for each searched hyper-parameter.

    A trial is identified by its place in the search. `names` are the searched hyper-parameters in the order
    of params.yaml; by default, those of the points, in the order met. Accuracies are shares of rows, in [0,
    1]: `val_acc` and `train_acc` the curve's last point, `final_val_acc` after the last update. (Another
    score than accuracy is in the same columns.) Blank are a score that was never evaluated, the final score
    of a diverged trial, and a hyper-parameter that plays no part in its trial.

    `key` depends on all that determines a trial, and `result` on its outcome. Two searches whose trials agree
    in both have the same trials (`zdl.report.compare`). `epochs` is the number of points of the curve; if
    `epochs` is searched, it is the value of the hyper-parameter, which differs only in a diverged trial.
    """
    records = table["trials"]
    names = _hyperparameters(records) if names is None else list(names)
    trials = sorted(enumerate(records), key=lambda trial: order(trial[1]))
    rows = [_row(record, place) for place, record in trials]
    columns = {name: [row.get(name) for row in rows] for name in (*FIXED[1:], *names)}
    return pd.DataFrame(
        {"rank": range(1, len(rows) + 1), **{name: _column(values) for name, values in columns.items()}}
    )


def _hyperparameters(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record["point"]))


def _row(record: Mapping[str, Any], trial: int) -> dict[str, Any]:
    """One trial's values by column; None for a blank."""
    outcome = record["outcome"]
    curve = outcome["curve"]
    return {
        "trial": trial,
        "key": record["key"],
        "result": record["result"][:12],
        "val_acc": last_score(curve),
        "train_acc": last_score(curve, "train"),
        "final_val_acc": final_score(outcome),
        "status": outcome["status"],
        "epochs": len(scores(curve, "val")),
        **record["point"],
    }


def number(key: str) -> int:
    """The number in a trial's key, which names its files."""
    return int(key.split("-", maxsplit=1)[0])


def _column(values: Sequence[Any]) -> "pd.Series[Any]":
    """A column of texts, whole numbers or floats, with blanks; mixed choices ('relu', 0.01) become text."""
    cells = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in cells):
        return pd.Series([None if value is None else str(value) for value in values], dtype="str")
    if cells and all(isinstance(value, int) for value in cells):
        return pd.Series(values, dtype="int64" if len(cells) == len(values) else "Int64")
    return pd.Series(values, dtype="float64")


def csv(frame: pd.DataFrame) -> str:
    """The frame as CSV text: lines end in a newline alone, floats are their repr, blanks are empty."""
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def read(text: str) -> pd.DataFrame:
    """The frame that `csv` wrote as `text`, with the same values and types."""
    # Types are inferred here: pandas would read a result such as 000012345678 as a number
    raw = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False)
    return pd.DataFrame(
        {
            name: raw[name] if name in TEXT else _column([_value(cell) for cell in raw[name]])
            for name in raw.columns
        }
    )


def _value(cell: str) -> int | float | str | None:
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            pass
    return cell or None


def top(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """The first n rows of a ranking that finished."""
    return frame[frame["status"] != "diverged"].head(n)


def full_trials(table: Mapping[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """The trials of a ranking that finished, without those that a search stopped before Best-1."""
    finished = top(frame, len(frame))
    epochs = finished["trial"].map(dict(enumerate(record.get("epochs", 0) for record in table["trials"])))
    trials: pd.DataFrame = finished[epochs == epochs.max()]
    return trials


def map_axes(
    ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], order: Sequence[str] = ()
) -> list[str]:
    """The one or two hyper-parameters to draw a search over: numeric ones, if there are any.

    Those that play a part in every trial come first, then those that come first in `order`. With an `order`,
    the result is sorted as `space`. A hyper-parameter that plays a part in fewer than half of the trials is
    no second axis, as it would hide the other trials.
    """
    names = [name for name in space if name in ranking]
    place = {name: k for k, name in enumerate(order)}
    by_order = sorted(names, key=lambda name: place.get(name, len(place)))
    numeric = [name for name in by_order if "options" not in space[name]]
    numeric.sort(key=lambda name: ranking[name].hasnans)
    axes = [name for name in numeric if ranking[name].notna().mean() >= 0.5][:2] or [*numeric, *by_order][:1]
    return sorted(axes, key=names.index) if order else axes


def important_axes(
    ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], recommendations: pd.DataFrame
) -> list[str]:
    """`map_axes` of the hyper-parameters that matter most by the table of `zdl.analysis.recommendations`."""
    order = recommendations.sort_values("importance", ascending=False, kind="stable")["name"].tolist()
    return map_axes(ranking, space, order)


def curves(table: Mapping[str, Any], frame: pd.DataFrame, best: int) -> pd.DataFrame:
    """The learning curves of the best trials, a row for each evaluation (columns: CURVES).

    `epoch` counts from 1, as the book prints it. In the order of the ranking; no row if none finished.
    """
    records = [record["outcome"]["curve"] for record in table["trials"]]
    rows = [
        (rank, trial, epoch, train, val)
        for rank, trial in top(frame, best)[["rank", "trial"]].to_numpy().tolist()
        for epoch, train, val in curve_points(records[trial])
    ]
    return pd.DataFrame(
        {name: _column(values) for name, values in zip(CURVES, zip(*rows, strict=True), strict=True)}
        if rows
        else {name: pd.Series(dtype="float64" if "acc" in name else "int64") for name in CURVES}
    )


def curve_points(curve: Mapping[str, Any]) -> Iterator[tuple[int, float, float]]:
    """The points of a learning curve: the epoch, from 1, and the scores of training and validation rows."""
    points = zip(scores(curve, "train"), scores(curve, "val"), strict=True)
    return ((epoch, train, val) for epoch, (train, val) in enumerate(points, start=1))


def metrics(table: Mapping[str, Any], frame: pd.DataFrame, best: int) -> dict[str, dict[str, Any]]:
    """The search in a few numbers, for `dvc metrics diff`: nested scalars, the same keys for every search.

    best    trial, its three accuracies and its hyper-parameters; all null if no trial finished
    top     the best n trials: their number, mean and least validation accuracy (null if none)
    search  trials in all, finished, diverged, finished with a validation accuracy above one half, and
            `val_images`, the number of images that give each validation accuracy (null if there is no trial)
    """
    records = table["trials"]
    names = [*frame.columns[len(FIXED) :], *(["epochs"] if "epochs" in _hyperparameters(records) else [])]
    finished = top(frame, len(frame))
    leaders = top(frame, best)
    scores = leaders["val_acc"].tolist()
    best_row = leaders.iloc[0].to_dict() if scores else {}
    return {
        "best": {
            name: _scalar(best_row.get(name))
            for name in ("trial", "val_acc", "train_acc", "final_val_acc", *names)
        },
        "top": {
            "size": len(scores),
            # fsum rounds once, and 6 decimals hide even that: the mean of 0.83 and 0.81 is 0.82
            "mean_val_acc": round(math.fsum(scores) / len(scores), 6) if scores else None,
            "min_val_acc": min(scores) if scores else None,
        },
        "search": {
            "trials": len(frame),
            "finished": len(finished),
            "diverged": len(frame) - len(finished),
            "above_half": int((finished["val_acc"] > 0.5).sum()),
            "val_images": records[0]["outcome"]["curve"]["val_size"] if records else None,
        },
    }


def _scalar(value: Any) -> Any:
    """A cell as JSON has it: Python's own number or text, None for a blank."""
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
