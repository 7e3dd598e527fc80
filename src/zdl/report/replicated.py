"""The facts about replicates for the pages, as plain values: which trial they confirm, how it compares with
others, the selection bias, and confusions of classes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis.results import Analysis, Replication
from zdl.analysis.statistics import sign_of_difference

Row = dict[str, Any]


def replicate_facts(replication: Replication) -> Row:
    """The trials that have replicates: `trainings` of each, of which `networks` finished (None if that
    differs between trials); the confirmed best, and how it compares with the others and with a linear model;
    Best-1 with its selection bias; and the confusions of the confirmed best."""
    confirmed = plain_rows(replication.confirmed)
    finished = [row for row in confirmed if row["val_mean"] is not None]
    failed_trials = {row["trial"] for row in confirmed} - {row["trial"] for row in finished}
    rivals = [row for row in plain_rows(replication.rivals) if row["trial"] not in failed_trials]
    best = next((row for row in confirmed if row["trial"] == replication.best), None)
    best_1 = next((row for row in finished if row["rank"] == 1), None)
    trainings = confirmed[0]["repeats"] + confirmed[0]["diverged"] if confirmed else 0
    return {
        "confirmed": confirmed,
        "confirmed_best": best,
        "trainings": trainings,
        "networks": finished[0]["repeats"] if len({row["repeats"] for row in finished}) == 1 else None,
        **_lead(best, finished),
        "compared": len(rivals),
        "rivals": {
            images: {sign: [row["trial"] for row in rivals if row[images] == sign] for sign in (1, 0, -1)}
            for images in ("val", "held_out")
        },
        "best_1": best_1 and with_sign(best_1, "luck", best_1["repeats"]),
        "linear": with_sign(plain_row(replication.linear), "loss", trainings),
        "margin": with_sign(plain_row(replication.margin), "apart", best["repeats"] if best else 0),
        "confusion": _confusion(replication.confusion) if confirmed else None,
    }


def _lead(best: Row | None, finished: Sequence[Row]) -> dict[str, list[int]]:
    """The other trials whose mean is above the confirmed best's (`ahead`; they diverged more often) or equal
    to it (`level`; they diverged more often or have a worse rank)."""
    others = [row for row in finished if best and row is not best]
    signs = {"ahead": 1, "level": 0}
    return {
        name: [row["trial"] for row in others if best and np.sign(row["val_mean"] - best["val_mean"]) == sign]
        for name, sign in signs.items()
    }


def with_sign(row: Row, name: str, n: int) -> Row:
    """The row with the `sign_of_difference` of its difference `name`, a mean over n trainings."""
    if name not in row:
        return row
    values = (row[column] for column in (name, f"{name}_low", f"{name}_high"))
    mean, low, high = (math.nan if value is None else float(value) for value in values)
    return {**row, f"{name}_sign": sign_of_difference(mean, low, high, n)}


def guess_facts(analysis: Analysis) -> Row:
    """Whether the confirmed best scores more than a guess on held-out rows. The question is about its present
    networks, so n is the number of rows, and one network is enough."""
    rows, guess = analysis.replication.confirmed, analysis.held_out.guess
    for row in rows[rows["trial"] == analysis.replication.best].to_dict("records"):
        lead, low, high = (row[name] - guess for name in ("held_out", "held_out_low", "held_out_high"))
        return {
            "guess": guess,
            "beats_guess": sign_of_difference(lead, low, high, len(analysis.held_out.t)) > 0,
        }
    return {"guess": guess, "beats_guess": False}


def _confusion(confusion: NDArray[np.float64]) -> Row | None:
    """The class that is most often taken for another, the share, and the number of other pairs of classes
    that tie with it; and the classes that are recognised best and worst. None without a confusion."""
    shares = np.round(confusion, 4)  # further digits differ between machines
    recalls = shares.diagonal().tolist()
    confusions = shares - np.diag(recalls)
    if not confusions.max(initial=0) > 0:  # none in regression
        return None
    digit, taken_for = divmod(int(confusions.argmax()), len(confusions))
    best, worst = (
        [k for k, share in enumerate(recalls) if share == extreme(recalls)] for extreme in (max, min)
    )
    return {
        "digit": digit,
        "taken_for": taken_for,
        "share": confusions.max().item(),
        "tied": int((confusions == confusions.max()).sum()) - 1,
        "read_best": best,
        "best_share": max(recalls),
        "read_worst": worst,
        "worst_share": min(recalls),
    }


def plain_rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table as dicts of plain values, with None for a blank."""
    records = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return [plain_row(row) for row in records]


def plain_row(row: Mapping[str, Any]) -> Row:
    return {name: None if pd.isna(cell) else cell for name, cell in row.items()}
