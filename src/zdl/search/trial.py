"""One trial: what determines it, its training, and its record.

A trial's digest covers its seeds, its hyper-parameters, the split it trains on, and the fingerprint of `run`.
So a record under that digest is valid, no matter where and when it was written. Each process runs only a few
trials, so this module imports little, to start quickly.
"""

import random
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.encoding import decode_npz, digest, sealed_json
from zdl.data.answers import Predictor
from zdl.data.rows import Split
from zdl.data.scores import ACCURACY, Score
from zdl.nn.history import History, Say
from zdl.search.checkpoint import decode, encode

Code = tuple[str, Mapping[str, str]]  # a fingerprint: the digest of code, and the versions of libraries
Train = Callable[..., tuple[History, Predictor]]  # as `zdl.problems` describes it

FEW = 8  # number of rows for the first check of a predictor


class TrainingOutput(NamedTuple):
    """The record of a training, and a checkpoint if the training can continue from it."""

    record: bytes
    checkpoint: bytes | None


class Trial:
    """A trial of the plan: `point` holds the values chosen for it, `spec` all that determines its record.

    Its `key` follows from its number and spec. So does its `name`, unless that was given before the point was
    known (`zdl.search.rounds`).
    """

    entry = "zdl.search.trial:run"  # this function makes its record, with the problem's `train`

    def __init__(
        self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any], name: str | None = None
    ) -> None:
        self.number, self.point, self.spec = number, point, spec
        self.name = name or self.key

    @cached_property
    def digest(self) -> str:
        return digest(self.spec)

    @property
    def key(self) -> str:
        return f"{self.number:04d}-{self.digest[:12]}"


def trial_spec(
    seed: list[int],
    config: Mapping[str, Any],
    split: str,
    train: str,
    code: Code,
    *,
    score: str = ACCURACY,
) -> dict[str, Any]:
    """All that determines a trial's record.

    seed    the key of its weights and batches
    config  its hyper-parameters
    split   the digest of the rows it trains on
    train   the name of the function that trains
    code    the fingerprint of that function and of `run`
    score   the name of the score; the spec omits it if it is accuracy
    """
    digest_of_code, libraries = code
    return {
        "seed": seed,
        "config": config,
        "split": split,
        "train": train,
        "code": digest_of_code,
        "libraries": dict(libraries),
        **({} if score == ACCURACY else {"score": score}),
    }


def run(
    number: int,
    spec: Mapping[str, Any],
    *,
    train: Train,
    split: bytes,
    say: Say | None = None,
    start: bytes | None = None,
    checkpoint: str = "",
) -> TrainingOutput:
    """Train a trial. Returns its record and, if the training can continue later, its checkpoint.

    `checkpoint` is the digest of that checkpoint. `start` is an earlier one to continue from; it does not
    change the record. `say` is called with each line that the book prints.
    """
    rows = decode_npz(split)
    history, predictor = training(spec, rows, train, say, start)
    if history.status == "finished":  # report a wrong predictor before all trials have run
        x = rows["x_val"][:FEW]
        history.check_answers(predictor(x), len(x), len(rows["classes"]))
    return TrainingOutput(record(number, spec, describe(history)), encode(history, checkpoint))


def training(
    spec: Mapping[str, Any],
    split: Mapping[str, NDArray[Any]],
    train: Train,
    say: Say | None = None,
    start: bytes | None = None,
) -> tuple[History, Predictor]:
    """Train a trial on `split`. Returns the history of the training, and the predictor.

    `train` must take every random draw from the generator that it is given. Some libraries have global
    generators, so these are seeded as well. Raises `Error` if `train` returns something else.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(spec["seed"])))
    state = int(digest(spec["seed"])[:8], 16)
    random.seed(state)
    np.random.seed(state)  # noqa: NPY002
    more = {"start": decode(start)} if start else {}
    result = train(dict(spec["config"]), Split(**split), rng, say or (lambda line: None), **more)
    history, predictor = result if isinstance(result, tuple) and len(result) == 2 else (None, None)
    if not isinstance(history, History) or not callable(predictor):
        raise Error(f"train: gives {type(result).__name__} (needed: a History, and what answers rows)")
    if history.status == "diverged" and not history.diverged:
        raise Error("train: its history has no finish (needed: finish at the end, or diverge)")
    if history.score != (score := Score.of(spec).name):
        needed = "a History" if Score(score).counts else f"ScoreHistory(SCORE, split, say) of {score}"
        raise Error(f"train: its history is of {history.score} (needed: {needed}, as SCORE says)")
    return history, predictor


def record(number: int, spec: Mapping[str, Any], outcome: Mapping[str, Any]) -> bytes:
    """The record of a trial, as a sealed file."""
    contents = {"trial": number, "spec": spec, "result": digest(outcome), "outcome": outcome}
    return sealed_json({"digest": digest(spec), **contents})


def describe(history: History) -> dict[str, Any]:
    """The outcome of a trial in numbers that are the same on every machine.

    These are counts of rows, or scores to 4 significant digits, and losses to 4 significant digits. (The last
    bits of a matrix product differ between processors.)
    """
    losses = [float(f"{loss:.4g}") for loss in history.loss if np.isfinite(loss)]
    return {"status": history.status, **history.points(), "loss": losses}
