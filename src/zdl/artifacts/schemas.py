"""Checks that the contents of each kind of file have the shape that later steps rely on.

`zdl.artifacts.io` applies them before a step gets the contents of a file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import digest, is_digest

WEIGHTS = "zdl weights"  # stands in for the digest in every file of weights

Validator = Callable[[dict[str, Any]], object]  # true if contents are valid; it may raise if not


def rows(*suffixes: str, names: Sequence[str]) -> Validator:
    """Return a check that arrays are rows: numbers x (n, ...) and labels t (n,) for each suffix.

    The arrays in `names` are lists of texts: the classes (empty in regression, where t is float64) and the
    columns (empty unless the data is a table).
    """

    def is_valid(arrays: dict[str, Any]) -> bool:
        pairs = [(arrays[f"x{suffix}"], arrays[f"t{suffix}"]) for suffix in suffixes]
        (shape,) = {x.shape[1:] for x, _ in pairs}
        classes, columns = arrays["classes"], arrays.get("columns", ())
        kind = np.min_scalar_type(len(classes) - 1) if len(classes) else np.dtype("float64")
        return (
            arrays.keys() == {f"{name}{suffix}" for name in "xt" for suffix in suffixes} | {*names}
            and all(arrays[name].dtype.kind == "U" and arrays[name].ndim == 1 for name in names)
            and (len(columns) == 0 or shape == (len(columns),))
            and all(
                x.dtype.kind in "biuf"
                and t.dtype == kind
                and t.shape == x.shape[:1]
                and bool((t < len(classes) if len(classes) else np.isfinite(t)).all())
                for x, t in pairs
            )
        )

    return is_valid


def unpacked(hits: str, size: int) -> NDArray[np.bool_]:
    """Whether each of `size` rows is answered correctly (size,), from one bit per row in hexadecimal."""
    bits = np.frombuffer(bytes.fromhex(hits), dtype=np.uint8)
    return np.unpackbits(bits, count=size).astype(bool)


NAMES = ("classes", "columns")
RAW, PREPARED = rows("", "_held_out", names=NAMES), rows("", names=NAMES)
SPLIT = rows("_train", "_val", names=["classes"])


def is_record(record: dict[str, Any]) -> bool:
    """Whether contents are the record of a trial, as `zdl.search.trial.record` makes it."""
    outcome = dict(record["outcome"])
    losses = outcome.pop("loss")
    return (
        type(record["trial"]) is int
        and digest(record["spec"]) == record["digest"]
        and is_digest(record["result"])
        and all(map(math.isfinite, losses))
        and outcome["curve"].get("score") == record["spec"].get("score")
        and is_outcome(outcome)
    )


def is_replicate(record: dict[str, Any]) -> bool:
    """Whether contents are the record of a `Replicate`: that of a trial, with answers to the held-out rows.

    The answers are a class and a confidence in percent for each row or, in regression, a number for each row.
    With a score other than accuracy, they include the score of the held-out rows and the scores of bootstrap
    samples of these rows. A diverged replicate has no answers.
    """
    outcome = dict(record["outcome"])
    answers = outcome.pop("held_out")
    if not is_record({**record, "outcome": outcome}) or (answers is None) != (outcome["final"] is None):
        return False
    if answers is None:
        return True
    if "score" in outcome["curve"]:
        answers = dict(answers)
        if not _are_scores([answers.pop("score")]) or not _are_draws(answers.pop("redrawn")):
            return False
        if answers.keys() == {"answers"}:
            return _are_scores(answers["answers"])
    taken_for, confidence = bytes.fromhex(answers["taken_for"]), bytes.fromhex(answers["confidence"])
    return (
        answers.keys() == {"taken_for", "confidence"}
        and 0 < len(confidence) in (len(taken_for), len(taken_for) // 2)
        and max(confidence) <= 100
    )


def is_replicate_file(contents: dict[str, Any]) -> bool:
    """Whether contents are a replicate of a trial, or of no trial, if fewer trials finished than are to be
    trained again."""
    record, trial = contents["replicate"], contents["trial"]
    if contents.keys() != {"digest", "trial", "replicate"} or (trial is None) != (record is None):
        return False
    return record is None or (is_replicate(record) and record["trial"] == trial)


def is_plan(contents: dict[str, Any], lines: Mapping[str, Any]) -> bool:
    """Whether contents are exactly these lines and a digest."""
    return contents == {"digest": contents["digest"], **lines}


def is_table(contents: dict[str, Any], known: Sequence[tuple[int, str, Any]], count: int) -> bool:
    """Whether contents are the outcomes of `count` trials. The first of these must have the `known` numbers,
    keys and points. If rows are counted, "commonest" counts the validation rows of the largest class."""
    rows, commonest = contents["trials"], contents["commonest"]
    return (
        is_digest(contents["data"])
        and all(isinstance(text, str) for item in contents["libraries"].items() for text in item)
        and len(rows) == count
        and [(row["trial"], row["key"], row["point"]) for row in rows[: len(known)]] == known
        and all(is_digest(row["result"]) and is_outcome(row["outcome"]) for row in rows)
        and all(_commonest(commonest, row["outcome"]["curve"]) for row in rows)
    )


def _commonest(commonest: Any, curve: Mapping[str, Any]) -> bool:
    if "score" in curve:
        return commonest is None
    return type(commonest) is int and 0 < commonest <= curve["val_size"]


def is_baseline(contents: dict[str, Any]) -> bool:
    """Whether contents are what `zdl.analysis.baseline.baseline` makes: fits to the split of the search and
    to that of each replicate. With a score, they also hold two scores of a guess."""
    fits = [contents["search"], *contents["replicates"]]
    if "guess" in contents:
        keys = {"score", "train", "train_size", "val", "val_size", "held_out", "held_out_redrawn"}
        return contents.keys() == {"digest", "search", "replicates", "guess"} and all(
            fit.keys() == keys
            and _are_scores([fit["train"], fit["val"], fit["held_out"], *contents["guess"]])
            and _are_draws(fit["held_out_redrawn"])
            and min(fit["train_size"], fit["val_size"]) > 0
            for fit in fits
        )
    keys = {"train_correct", "train_size", "val_correct", "val_size", "held_out_hits", "held_out_size"}
    return contents.keys() == {"digest", "search", "replicates"} and all(
        fit.keys() == keys
        and _are_counts([fit["train_correct"]], fit["train_size"])
        and _are_counts([fit["val_correct"]], fit["val_size"])
        and _are_counts([], fit["held_out_size"])
        and len(bytes.fromhex(fit["held_out_hits"])) == -(-fit["held_out_size"] // 8)
        for fit in fits
    )


def is_outcome(outcome: dict[str, Any]) -> bool:
    """Whether contents are an outcome without its losses: counts of rows, or scores. Both sets must have the
    same number of evaluations."""
    curve, ends = outcome["curve"], [end for end in [outcome["final"]] if end is not None]
    if "score" in curve:
        return _is_scored(outcome, curve, ends)
    train, val = curve["train_correct"], curve["val_correct"]
    return (
        outcome.keys() == {"status", "curve", "final"}
        and outcome["status"] == ("finished" if ends else "diverged")
        and curve.keys() == {"train_correct", "train_size", "val_correct", "val_size", "val_hits"}
        and all(end.keys() == {"val_correct", "val_size", "val_hits"} for end in ends)
        and all(type(part["val_hits"]) is str for part in [curve, *ends])
        and len(train) == len(val) >= len(ends)
        and _are_counts(train, curve["train_size"])
        and _are_counts(val, curve["val_size"])
        and all(_are_counts([end["val_correct"]], end["val_size"]) for end in ends)
    )


def _is_scored(outcome: dict[str, Any], curve: dict[str, Any], ends: list[dict[str, Any]]) -> bool:
    names = {"score", "train", "train_size", "val", "val_size", "val_redrawn"}
    return (
        outcome.keys() == {"status", "curve", "final"}
        and outcome["status"] == ("finished" if ends else "diverged")
        and curve.keys() == names
        and all(end.keys() == {"val", "val_size"} and _are_scores([end["val"]]) for end in ends)
        and len(curve["train"]) == len(curve["val"]) >= len(ends)
        and _are_scores([*curve["train"], *curve["val"]])
        and _are_draws(curve["val_redrawn"])
        and min(curve["train_size"], curve["val_size"]) > 0
    )


def _are_scores(scores: list[Any]) -> bool:
    return all(type(score) is float and math.isfinite(score) for score in scores)


def _are_draws(scores: list[Any]) -> bool:
    return _are_scores([score for score in scores if score is not None])


def _are_counts(correct: list[int], size: int) -> bool:
    integers = type(correct) is list and all(type(count) is int for count in [*correct, size])
    return integers and size > 0 and all(0 <= count <= size for count in correct)
