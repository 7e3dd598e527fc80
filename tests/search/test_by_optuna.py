"""Optuna's samplers, asked and told in rounds."""

import math

import pytest

from tests.search.test_samplers import search
from zdl.search.samplers import sampler
from zdl.search.samplers.by_optuna import SETTINGS

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}


def score(point):
    """Best, at 1, in one place."""
    return 1 - abs(math.log10(point["lr"]) + 3) / 4 - abs(math.log10(point["weight_decay"]) + 7) / 4


def play(method, rounds, scored=score, **settings):
    searched, seen = sampler(search(method, space=SPACE, batch=8, trials=80, **settings)), []
    for _ in range(rounds):
        seen += [(point, scored(point)) for point, _ in searched.propose(seen, 8)]
    return seen


@pytest.mark.parametrize("method", SETTINGS)
def test_it_comes_nearer_to_the_best_than_the_random_search(method):
    ends = [max(value for _, value in play(method, 6, seed=seed)[-8:]) for seed in range(5)]
    starts = [max(value for _, value in play("random", 6, seed=seed)[-8:]) for seed in range(5)]
    assert sum(ends) > sum(starts)


@pytest.mark.parametrize("method", SETTINGS)
def test_it_begins_as_the_random_search_and_then_follows_the_scores(method):
    assert play(method, 1) == play("random", 1)
    assert play(method, 2)[:8] == play(method, 1) and play(method, 2) == play(method, 2)
    other = play(method, 3, lambda point: -score(point))
    assert [point for point, _ in other] != [point for point, _ in play(method, 3)]


@pytest.mark.parametrize("method", SETTINGS)
def test_a_point_has_few_digits_and_lies_in_the_space(method):
    for point, _ in play(method, 4)[8:]:
        for name, value in point.items():
            assert value == float(f"{value:.6g}") and SPACE[name]["low"] <= value <= SPACE[name]["high"]


@pytest.mark.parametrize("method", SETTINGS)
@pytest.mark.parametrize(
    "scored", [lambda point: None, lambda point: score(point) if point["lr"] < 1e-4 else None]
)
def test_trials_that_diverged_are_told_as_the_worst(method, scored):
    assert len(play(method, 4, scored)) == 32


def test_what_diverges_is_left():
    points = play("tpe", 9, lambda point: score(point) if point["lr"] < 1e-4 else None)[-24:]
    assert sum(point["lr"] < 1e-4 for point, _ in points) > 12


def test_a_round_has_no_point_outside_of_the_space():
    searched = sampler(search("tpe", space=SPACE))
    with pytest.raises(ValueError, match=r"lr cannot be 0\.5"):
        searched.planned(1, 0, {"lr": 0.5, "weight_decay": 1e-6})
    with pytest.raises(KeyError):
        searched.planned(1, 0, {"momentum": 0.5})
