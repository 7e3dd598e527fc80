"""Random search is uniform inside each range, and stable under edits of everything else."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.analysis.test_significance import DECAY, LR
from zdl.config.hyperparameters import plain
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.samplers.random import Random, draw

DECLARED = plain(HYPERPARAMETERS)
BATCH = {"distribution": "int_uniform", "low": 10, "high": 100}
OPTIMIZER = {"distribution": "choice", "options": ["sgd", "adam", "adagrad"]}
SPACE = {"lr": LR, "weight_decay": DECAY, "batch_size": BATCH, "optimizer": OPTIMIZER}
PINNED = [
    {"lr": 1.40173698661e-05, "weight_decay": 1.27250261267e-07, "batch_size": 64, "optimizer": "adam"},
    {"lr": 1.02280044388e-05, "weight_decay": 3.18133682193e-08, "batch_size": 58, "optimizer": "sgd"},
    {"lr": 2.13411774844e-05, "weight_decay": 1.47899976703e-07, "batch_size": 85, "optimizer": "sgd"},
]


def points(space, seed, trials):
    return [
        point
        for point, _ in Random({"space": space, "seed": seed, "hyperparameters": DECLARED}).propose(
            (), trials
        )
    ]


def column(name, spec, trials=1000, seed=42):
    return [draw(name, spec, seed, trial, DECLARED[name]["sampling"]) for trial in range(trials)]


def test_the_points_are_these_on_every_machine():
    # Computed once and written down: if they change, so does every committed search.
    assert points(SPACE, seed=42, trials=3) == PINNED


@pytest.mark.parametrize(
    ("name", "spec", "share"),
    [
        ("lr", LR, lambda v: np.log10(v) / 4 + 1.5),
        ("momentum", {"distribution": "uniform", "low": 0.5, "high": 0.9}, lambda v: (v - 0.5) / 0.4),
        ("lr", {"distribution": "uniform", "low": 0.0, "high": 0.01}, lambda v: v / 0.01),
    ],
)
def test_values_are_uniform_inside_the_range(name, spec, share):
    shares = share(np.array(column(name, spec)))
    assert (shares >= 0).all() and (shares <= 1).all()
    assert stats.kstest(shares, "uniform").pvalue > 0.01


def test_whole_numbers_are_uniform_with_both_ends():
    counts = np.bincount(column("hidden_depth", {"distribution": "int_uniform", "low": 2, "high": 6}))
    assert counts[:2].sum() == 0 and len(counts) == 7
    assert stats.chisquare(counts[2:]).pvalue > 0.01


def test_options_are_equally_likely():
    drawn = column("optimizer", OPTIMIZER)
    assert stats.chisquare([drawn.count(option) for option in OPTIMIZER["options"]]).pvalue > 0.01


def test_hyper_parameters_and_seeds_are_independent():
    lr, decay, other = column("lr", LR), column("weight_decay", DECAY), column("lr", LR, seed=43)
    assert abs(stats.spearmanr(lr, decay).statistic) < 0.08
    assert abs(stats.spearmanr(lr, other).statistic) < 0.08


def test_another_hyper_parameter_leaves_the_values_of_the_others():
    fewer = {"lr": LR, "optimizer": OPTIMIZER}
    shared = [{name: point[name] for name in fewer} for point in points(SPACE, 42, 50)]
    assert shared == points(fewer, 42, 50)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1e-4, 1e-2, 1 / 2), (1e-5, 1e-1, 3 / 5), (1e-7, 1e-2, 4 / 5), (1e-2, 1e1, 0)],
)
def test_an_edited_range_keeps_intersection_over_union(low, high, expected):
    before, after = column("lr", LR), column("lr", {**LR, "low": low, "high": high})
    common = [a for a, b in zip(before, after, strict=True) if a == b]
    assert len(common) / 1000 == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 1000))
    if low >= LR["low"] and high <= LR["high"]:  # narrowed: every value still inside stays
        assert common == [a for a in before if low <= a <= high]


def test_a_new_option_moves_only_the_trials_that_choose_it():
    before = column("optimizer", OPTIMIZER)
    after = column("optimizer", {**OPTIMIZER, "options": ["rmsprop", *reversed(OPTIMIZER["options"])]})
    assert {b for a, b in zip(before, after, strict=True) if a != b} == {"rmsprop"}
