"""Replicates: the best trials trained again, with other random numbers, and scored on held-out rows.

The best of many trials owes part of its score to chance: its weights, its batches and its validation rows. A
replicate draws all three again. Its model is then scored on rows that no part of the search has seen. Its
digest covers all that determines its record, like that of any trial.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from zdl.artifacts.encoding import decode_npz
from zdl.data import preprocess
from zdl.data.rows import Split
from zdl.nn.history import Say
from zdl.search.checkpoint import encode
from zdl.search.distributions import distinct_key
from zdl.search.trial import Code, Train, TrainingOutput, Trial, describe, record, training


class Replicate(Trial):
    """Another training of a trial. Its record also describes the answers to the held-out rows."""

    entry = "zdl.search.replicates:run"

    def __init__(self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        super().__init__(number, point, spec)
        self.name = f"replicate-{self.key}"


def run(
    number: int,
    spec: Mapping[str, Any],
    *,
    train: Train,
    prepared: bytes,
    held_out: bytes,
    say: Say | None = None,
    start: bytes | None = None,
    checkpoint: str = "",
) -> TrainingOutput:
    """Train a trial on another split of the prepared rows.

    Returns the record of this replicate, and a checkpoint, as for a trial.
    """
    split = split_again(decode_npz(prepared), spec["split"])
    history, predictor = training(spec, split._asdict(), train, say, start)
    answers = None
    if history.status == "finished":
        rows = decode_npz(held_out)
        answers = history.describe_answers(predictor(rows["x"]), rows["t"], len(split.classes))
    outcome = {**describe(history), "held_out": answers}
    return TrainingOutput(record(number, spec, outcome), encode(history, checkpoint))


def splits(settings: Mapping[str, Any], prepared: str) -> list[dict[str, Any]]:
    """What determines the split of each replicate, in order.

    The r-th split is the same for every trial, so that trials can be compared in pairs. `prepared` is the
    digest of the rows that are split.
    """
    rate, replicate = settings["split"]["validation_rate"], settings["replicate"]
    others = [settings[section]["seed"] for section in ("split", "search")]
    keys = ([replicate["seed"], number] for number in range(1, replicate["replicates"] + 1))
    return [
        {"of": prepared, "validation_rate": rate, "seed": distinct_key(key, "split", *others)} for key in keys
    ]


def in_full(trial: Trial, epochs: int) -> Trial:
    """A trial that was stopped early, with all epochs."""
    config = {**trial.spec["config"], "epochs": epochs}
    return Trial(trial.number, trial.point, {**trial.spec, "config": config})


def replicates(
    trial: Trial, splits: Iterable[Mapping[str, Any]], held_out: str, code: Code
) -> list[Replicate]:
    """The replicates of `trial`, one on each of `splits`.

    `held_out` is the digest of the held-out rows, and `code` the fingerprint of `run`.
    """
    digest_of_code, libraries = code
    specs = (
        {
            **trial.spec,
            "seed": distinct_key(
                [split["seed"][0], trial.number, split["seed"][1]], "replicate", trial.spec["seed"][0]
            ),
            "split": split,
            "held_out": held_out,
            "code": digest_of_code,
            "libraries": dict(libraries),
        }
        for split in splits
    )
    return [Replicate(trial.number, trial.point, spec) for spec in specs]


def split_again(rows: Mapping[str, NDArray[Any]], split: Mapping[str, Any]) -> Split:
    """Another split of the prepared rows, as one of `splits` describes it."""
    return preprocess.split(rows, split["validation_rate"], split["seed"])
