"""What a problem's `train` gives to a trial: anything else is one line, before all trials have run."""

import random

import numpy as np
import pytest

from zdl import Error
from zdl.artifacts.encoding import decode_json, digest, sealed_npz
from zdl.artifacts.schemas import is_record
from zdl.data.rows import Split
from zdl.nn.history import History
from zdl.nn.score_history import ScoreHistory
from zdl.search import rounds
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


def score_history(score="f1"):
    made = ScoreHistory(score, ROWS)
    made.evaluate(np.full((6, 2), 0.5), even(np.ones(4)))
    made.finish(even(np.ones(4)))
    return made


@pytest.mark.parametrize(
    ("score", "made", "line"),
    [
        ("f1", history, "is of accuracy (needed: ScoreHistory(SCORE, split, say) of f1, as SCORE says)"),
        (
            "f1",
            lambda: score_history("recall"),
            "is of recall (needed: ScoreHistory(SCORE, split, say) of f1",
        ),
        ("accuracy", score_history, "is of f1 (needed: a History, as SCORE says)"),
    ],
)
def test_a_history_of_another_score_than_the_problem_s_is_one_line(score, made, line):
    spec = {**SPEC, **({} if score == "accuracy" else {"score": score})}
    with pytest.raises(Error) as error:
        run(0, spec, train=lambda *given: (made(), even), split=sealed_npz(ROWS._asdict(), "s"))
    assert str(error.value).startswith(f"train: its history {line}")


def test_a_record_of_a_score_is_whole_and_one_without_its_draws_is_not():
    spec = {**SPEC, "score": "f1"}
    split = sealed_npz(ROWS._asdict(), "s")
    data = run(0, spec, train=lambda *given: (score_history(), even), split=split).record
    record = decode_json(data)
    assert is_record(record) and record["outcome"]["curve"]["val"] == [0.0]
    for key, value in (("val_redrawn", ["a"]), ("val", [0.5, 0.5]), ("val", [1]), ("val_size", 0)):
        curve = {**record["outcome"]["curve"], key: value}
        assert not is_record({**record, "outcome": {**record["outcome"], "curve": curve}}), key
    by_accuracy = {**record, "spec": SPEC, "digest": digest(SPEC)}
    assert not is_record(by_accuracy)


def test_a_sampler_learns_from_scores_and_not_from_how_bad_the_worst_are():
    def outcome(score, status="finished"):
        return {"status": status, "curve": {"score": "r2", "val": [score]}}

    good = [outcome(score) for score in (0.5, 0.45, 0.4, 0.35, 0.3)]
    outcomes = [*good, outcome(-1e9), outcome(0.9, "diverged")]
    seen = rounds.bounded(rounds.history([{}] * 7, outcomes), {"score": "r2"})
    assert [score for _, score in seen][:5] == [0.5, 0.45, 0.4, 0.35, 0.3]
    assert -2 < seen[5][1] < 0 and seen[6][1] is None


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
