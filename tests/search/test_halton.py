"""The scrambled Halton sequence is SciPy's, more even than random points, and stable under edits."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from scipy.stats import qmc
from scipy.stats._qmc import van_der_corput

from tests.search.test_random import DECAY, LR, OPTIMIZER
from tests.search.test_samplers import DECLARED
from tests.search.test_trial_config import ranges
from zdl.config.checks import MOST_OF_HALTON
from zdl.search.samplers import halton
from zdl.search.samplers.halton import PRIMES, Axis, Halton

BATCH = {"distribution": "int_uniform", "low": 10, "high": 200}
BOOK = {"lr": LR, "weight_decay": DECAY}
SPACE = {**BOOK, "batch_size": BATCH, "optimizer": OPTIMIZER}
PINNED = [
    {"lr": 1.48793880482e-06, "weight_decay": 4.46070067545e-06, "batch_size": 115, "optimizer": "sgd"},
    {"lr": 0.000246226657788, "weight_decay": 1.34320122496e-06, "batch_size": 167, "optimizer": "sgd"},
    {"lr": 3.34308616389e-06, "weight_decay": 2.67130583227e-05, "batch_size": 44, "optimizer": "adagrad"},
]


def points(space, seed=42, trials=100, declared=DECLARED):
    return [
        point
        for point, _ in Halton({"space": space, "seed": seed, "hyperparameters": declared}).propose(
            (), trials
        )
    ]


def unit(space, *args):
    """Points as shares of their ranges, (trials, dimensions)."""
    columns = []
    for name, spec in space.items():
        values = np.array([point[name] for point in points(space, *args)], dtype=float)
        low, high = spec["low"], spec["high"]
        if spec["distribution"] == "log_uniform":
            values, low, high = np.log10(values), np.log10(low), np.log10(high)
        columns.append((values - low) / (high - low))
    return np.stack(columns, axis=1)


def test_the_points_are_these_on_every_machine():
    # Computed once and written down: if they change, so does every committed search.
    assert points(SPACE, trials=3) == PINNED


@pytest.mark.parametrize("base", PRIMES)
def test_given_the_same_permutations_the_sequence_is_scipy_s(base):
    axis = Axis("lr", LR, base, 7, DECLARED["lr"]["sampling"])
    depth = len(axis.permutations)
    ours = [axis.cell(n, depth) / base**depth for n in range(200)]
    theirs = van_der_corput(200, base, scramble=True, permutations=axis.permutations)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-15)
    assert max(ours) < 1


@effort(max_examples=60)
@given(st.lists(ranges, min_size=1, max_size=3, unique_by=lambda each: each[0]), st.integers(0, 2**32))
def test_the_sieve_finds_what_trying_every_point_finds(space, seed):
    axes = Halton({"space": dict(space), "seed": seed, "hyperparameters": DECLARED}).axes
    assume(np.prod([axis.high - axis.low for axis in axes]) > 1e-3)

    def inside(n):
        return all(axis.value(n) is not None for axis in axes)

    expected = {n: None for n in range(2000) if inside(n)}
    for wanted in (0, 1, 10, 1000):
        sieved = itertools.takewhile(lambda n: n < 2000, halton.candidates(axes, wanted))
        assert [n for n in sieved if n in expected] == list(expected)


@pytest.mark.parametrize("more", [0, 2, MOST_OF_HALTON - len(DECLARED)])
def test_as_many_hyper_parameters_as_there_are_are_no_trouble(more):
    declared = DECLARED | {f"gain{k}": {"sampling": {"uniform": [0.0, 1.0]}, "when": {}} for k in range(more)}
    space = dict.fromkeys(declared, OPTIMIZER)
    assert all(point.keys() == declared.keys() for point in points(space, declared=declared))


@pytest.mark.parametrize(
    "space",
    [
        BOOK,
        {**BOOK, "lr": {"distribution": "log_uniform", "low": 3e-4, "high": 7e-2}},
        {**BOOK, "momentum": {"distribution": "uniform", "low": 0.5, "high": 0.95}},
    ],
    ids=["default", "askew", "three"],
)
def test_points_are_more_even_than_random_ones(space):
    def discrepancy(sample):
        return qmc.discrepancy(sample, method="L2-star")

    ours = np.median([discrepancy(unit(space, seed)) for seed in range(10)])
    shape = (100, len(space))
    random = np.median([discrepancy(np.random.default_rng(seed).random(shape)) for seed in range(10)])
    stretched = np.median([discrepancy(qmc.Halton(shape[1], rng=seed).random(100)) for seed in range(10)])
    assert ours < 0.6 * random
    assert ours < 2 * stretched


def test_options_come_equally_often():
    chosen = [point["optimizer"] for point in points(SPACE, trials=99)]
    assert all(26 <= chosen.count(option) <= 40 for option in OPTIMIZER["options"])


@pytest.mark.parametrize(
    ("low", "high", "least"), [(1e-4, 1e-2, 40), (1e-5, 1e-1, 65), (1e-7, 1e-1, 55), (1e-2, 1e1, 0)]
)
def test_an_edited_range_keeps_what_lies_in_both(low, high, least):
    before = points(BOOK)
    after = points({**BOOK, "lr": {**LR, "low": low, "high": high}})
    common = [point for point in before if point in after]
    assert len(common) >= least
    if low >= LR["low"] and high <= LR["high"]:  # narrowed: every point still inside stays
        assert common == [point for point in before if low <= point["lr"] <= high]
    assert common == [point for point in after if point in before]


def test_the_order_of_the_space_does_not_matter():
    turned = dict(reversed(SPACE.items()))
    assert points(turned) == points(SPACE)
    assert list(points(turned)[0]) == list(turned)
