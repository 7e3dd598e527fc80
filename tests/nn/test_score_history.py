"""The history of a training that is scored by another score than accuracy."""

import numpy as np
import pytest

from zdl import Error
from zdl.data.rows import Split
from zdl.data.scoring import DRAWS
from zdl.nn.score_history import ScoreHistory
from zdl.search.trial import describe

X, T = np.zeros((4, 2)), np.array([0, 0, 0, 1], np.uint8)
SPLIT = Split(X, T, X, T, np.array(["no", "yes"]))
SHARES = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
OF_NUMBERS = Split(X, T + 0.5, X, T + 0.5, np.array([], str))


def test_a_history_is_scores_of_answers():
    lines = []
    history = ScoreHistory("balanced_accuracy", SPLIT, lines.append)
    history.evaluate(np.eye(2)[T], SHARES)
    assert (history.epochs, history.status) == (1, "diverged")
    history.finish(1 - SHARES)
    outcome = describe(history)
    curve = outcome["curve"]
    drawn = curve.pop("val_redrawn")
    assert curve == {
        "score": "balanced_accuracy", "train": [1.0], "train_size": 4, "val": [0.8333], "val_size": 4,
    }  # fmt: skip
    assert len(drawn) == DRAWS and 0.5 < np.nanmean(np.array(drawn, float)) < 1
    assert outcome["final"] == {"val": 0.1667, "val_size": 4} and outcome["status"] == "finished"
    assert lines[0] == "=== epoch:1, train balanced accuracy:1.0, test balanced accuracy:0.8333 ==="


def test_answers_that_change_later_were_noted():
    """A training may write its next answers into the same array."""
    answers, history = SHARES.copy(), ScoreHistory("neg_brier_score", SPLIT)
    history.evaluate(answers, answers)
    answers[:] = 0.5
    history.finish(SHARES)
    assert abs(np.mean(describe(history)["curve"]["val_redrawn"]) - history.val_scores[0]) < 0.03


def test_numbers_are_scored_and_recorded_in_regression():
    history = ScoreHistory("r2", OF_NUMBERS)
    history.evaluate(OF_NUMBERS.t_train, OF_NUMBERS.t_val)
    history.finish(OF_NUMBERS.t_val)
    held_out = history.describe_answers(np.array([0.5, 0.5, 0.5, 1.23456789]), OF_NUMBERS.t_val, 0)
    assert held_out["answers"] == [0.5, 0.5, 0.5, 1.23457]
    assert held_out["score"] == pytest.approx(1 - 0.26543211**2 / 0.75, rel=1e-3)
    assert len(held_out["redrawn"]) == DRAWS


def test_a_trial_that_diverges_has_a_curve_and_no_end():
    history = ScoreHistory("r2", OF_NUMBERS)
    history.evaluate(OF_NUMBERS.t_train, OF_NUMBERS.t_val)
    history.diverge()
    outcome = describe(history)
    assert (outcome["status"], outcome["final"], outcome["curve"]["val"]) == ("diverged", None, [1.0])
    assert outcome["curve"]["val_redrawn"] == []


@pytest.mark.parametrize(
    ("score", "split", "answers", "text"),
    [
        ("f1", SPLIT, SHARES[:, 1], r"the shape \(4,\) \(needed: probabilities of all classes"),
        ("f1", SPLIT, SHARES * 3, "0.3 to 2.7"),
        ("f1", SPLIT, SHARES * np.nan, "nan to nan"),
        ("r2", OF_NUMBERS, SHARES, r"float64 of shape \(4, 2\) \(needed: numbers, of shape \(4,\)"),
        ("r2", OF_NUMBERS, [1, 2, 3, np.nan], "NaN or infinity"),
        ("r2", OF_NUMBERS, [1, 2, 3, np.inf], "NaN or infinity"),
        ("r2", OF_NUMBERS, ["1", "2", "3", "4"], "<U1 of shape"),
    ],
)
def test_what_are_no_answers_is_refused_in_one_line(score, split, answers, text):
    history = ScoreHistory(score, split)
    with pytest.raises(Error, match=f"^train: its history is given .*{text}") as error:
        history.evaluate(split.t_train if score == "r2" else SHARES, answers)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("score", "split", "text"),
    [
        ("accuracy", SPLIT, "needed: a History"),
        ("auc", SPLIT, "is none of scikit-learn's scorers"),
        ("roc_auc", SPLIT._replace(t_val=T * 0), "roc_auc: is nan"),
        ("f1", SPLIT._replace(t_val=np.array([0, 1, 2, 2]), classes=np.array(list("abc"))), "multiclass"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_anything_is_trained(score, split, text):
    with pytest.raises(Error, match=text):
        ScoreHistory(score, split)
