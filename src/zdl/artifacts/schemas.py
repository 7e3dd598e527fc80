"""What each kind of file holds: whether contents have the shape that later steps rely on.

`zdl.artifacts.io` checks it before a step gets the contents of a file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.encoding import digest, is_digest

# Of MNIST: what another data set has others of.
SHAPE = (28, 28)  # of an image: (height, width), with colours (height, width, 3); of a table's row (1, n)
CLASSES = 10
PIXELS = math.prod(SHAPE)

WEIGHTS = "zdl weights"  # the digest of a file of weights, which holds no other

Validator = Callable[[dict[str, Any]], object]  # whether contents have a shape; if it raises, they have not


def images(dtype: type[np.generic], *suffixes: str) -> Validator:
    """That arrays are images x (n, PIXELS) of that type and labels t below CLASSES, a pair a suffix."""

    def is_valid(arrays: dict[str, Any]) -> bool:
        pairs = [(arrays[f"x{suffix}"], arrays[f"t{suffix}"]) for suffix in suffixes]
        return len(arrays) == 2 * len(pairs) and all(
            x.dtype == dtype and x.shape == (len(x), PIXELS) and t.shape == x.shape[:1] and _labels(t)
            for x, t in pairs
        )

    return is_valid


def unpacked(hits: str, size: int) -> NDArray[np.bool_]:
    """Which of so many images are recognised, from one bit an image in hexadecimal."""
    bits = np.frombuffer(bytes.fromhex(hits), dtype=np.uint8)
    return np.unpackbits(bits, count=size).astype(bool)


def _labels(t: NDArray[Any]) -> bool:
    return t.dtype == np.uint8 and bool((t < CLASSES).all())


def is_network(arrays: dict[str, Any]) -> bool:
    """Whether arrays are a network's layers, each with as many inputs as the one before it has outputs."""
    sizes = [len(arrays["W1"]), *(len(arrays[f"b{i}"]) for i in range(1, len(arrays) // 2 + 1))]
    shapes: list[tuple[str, tuple[int, ...]]] = []
    for i, (n, m) in enumerate(pairwise(sizes), start=1):
        shapes += [(f"W{i}", (n, m)), (f"b{i}", (m,))]
    named = [(name, array.shape) for name, array in arrays.items()]
    dtypes = {array.dtype.str[1:] for array in arrays.values() if array.ndim}
    return all(sizes) and named == [*shapes, ("activation", ())] and dtypes in ({"f4"}, {"f8"})


RAW, PREPARED = images(np.uint8, "", "_held_out"), images(np.float32, "")
SPLIT = images(np.float32, "_train", "_val")


def check_raw(arrays: dict[str, Any]) -> None:
    """Raise an `Error` that says what is not as it should be of images that were just loaded: a mistake of
    who brings another data set, told before anything is trained on it."""
    for x, t in ((arrays["x"], arrays["t"]), (arrays["x_held_out"], arrays["t_held_out"])):
        if (pixels := math.prod(x.shape[1:])) != PIXELS:
            raise Error(
                f"images: {pixels} pixels each (zdl.artifacts.schemas.SHAPE: {SHAPE}, which has {PIXELS})"
            )
        if (greatest := int(t.max(initial=0))) >= CLASSES:
            raise Error(
                f"labels: up to {greatest} (zdl.artifacts.schemas.CLASSES: {CLASSES}, so up to {CLASSES - 1})"
            )
    if not RAW(arrays):
        shapes = ", ".join(f"{name} {array.shape} {array.dtype}" for name, array in arrays.items())
        raise Error(f"images: {shapes} (zdl.artifacts.schemas.RAW: x (n, {PIXELS}) and t (n,), all uint8)")


def is_record(record: dict[str, Any]) -> bool:
    """Whether contents are what `zdl.search.trial.record` makes of a trial."""
    outcome = dict(record["outcome"])
    losses = outcome.pop("loss")
    return (
        type(record["trial"]) is int
        and digest(record["spec"]) == record["digest"]
        and is_digest(record["result"])
        and all(map(math.isfinite, losses))
        and is_outcome(outcome)
    )


def is_replicate(record: dict[str, Any]) -> bool:
    """Whether contents are the record of a `Replicate`: a trial's, and, if that finished,
    what its network takes each held-out image for, and how sure it is in percent."""
    outcome = dict(record["outcome"])
    answers = outcome.pop("held_out")
    if not is_record({**record, "outcome": outcome}) or (answers is None) != (outcome["final"] is None):
        return False
    if answers is None:
        return True
    taken_for, confidence = bytes.fromhex(answers["taken_for"]), bytes.fromhex(answers["confidence"])
    return (
        answers.keys() == {"taken_for", "confidence"}
        and 0 < len(taken_for) == len(confidence)
        and max(taken_for) < CLASSES
        and max(confidence) <= 100
    )


def is_replicate_file(contents: dict[str, Any]) -> bool:
    """Whether contents are a replicate of a trial; or of none, where fewer trials finished than were to be
    trained again."""
    record, trial = contents["replicate"], contents["trial"]
    if contents.keys() != {"digest", "trial", "replicate"} or (trial is None) != (record is None):
        return False
    return record is None or (is_replicate(record) and record["trial"] == trial)


def is_plan(contents: dict[str, Any], lines: Mapping[str, Any]) -> bool:
    """Whether contents are exactly these lines, and a digest."""
    return contents == {"digest": contents["digest"], **lines}


def is_table(contents: dict[str, Any], known: Sequence[tuple[int, str, Any]], count: int) -> bool:
    """Whether contents are the outcomes of `count` trials, of which the first have these numbers, keys and
    points; and how many of the images that score them show the commonest class."""
    rows = contents["trials"]
    return (
        is_digest(contents["data"])
        and type(contents["commonest"]) is int
        and len(rows) == count
        and [(row["trial"], row["key"], row["point"]) for row in rows[: len(known)]] == known
        and all(is_digest(row["result"]) and is_outcome(row["outcome"]) for row in rows)
        and all(0 < contents["commonest"] <= row["outcome"]["curve"]["val_size"] for row in rows)
    )


def is_baseline(contents: dict[str, Any]) -> bool:
    """Whether contents are what `zdl.analysis.baseline.linear` makes of the search's split, and of each
    repeat's."""
    fits = [contents["search"], *contents["replicates"]]
    sets = {"train_correct", "train_size", "val_correct", "val_size", "held_out_hits", "held_out_size"}
    return contents.keys() == {"digest", "search", "replicates"} and all(
        fit.keys() == sets
        and _counts([fit["train_correct"]], fit["train_size"])
        and _counts([fit["val_correct"]], fit["val_size"])
        and _counts([], fit["held_out_size"])
        and len(bytes.fromhex(fit["held_out_hits"])) == -(-fit["held_out_size"] // 8)
        for fit in fits
    )


def is_outcome(outcome: dict[str, Any]) -> bool:
    """Whether an outcome, less its losses, is one: counts of images, at as many evaluations of either set."""
    curve, ends = outcome["curve"], [end for end in [outcome["final"]] if end is not None]
    train, val = curve["train_correct"], curve["val_correct"]
    return (
        outcome.keys() == {"status", "curve", "final"}
        and outcome["status"] == ("finished" if ends else "diverged")
        and curve.keys() == {"train_correct", "train_size", "val_correct", "val_size", "val_hits"}
        and all(end.keys() == {"val_correct", "val_size", "val_hits"} for end in ends)
        and all(type(part["val_hits"]) is str for part in [curve, *ends])
        and len(train) == len(val) >= len(ends)
        and _counts(train, curve["train_size"])
        and _counts(val, curve["val_size"])
        and all(_counts([end["val_correct"]], end["val_size"]) for end in ends)
    )


def _counts(correct: list[int], size: int) -> bool:
    whole = type(correct) is list and all(type(count) is int for count in [*correct, size])
    return whole and 0 < size <= 60_000 and all(0 <= count <= size for count in correct)
