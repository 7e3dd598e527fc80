"""The Bayesian search: better than chance, for any scores, with the same points on every machine."""

import itertools
import json
import math
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import RBF

from tests.config.test_settings import ROOT
from tests.everywhere import KERNELS, PROBE
from tests.search.test_samplers import DECLARED
from tests.search.test_samplers import SPACE as MIXED
from zdl.analysis.surrogate import surface
from zdl.nn.optimizers import hyperparameters
from zdl.search.samplers.bayes import Bayes, first_best, most_promising
from zdl.search.samplers.gaussian_process import expected_improvement, fit, posterior, standard
from zdl.search.samplers.random import Random


def uniform(low, high):
    return {"distribution": "uniform", "low": low, "high": high}


def choice(*options):
    return {"distribution": "choice", "options": list(options)}


def search(space, batch=4, seed=0):
    return {"space": space, "seed": seed, "batch": batch, "hyperparameters": DECLARED}


def points(config, history=(), n=100):
    return [point for point, _ in Bayes(config).propose(history, n)]


def searched(config, score, rounds):
    """The history after some rounds."""
    history = []
    for _ in range(rounds):
        history += [(point, score(point)) for point in points(config, history)]
    return history


def drop(point):
    """A point without what plays no part in its trial."""
    left_out = {"momentum", "beta1"}.difference(hyperparameters(point["optimizer"]))
    return {name: value for name, value in point.items() if name not in left_out}


def drawn(config, score, trials):
    """The history of a random search."""
    return [(point, score(point)) for point, _ in Random(config).propose((), trials)]


PLANE = {"momentum": uniform(0.2, 0.8), "decay_rate": uniform(0.5, 1.0)}


