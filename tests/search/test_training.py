"""What a problem's `train` gives to a trial: anything else is one line, before all trials have run."""

import random

import numpy as np
import pytest

from zdl import Error
from zdl.artifacts.encoding import decode_json, sealed_npz
from zdl.data.rows import Split
from zdl.nn.history import History
from zdl.search.trial import run, training

CLASSES = np.array(["a", "b"])
ROWS = Split(np.zeros((6, 2)), np.zeros(6, np.uint8), np.ones((4, 2)), np.ones(4, np.uint8), CLASSES)
NEEDED = "needed: probabilities of all classes, of shape (4, 2)"
SPEC = {"seed": [42, 0], "config": {"lr": 0.1}}


def even(x):
    return np.full((len(x), 2), 0.5)


def history(end="finish"):
    made = History(6, 4)
    made.evaluate([True] * 6, [False] * 4)
    if end:
        getattr(made, end)(*([[True] * 4] if end == "finish" else []))
    return made


def trained(result):
    split = sealed_npz(ROWS._asdict(), "s")
    return run(0, SPEC, train=lambda config, split, rng, say: result, split=split).record


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (None, "train: gives NoneType (needed: a History, and what answers rows)"),
        (history(), "train: gives History (needed: a History, and what answers rows)"),
        ((even, history()), "train: gives tuple (needed: a History, and what answers rows)"),
        ((history(""), even), "train: its history has no finish (needed: finish at the end, or diverge)"),
        (
            (history(), lambda x: even(x).argmax(axis=1)),
            f"train: its predictor gives the shape (4,) ({NEEDED})",
        ),
        (
            (history(), lambda x: 9 * even(x)),
            f"train: its predictor gives 4.5 to 4.5 ({NEEDED})",
        ),
    ],
)
def test_a_training_that_gives_something_else_is_one_line(result, line):
    with pytest.raises(Error) as error:
        trained(result)
    assert str(error.value) == line


def test_a_training_that_diverged_needs_no_answers():
    record = decode_json(trained((history("diverge"), lambda x: None)))
    assert record["outcome"]["status"] == "diverged" and record["outcome"]["final"] is None


def test_global_generators_are_seeded_as_well():
    draws = []

    def train(config, split, rng, say):
        draws.append((rng.random(), np.random.random(), random.random()))  # noqa: NPY002
        return history(), even

    for seed in (0, 0, 1):
        random.random()
        training({**SPEC, "seed": [42, seed]}, ROWS._asdict(), train)
    first, same, other = draws
    assert first == same and not {*first} & {*other}
