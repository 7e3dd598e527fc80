"""Grids: their values, their order, and what an edit leaves as it was."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.search.test_samplers import DECLARED, SPLIT, settings  # noqa: F401, a fixture
from tests.search.test_trial_config import ranges
from zdl.config.hyperparameters import unused
from zdl.nn.optimizers import OPTIMIZERS
from zdl.search import plan
from zdl.search.samplers.grid import Grid, values

BOOK = {
    "lr": {"distribution": "choice", "options": [0.1, 0.01, 0.001]},
    "batch_size": {"distribution": "choice", "options": [10, 100, 1000]},
}


def choices(**options):
    return {name: {"distribution": "choice", "options": list(each)} for name, each in options.items()}


def grid(space):
    return [
        tuple(point.values())
        for point, _ in Grid({"space": space, "hyperparameters": DECLARED}).propose((), 10**6)
    ]


def names(settings, space):  # noqa: F811
    search = {"method": "grid", "trials": 10**6, "seed": 42, "space": space, "hyperparameters": DECLARED}
    return {
        frozenset(trial.point.items()): trial.name
        for trial in plan.trials(settings | {"search": search}, SPLIT)
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (("log_uniform", 1e-6, 1e-2, 5), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]),
        (("log_uniform", 3e-7, 1e-2, 4), [3e-7, 9.65489384606e-6, 3.10723250595e-4, 1e-2]),
        (("log_uniform", 1e-3, 1e-2, 2), [1e-3, 1e-2]),
        (("uniform", 0.5, 0.9, 5), [0.5, 0.6, 0.7, 0.8, 0.9]),
        (("uniform", 0.0, 1.0, 4), [0.0, 0.333333333333, 0.666666666667, 1.0]),
        (("int_uniform", 1, 6, 6), [1, 2, 3, 4, 5, 6]),
        (("int_uniform", 10, 101, 4), [10, 40, 71, 101]),
        (("int_uniform", 1, 4, 3), [1, 3, 4]),
    ],
)
def test_values_by_hand(spec, expected):
    spaced = values(dict(zip(("distribution", "low", "high", "points"), spec, strict=True)))
    assert spaced == expected
    assert [type(value) for value in spaced] == [type(value) for value in expected]


@effort(max_examples=60, deadline=None)
@given(ranges, st.integers(2, 60))
def test_values_rise_from_end_to_end(searched, points):
    _, spec = searched
    if spec["distribution"] == "int_uniform":
        points = min(points, spec["high"] - spec["low"] + 1)
    else:
        assume(spec["high"] > 1e-16 and spec["low"] < 0.99 * spec["high"])  # others are refused
    spaced = values({**spec, "points": points})
    assert len(spaced) == points and (spaced[0], spaced[-1]) == (spec["low"], spec["high"])
    assert all(a < b for a, b in itertools.pairwise(spaced))
    assert all(value == float(f"{value:.12g}") for value in spaced[1:-1])


@given(st.integers(2, 30))
def test_twice_as_fine_a_grid_has_the_coarse_one_in_it(points):
    spec = {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2}
    assert set(values({**spec, "points": points})) <= set(values({**spec, "points": 2 * points - 1}))


def test_points_come_in_the_order_of_nested_loops():
    assert grid(BOOK) == [(lr, size) for lr in (0.1, 0.01, 0.001) for size in (10, 100, 1000)]


def test_what_an_optimizer_does_not_use_makes_no_further_trials():
    space = choices(momentum=[0.5, 0.9], lr=[0.1], optimizer=["sgd", "nesterov"], beta1=[0.9, 0.99, 0.999])
    assert grid(space) == [(0.1, "sgd"), (0.5, 0.1, "nesterov"), (0.9, 0.1, "nesterov")]


OPTIONS = {
    "lr": [0.1, 0.2, 0.3, 0.4],
    "momentum": [0.5, 0.6, 0.7],
    "optimizer": list(OPTIMIZERS),
    "beta1": [0.8, 0.9],
    "batch_size": [1, 2, 3, 4, 5],
}


def space_of(names):
    """Spaces of these hyper-parameters, each with some of its options, in any order."""
    some = {name: st.lists(st.sampled_from(OPTIONS[name]), min_size=1, unique=True) for name in sorted(names)}
    return st.fixed_dictionaries(some).map(lambda options: choices(**options))


some_names = st.lists(st.sampled_from(list(OPTIONS)), min_size=1, unique=True)


@given(some_names.flatmap(space_of))
def test_size_counts_the_points_and_every_point_is_there_once(space):
    sampler = Grid({"space": space, "hyperparameters": DECLARED})
    points = [point for point, _ in sampler.propose((), 10**6)]
    assert sampler.size == len(points)
    axes = [spec["options"] for spec in space.values()]
    expected = []
    for combined in itertools.product(*axes):
        point = dict(zip(space, combined, strict=True))
        if "optimizer" in point:
            terms = unused(DECLARED, {"optimizer": [point["optimizer"]]})
            point = {name: value for name, value in point.items() if name not in terms}
        if point not in expected:
            expected.append(point)
    assert len(points) == len(expected) and all(point in points for point in expected)


def test_size_of_a_huge_grid_needs_no_list():
    space = {
        name: {"distribution": "int_uniform", "low": 1, "high": 8192, "points": 1000} for name in "abcdefg"
    }
    sampler = Grid({"space": space, "hyperparameters": DECLARED})
    assert sampler.size == 10**21
    assert len(sampler.propose((), 5)) == 5


@effort(max_examples=40)
@given(some_names.flatmap(lambda names: st.tuples(*[space_of({"optimizer", *names})] * 2)))
def test_points_in_both_grids_keep_their_trials_in_any_order(settings, spaces):  # noqa: F811
    old, new = (names(settings, space) for space in spaces)
    assert all(old[point] == new[point] for point in old.keys() & new.keys())
    assert names(settings, dict(reversed(spaces[0].items()))) == old
