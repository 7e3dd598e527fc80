"""Scores other than accuracy: their names, values worked out by hand, and rows that are drawn again."""

import math

import numpy as np
import pytest
from sklearn.metrics import get_scorer_names

from zdl import Error
from zdl.data import scores
from zdl.data.scores import Score, score_error
from zdl.data.scoring import DRAWS, redrawn, scored

T = np.array([0, 0, 0, 1], np.uint8)
SHARES = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])  # the second row is taken for a 1
NUMBERS = np.array([1.0, 2.0, 3.0, 6.0])
BY_HAND = {
    "balanced_accuracy": (2 / 3 + 1) / 2,
    "f1": 2 / 3,
    "f1_macro": (4 / 5 + 2 / 3) / 2,
    "recall": 1.0,
    "precision": 0.5,
    "roc_auc": 1.0,  # the 1 has a greater probability than each 0
    "average_precision": 1.0,
    "neg_log_loss": (math.log(0.9) + math.log(0.4) + math.log(0.8) + math.log(0.7)) / 4,
    "neg_brier_score": -(0.1**2 + 0.6**2 + 0.2**2 + 0.3**2) / 4,
}
OF_NUMBERS = {  # answers 2 2 3 5: errors 1 0 0 -1; labels of mean 3 and squares 4 1 0 9
    "r2": 1 - 2 / 14,
    "neg_mean_absolute_error": -0.5,
    "neg_root_mean_squared_error": -math.sqrt(0.5),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_score_of_classes_is_that_of_scikit_learns_scorer(name):
    assert scored(Score(name), SHARES, T) == pytest.approx(BY_HAND[name], rel=5e-4)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_score_of_numbers_is_that_of_scikit_learns_scorer(name):
    answers = np.array([2.0, 2.0, 3.0, 5.0])
    assert scored(Score(name), answers, NUMBERS) == pytest.approx(OF_NUMBERS[name], rel=5e-4)


def test_the_last_bits_of_answers_change_no_score():
    """Two rows that a network takes for the same, but for rounding, are a tie on every machine."""
    tied = np.array([[0.5, 0.5], [0.4, 0.6], [0.8, 0.2], [0.5, 0.5]])
    apart = tied + np.array([[0, 1e-12], [0, 0], [0, 0], [0, -1e-12]])
    assert scored(Score("roc_auc"), tied, T) == scored(Score("roc_auc"), apart, T) == 0.5
    assert scored(Score("r2"), np.array([1e200, 2, 3, 6]), NUMBERS) < -1e50, "float32 does not overflow"


def test_every_name_is_scikit_learns_and_none_is_missing_without_a_reason():
    others = set(get_scorer_names()) - set(scores.NAMES)
    clusterings = {name for name in others if name.endswith("_score")}
    assert set(scores.NAMES) < set(get_scorer_names())
    assert others - clusterings - {name for name in others if name.endswith("_samples")} == {
        "positive_likelihood_ratio", "neg_negative_likelihood_ratio", "neg_max_error",
    }  # fmt: skip
    t, shares = np.array([0, 1, 1, 0] * 5), np.tile([[0.8, 0.2], [0.1, 0.9], [0.6, 0.4], [0.7, 0.3]], (5, 1))
    for name in scores.NAMES:
        score = Score(name)
        low, high = score.limits
        answers, labels = (shares[:, 1] + 1, t + 1.0) if score.regression else (shares, t)
        assert low <= scored(score, answers, labels) <= high, name
        best = labels if score.regression else np.eye(2)[t]
        assert scored(score, best, labels) == pytest.approx(high), name


@pytest.mark.parametrize("name", ["balanced_acuracy", "rand_score", "f1_samples", 3, None])
def test_a_name_that_is_none_is_refused_in_one_line(name):
    text = score_error(name)
    assert text.startswith(f"SCORE: {name!r} is none") and "\n" not in text
    assert ("balanced_accuracy" in text) or name != "balanced_acuracy"


@pytest.mark.parametrize(
    ("name", "answers", "t", "text"),
    [
        ("f1", np.eye(3), np.array([0, 1, 2]), "f1: Target is multiclass"),
        ("roc_auc", SHARES, T * 0, "roc_auc: is nan for these rows"),
        ("neg_mean_squared_log_error", -NUMBERS, NUMBERS, "neg_mean_squared_log_error: "),
    ],
    ids=["three classes", "one class", "below 0"],
)
def test_what_a_scorer_cannot_score_is_one_line(name, answers, t, text):
    with pytest.raises(Error) as error:
        scored(Score(name), answers, t)
    assert str(error.value).startswith(text) and "\n" not in str(error.value)


def test_rows_drawn_again_scatter_as_a_mean_does():
    """The standard error of a mean of errors is their deviation over the root of their number."""
    errors = np.random.default_rng(1).exponential(size=400)
    drawn = np.array(redrawn(Score("neg_mean_absolute_error"), errors, np.zeros(400)))
    assert len(drawn) == DRAWS and len(set(drawn.tolist())) > 100
    assert drawn.std() == pytest.approx(errors.std() / 20, rel=0.1)
    assert drawn.mean() == pytest.approx(-errors.mean(), abs=0.01)
    again = redrawn(Score("neg_mean_absolute_error"), errors, np.zeros(400))
    assert again == drawn.tolist(), "the samples depend on the number of rows alone"


def test_a_sample_without_a_class_has_no_score():
    drawn = redrawn(Score("roc_auc"), SHARES, T)
    assert 0.2 < sum(each is None for each in drawn) / DRAWS < 0.45  # (3/4)**4, and a bit: 0.32
    assert {each for each in drawn if each is not None} == {1.0}


def test_scores_far_below_the_others_are_cut_but_none_of_a_share():
    good = [0.45, 0.44, 0.43, 0.41, 0.4, 0.3, 0.2]
    floor = Score("r2").floor([*good, -1e9, -0.5])
    assert -0.5 < floor < 0.2
    assert Score("r2").floor(good) < min(good) and Score("r2").floor([]) == -math.inf
    assert Score("f1").floor([*good, 0.0]) == 0.0 and Score().ends([0.3]) == (0.0, 1.0)
    low, high = Score("r2").ends([*good, -1e9, math.nan])
    assert -0.5 < low < 0.2 and 0.45 < high < 0.6
    assert Score("neg_mean_absolute_error").ends([-50.0, -50.0]) == (-75.0, -25.0)