def branin(point):
    """F. H. Branin's function, upside down: three maxima of -0.3979 (Dixon and Szego, 1978)."""
    x, y = 25 * (point["momentum"] - 0.2) - 5, 30 * (point["decay_rate"] - 0.5)
    bent = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return -(bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


RIDGE = {"lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2}, "weight_decay": uniform(0.0, 1.0)}


def ridge(point):
    """A peak in the logarithm of lr, 0.85 at 10**-3.2, whatever the weight decay."""
    return 0.1 + 0.75 * math.exp(-(((math.log10(point["lr"]) + 3.2) / 0.4) ** 2))


def noisy(point):
    """The ridge as 100 images would measure it: two decimals, the second one noisy."""
    return round(ridge(point) + random.Random(repr(point)).gauss(0, 0.02), 2)


@pytest.mark.parametrize(
    ("space", "score", "truth"),
    [(PLANE, branin, branin), (RIDGE, noisy, ridge)],
    ids=["branin", "noisy ridge"],
)
def test_it_is_better_than_a_random_search_of_four_times_as_many_points(space, score, truth):
    """In each of 6 searches; one that was only as good would be so with a probability of 1/64."""

    def reached(history):
        return truth(max(history, key=lambda trial: trial[1])[0])  # one takes the point with the best score

    random = np.median([reached(drawn(search(space, seed=seed), score, 160)) for seed in range(40)])
    assert min(reached(searched(search(space, seed=seed), score, 10)) for seed in range(6)) > random


def test_a_region_that_diverges_is_avoided():
    """The peak is at its edge, and half of all random trials diverge."""

    def score(point):
        away = (0.45 - point["momentum"]) ** 2 + (0.7 - point["decay_rate"]) ** 2
        return None if point["momentum"] > 0.5 else round(0.1 + 0.7 * math.exp(-away / 0.02), 2)

    diverged = []
    for seed in range(3):
        history = searched(search(PLANE, seed=seed), score, 8)
        diverged.append(sum(score is None for _, score in history[4:]))
        assert max(score for _, score in history if score is not None) >= 0.78
    assert sum(diverged) < 0.2 * 3 * 28


def test_where_all_that_finished_are_equal_it_still_learns_what_diverges():
    def score(point):
        return None if point["momentum"] > 0.5 else 0.5

    history = searched(search(PLANE), score, 8)
    assert sum(score is None for _, score in history[4:]) < 0.25 * 28


def test_the_first_round_is_the_random_search_s():
    config = search(MIXED, batch=10)
    assert Bayes(config).propose((), 100) == Random(config).propose((), 10)
    history = [(point, 0.5) for point in points(config)[:7]]
    assert Bayes(config).propose(history, 100) == Random(config).propose(history, 3)


def test_scores_decide_what_comes_next():
    config = search(PLANE)
    first = points(config)
    nexts = [points(config, list(zip(first, scores, strict=True))) for scores in np.eye(4)]
    assert all(one != other for one, other in itertools.combinations(nexts, 2))
    for best, following in zip(first, nexts, strict=True):
        nearest = min(first, key=lambda tried: math.dist(tried.values(), following[0].values()))
        assert nearest == best


scores = st.one_of(st.none(), st.sampled_from([0.1, 0.5, 0.51]), st.floats(0, 1))


@effort(max_examples=15)
@given(st.lists(scores, min_size=4, max_size=4), st.lists(scores, min_size=4, max_size=4), st.integers(0, 3))
def test_a_round_is_the_same_in_parts_whatever_its_own_scores(known, own, k):
    config = search(MIXED)
    history = list(zip(points(config), known, strict=True))
    once = points(config, history)
    begun = list(zip(once, own, strict=True))[:k]
    assert once[:k] == points(config, history, k)
    assert points(config, [*history, *begun], 4) == once[k:]


def test_the_seed_decides_where_it_looks():
    history = [(point, branin(point)) for point in points(search(PLANE))]
    assert points(search(PLANE, seed=1), history) != points(search(PLANE), history)


@pytest.mark.parametrize(
    "known",
    [
        [0.5] * 8,
        [0.1] * 8,
        [None] * 8,
        [0.1, 0.8] * 4,
        [None, 0.8] * 4,
        [0.0] * 7 + [1.0],
        [0.5] * 7 + [None],
    ],
    ids=["equal", "equal, not in binary", "all diverged", "ties", "half diverged", "one", "one diverged"],
)
@pytest.mark.parametrize("space", [MIXED, PLANE, {"optimizer": choice("sgd")}], ids=["mixed", "plane", "one"])
def test_any_scores_will_do(space, known):
    config = search(space, batch=8)
    history = list(zip(points(config), known, strict=True))
    following = points(config, history)
    assert len(following) == 8
    assert len({json.dumps(point) for point in following}) == (8 if len(space) > 1 else 1)


def test_one_point_is_a_round():
    history = searched(search(PLANE, batch=1), branin, 6)
    assert len({tuple(point.values()) for point, _ in history}) == 6


EVERYTHING = {
    name: choice("sgd", "adam") if name == "optimizer"
    else choice("relu") if name == "activation"
    else {"distribution": kind, "low": box[0] or 0.1, "high": box[1]}
    for name, each in DECLARED.items()
    for kind, box in [*each["sampling"].items(), (None, None)][:1]
}  # fmt: skip


@pytest.mark.parametrize("dimensions", [*range(1, 9), 13])
def test_any_number_of_hyper_parameters_will_do(dimensions):
    names = list(EVERYTHING)[:dimensions]
    history = searched(search({name: EVERYTHING[name] for name in names}), lambda point: point["lr"], 3)
    for point, _ in history:
        for name, value in point.items():
            spec = EVERYTHING[name]
            inside = value in spec["options"] if "options" in spec else spec["low"] <= value <= spec["high"]
            assert inside, (name, value)


def test_what_plays_no_part_is_left_out_and_makes_no_difference():
    space = {**MIXED, "beta1": uniform(0.5, 0.9)}
    config = search(space, batch=12)
    first = points(config)
    played = [drop(point) for point in first]
    assert any(len(point) < len(full) for point, full in zip(played, first, strict=True))
    known = [point["lr"] for point in first]
    following = points(config, list(zip(played, known, strict=True)))
    assert following == points(config, list(zip(first, known, strict=True)))
    assert all(list(point) == list(drop(dict.fromkeys(space) | point)) for point in following)


def test_the_order_of_the_space_does_not_matter():
    def score(point):
        return round(point["lr"] * point["batch_size"], 2)

    config, turned = search(MIXED), search(dict(reversed(MIXED.items())))
    assert searched(turned, score, 4) == searched(config, score, 4)
    assert list(searched(turned, score, 2)[-1][0])[-1] == "lr"


def test_a_point_comes_again_only_when_all_have_come():
    space = {
        "batch_size": {"distribution": "int_uniform", "low": 1, "high": 3},
        "activation": choice("relu", "sigmoid"),
        "optimizer": choice("sgd", "momentum"),
        "momentum": choice(0.5, 0.9),
    }  # 18 points: no momentum under sgd
    history = searched(search(space, 3, seed=1), lambda point: 0.5 + 0.1 * (point["activation"] == "relu"), 8)
    keys = [json.dumps(drop(point)) for point, _ in history]
    assert len(set(keys[:18])) == 18 == len(set(keys))
    assert {score for _, score in history[18:]} == {0.6}  # the best ones, to know their scores better


def test_a_corner_that_was_tried_is_not_proposed_again():
    """Candidates are clipped to the space, so many of them are the corner with the maximum."""
    history = searched(search(PLANE), lambda point: point["momentum"] + point["decay_rate"], 8)
    assert len({tuple(point.values()) for point, _ in history}) == 32
    assert history[-1][1] > 1.75


def test_expected_improvement_is_the_mean_of_what_is_above():
    rng = np.random.default_rng(0)
    for mean, deviation, best in ((0.3, 0.5, 0.4), (1.0, 0.2, 0.0), (-1.0, 1.0, 0.5)):
        drawn = np.maximum(rng.normal(mean, deviation, 10**6) - best, 0)
        gain = expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
        assert abs(gain - drawn.mean()) < 5 * drawn.std() / 1000


def test_the_luckiest_score_is_not_what_is_to_be_improved_on():
    """One noisy score is far above the rest. To improve on it, only unknown regions would do."""
    tried = np.linspace(0, 0.6, 20)[:, None]
    scores = np.where(np.arange(20) == 5, 3.0, 1 - 10 * (tried[:, 0] - 0.3) ** 2)
    model = posterior(RBF(0.2), 0.5, tried, scores)
    candidates = np.linspace(0.01, 0.99, 99)[:, None]
    mean, deviation = model.predict(candidates, return_std=True)

    def best_above(score):
        return int(np.argmax(expected_improvement(mean, deviation, score)))

    expected = best_above(model.predict(tried).max())
    assert most_promising(model, candidates) == expected != best_above(scores.max())


def test_two_machines_whose_last_bits_differ_fit_the_same_kernel():
    rng = np.random.default_rng(0)
    for trials, columns in ((5, 1), (30, 3), (60, 6)):
        tried = rng.random((trials, columns))
        scores = np.round(np.sin(6 * tried[:, 0]) + 0.1 * rng.normal(size=trials), 1)
        kernel, noise = fit(tried, scores)
        theta = np.append(kernel.theta, np.log(noise))
        np.testing.assert_allclose(theta, np.round(theta, 3), rtol=0, atol=1e-12)
        assert fit(tried * (1 + 1e-14), scores + 1e-14)[0] == kernel


def test_gains_that_are_equal_but_for_their_last_bits_are_equal():
    assert first_best(np.array([0.1, 0.3, 0.3 * (1 + 1e-14), 0.2])) == 1
    assert first_best(np.array([0.1, 0.3, 0.3001])) == 2
    assert first_best(np.array([-1.0, 0.0, 0.0])) == 1


# The surface.


def test_the_surface_is_near_the_scores_and_its_peak_near_theirs():
    config = search(PLANE, batch=10)
    axes, mean = surface(config, drawn(config, branin, 60), "momentum", "decay_rate", steps=20)
    assert [len(ticks) for ticks in axes] == [20, 20] and mean.shape == (20, 20)
    truth = [[branin({"momentum": x, "decay_rate": y}) for y in axes[1]] for x in axes[0]]
    assert np.median(abs(mean - truth)) < 5 and np.ptp(truth) > 200
    np.testing.assert_array_equal(mean, np.round(mean, 4))


def test_a_surface_of_one_hyper_parameter_is_a_line_and_ignores_what_does_not_matter():
    config = search(RIDGE, batch=10)
    history = drawn(config, noisy, 60)
    (ticks,), mean = surface(config, history, "lr", steps=50)
    assert (ticks[0], ticks[-1], len(ticks), mean.shape) == (1e-6, 1e-2, 50, (50,))
    np.testing.assert_allclose(mean, [ridge({"lr": lr}) for lr in ticks], rtol=0, atol=0.1)
    assert np.ptp(surface(config, history, "weight_decay")[1]) < 0.03


def test_a_surface_has_options_and_whole_numbers_as_they_are():
    config = search(MIXED, batch=10)
    history = [(point, None if i % 3 else 0.5 + 0.01 * (i % 2)) for i, point in enumerate(points(config))]
    axes, mean = surface(config, history, "optimizer", "batch_size", steps=200)
    assert list(axes[0]) == MIXED["optimizer"]["options"] and list(axes[1]) == list(range(10, 101))
    assert mean.shape == (3, 91) and np.isfinite(mean).all()


@pytest.mark.parametrize("history", [[], [({"momentum": 0.5, "decay_rate": 0.7}, None)]])
def test_a_surface_of_nothing_is_blank(history):
    axes, mean = surface(search(PLANE), history, "momentum", "decay_rate", steps=3)
    assert np.isnan(mean).all() and mean.shape == (3, 3) and list(axes[0]) == [0.2, 0.5, 0.8]


# Everywhere the same.

ROUNDS = """
from zdl.search.samplers import sampler
loaded = sorted(name for name in ("scipy", "sklearn") if name in sys.modules)
histories = []
for search in json.load(sys.stdin):
    history = []
    for _ in range(4):
        proposed = sampler(search).propose(history, search["batch"])
        history += [(point, round(point["lr"] ** 0.1 + len(point) / 100, 2)) for point, _ in proposed]
    histories.append(history)
print(json.dumps([loaded, histories]))
"""
SEARCHES = [
    search(space, seed=seed, batch=6) | {"method": "bayes"} for space in (MIXED, RIDGE) for seed in range(2)
]


def elsewhere(**env):
    """Another process, which prints where it runs (PROBE), and then what it proposes."""
    env = {"PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1", **env}
    command = [sys.executable, "-u", "-c", PROBE + ROUNDS]  # -u: the first line is there even if it crashes
    return subprocess.run(
        command, input=json.dumps(SEARCHES), env=env, capture_output=True, text=True, check=False
    )


def proposed(process):
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[1])


@pytest.fixture(scope="module")
def here():
    """What another process proposes, on this machine's own kernels."""
    return proposed(elsewhere(PYTHONHASHSEED="1"))


def test_another_process_proposes_the_same_and_loads_the_model_for_a_round_alone(here):
    loaded, histories = here
    assert loaded == []
    for config, history in zip(SEARCHES, histories, strict=True):
        scored = [(point, score) for point, score in history]
        for begun in range(0, len(scored), 6):
            assert points(config, scored[:begun]) == [point for point, _ in scored[begun : begun + 6]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_other_kernels_of_openblas_propose_the_same(kernel, here):
    process = elsewhere(OPENBLAS_CORETYPE=kernel)
    kernels = json.loads(process.stdout.splitlines()[0])["kernels"] if process.stdout else []
    if not set(kernels) & set(KERNELS[kernel]):
        pytest.skip(f"{kernel}: this processor cannot run it")
    assert proposed(process) == here


def test_scores_that_hardly_differ_count_as_equal():
    seen = [({"lr": 1e-4}, None), ({"lr": 1e-3}, None), ({"lr": 1e-5}, 0.0), ({"lr": 1e-2}, 2.3e-309)]
    assert np.isfinite(standard(seen)[0]).all()
