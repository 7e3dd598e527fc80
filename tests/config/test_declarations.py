"""Declarations of hyper-parameters: their short forms, and what plays a part when others decide about it."""

import itertools

import pytest

from zdl.config.hyperparameters import Setting, choice, plain, real, unused, whole
from zdl.config.space import grid_parts, grid_size, resolve, shared
from zdl.search.samplers.bayes import Bayes
from zdl.search.samplers.grid import Grid

CHAIN = plain(
    {
        "lr": real(0.0, 1.0),
        "kind": choice("linear", "net"),
        "size": Setting(("", ""), ("", ""), number=int),  # which no search draws
        "solver": choice("sgd", "adam", when={"kind": ["net"]}),
        "beta": real(0.0, 1.0, when={"solver": ["adam"]}),
        "depth": whole(1, 3, when={"kind": ["net"], "solver": ["sgd"]}),
    }
)
FIXED = {"lr": 0.1, "kind": "net", "size": 5, "solver": "adam", "beta": 0.9, "depth": 2}


def test_short_forms_declare_bounds_and_draws():
    assert CHAIN.keys() == FIXED.keys() - {"size"} and next(iter(CHAIN)) == "lr"
    assert CHAIN["lr"] == {"sampling": {"uniform": [0.0, 1.0]}, "when": {}}
    assert CHAIN["depth"]["sampling"] == {"int_uniform": [1, 3]}
    assert CHAIN["depth"]["when"] == {"kind": ["net"], "solver": ["sgd"]}
    assert CHAIN["kind"]["sampling"] == {}
    rate = real(1e-4, 1.0, log=True, title="Rate", description=("a rate", "率"), section="model")
    assert rate.sampling == {"log_uniform": (1e-4, 1.0)}
    assert (rate.number, rate.bounds) == (float, {"ge": 1e-4, "le": 1.0})
    assert (rate.title, rate.description, rate.section) == (("Rate", "Rate"), ("a rate", "率"), "model")
    assert (whole(1, 3).number, whole(1, 3).bounds) == (int, {"ge": 1, "le": 3})
    assert (choice("a", "b").names, choice("a", "b").number) == (("a", "b"), None)


@pytest.mark.parametrize(
    ("values", "idle"),
    [
        ({"kind": ["linear"]}, {"solver", "beta", "depth"}),  # and what hangs on the solver, too
        ({"kind": ["linear"], "solver": ["adam"]}, {"solver", "beta", "depth"}),
        ({"kind": ["net"]}, set()),  # of the solver nothing is known
        ({"kind": ["net"], "solver": ["sgd"]}, {"beta"}),
        ({"kind": ["net"], "solver": ["adam"]}, {"depth"}),  # both of its conditions have to hold
        ({"kind": ["linear", "net"], "solver": ["sgd", "adam"]}, set()),
        ({}, set()),
    ],
)
def test_what_plays_no_part_takes_others_with_it(values, idle):
    assert unused(CHAIN, values) == idle


def searched(**space):
    """Settings of a search of these options and ranges."""
    specs = {
        name: {"distribution": "uniform", "low": spec[0], "high": spec[1], "points": 2}
        if isinstance(spec, tuple)
        else {"distribution": "choice", "options": spec}
        for name, spec in space.items()
    }
    search = {"space": specs, "seed": 1, "batch": 8, "hyperparameters": CHAIN}
    return {"problem": "mine", "split": {"seed": 1}, "training": FIXED, "search": search}


def test_a_trial_has_only_what_plays_a_part():
    settings = searched(kind=["linear", "net"])
    assert resolve(settings, {"kind": "linear"}) == {"lr": 0.1, "kind": "linear", "size": 5}
    without_depth = {name: value for name, value in FIXED.items() if name != "depth"}
    assert resolve(settings, {"kind": "net"}) == without_depth
    assert resolve(settings, {"kind": "net", "solver": "sgd"}) == {
        **{name: value for name, value in FIXED.items() if name != "beta"},
        "solver": "sgd",
    }


def test_trials_share_what_is_fixed_and_plays_a_part_in_some():
    assert shared(searched(lr=(0.0, 1.0))) == {"kind": "net", "size": 5, "solver": "adam", "beta": 0.9}
    assert shared(searched(kind=["linear"])) == {"lr": 0.1, "size": 5}
    both = searched(kind=["linear", "net"], solver=["sgd", "adam"])
    assert shared(both) == {"lr": 0.1, "size": 5, "beta": 0.9, "depth": 2}


AXES = {"beta": [0.5, 0.9], "solver": ["sgd", "adam"], "kind": ["linear", "net"], "depth": [1, 2, 3]}


def test_the_parts_of_a_grid_follow_a_chain():
    parts = list(grid_parts(AXES, CHAIN))
    assert len(parts) == 3 and {"kind": ["linear"]} in parts
    assert {"kind": ["net"], "solver": ["sgd"], "depth": [1, 2, 3]} in parts
    assert {"kind": ["net"], "solver": ["adam"], "beta": [0.5, 0.9]} in parts
    assert grid_size(AXES, CHAIN) == 1 + 3 + 2


@pytest.mark.parametrize("order", [*itertools.permutations(AXES)])
def test_a_grid_has_a_point_for_each_different_trial(order):
    settings = searched(**{name: AXES[name] for name in order})
    grid = Grid(settings["search"])
    points = [point for point, _ in grid.propose((), 99)]
    configs = [
        resolve(settings, dict(zip(AXES, each, strict=True))) for each in itertools.product(*AXES.values())
    ]
    expected = {tuple(sorted((name, config[name]) for name in AXES.keys() & config)) for config in configs}
    assert {tuple(sorted(point.items())) for point in points} == expected
    assert len(points) == grid.size == len(expected) == 6


@pytest.mark.parametrize("middle", [{"solver": ["adam", "sgd"]}, {"solver": ["adam"]}, {}])
def test_a_bayesian_search_leaves_out_what_hangs_on_what_plays_no_part(middle):
    """Also if what is in between is not searched: it is adam here. The linear ones score best."""
    settings = searched(lr=(0.0, 1.0), kind=["linear", "net"], beta=(0.0, 1.0), **middle)
    history = []
    for _ in range(3):
        points = [point for point, _ in Bayes(settings["search"]).propose(history, 8)]
        played = [{name: point[name] for name in point.keys() & resolve(settings, point)} for point in points]
        assert not history or points == played  # the first round is the random search's
        history += [(point, (point["kind"] == "linear") + point["lr"]) for point in played]
    assert any("beta" not in point for point, _ in history[8:])
    assert any("beta" in point for point, _ in history)
