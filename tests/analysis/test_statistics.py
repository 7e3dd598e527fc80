"""The formulas against values worked out by hand, other ways of computing them, and simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.analysis.test_significance import generator
from zdl.analysis import statistics


@given(total=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_is_scipys(total, share):
    correct = round(share * total)
    low, high = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert statistics.wilson(correct, total) == pytest.approx((low, high), abs=1e-12)
    assert statistics.wilson(0, total)[0] >= 0 and statistics.wilson(total, total)[1] <= 1


def test_mcnemar_by_hand():
    assert statistics.mcnemar(0, 0) == 1
    assert statistics.mcnemar(0, 3) == statistics.mcnemar(3, 0) == pytest.approx(2 / 8)
    assert statistics.mcnemar(1, 5) == pytest.approx(2 * (1 + 6) / 64)
    assert statistics.mcnemar(4, 4) == 1


def test_holm_by_hand():
    # Sorted 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.9 * 1: the third may not be below the second
    assert statistics.holm([0.02, 0.9, 0.01, 0.03]) == pytest.approx([0.06, 0.9, 0.04, 0.06])
    assert statistics.holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert statistics.holm([math.nan, 0.02, 0.03]) == pytest.approx([math.nan, 0.04, 0.04], nan_ok=True)
    assert statistics.holm([]).shape == (0,)


def test_bootstrap_over_two_images_by_hand():
    # Samples, equally likely: the first image twice, the second twice, or (two ways) both: a tie
    p = statistics.first_shares(np.array([[True, False], [False, True]]), generator(), 40_000)
    assert p == pytest.approx([0.5, 0.5], abs=0.01)
    p = statistics.first_shares(np.array([[True, True], [False, True], [False, False]]), generator(), 40_000)
    assert p == pytest.approx([0.875, 0.125, 0], abs=0.01)


def test_bootstrap_is_one_function_of_the_generator():
    hits = generator(1).random((50, 30)) < 0.7
    hits[10] = hits[3]
    first, second = (statistics.first_shares(hits, generator(2)) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert first[10] == first[3]
    assert first.sum() == pytest.approx(1)
    assert statistics.first_shares(hits, generator(3)).tolist() != first.tolist()


@given(st.lists(st.integers(0, 6).map(lambda n: n / 6), min_size=1, max_size=7))
def test_expected_maximum_is_the_mean_over_all_subsets(scores):
    brute = [
        np.mean([max(subset) for subset in itertools.combinations(scores, n)])
        for n in range(1, len(scores) + 1)
    ]
    assert statistics.expected_maximum(scores) == pytest.approx(brute, abs=1e-9)


def test_expected_maximum_of_many_trials():
    scores = np.round(generator().beta(2, 3, 10_000), 2)
    expected = statistics.expected_maximum(scores)
    assert expected[[0, -1]] == pytest.approx([scores.mean(), scores.max()], abs=1e-9)
    assert (np.diff(expected) >= -1e-9).all()


def test_band_of_one_score_by_hand():
    # The one score is at a uniform share of F: its quantiles are 0.025 and 0.975
    low, high = statistics.maximum_band([0.4])
    assert (low[0], high[0]) == pytest.approx((0.4 * 0.025, 1 - 0.6 * 0.025))


@pytest.mark.parametrize("images", [10, 100, None])
def test_band_holds_for_all_budgets_at_once(images):
    true = np.linspace(0, 1, 100_001)[1:]  # F(x) = x**2: the expected best of n is 2 n / (2 n + 1)
    rng, n = generator(5), np.arange(1, 41)
    values = np.sqrt(true) if images is None else np.ceil(np.sqrt(true) * images) / images
    chances = true[:, None] ** n - (true[:, None] - 1e-5) ** n
    expected = values @ chances
    held = []
    for _ in range(400):
        low, high = statistics.maximum_band(rng.choice(values, 40))
        held.append(bool((low <= expected).all() and (expected <= high).all()))
    assert np.mean(held) >= 0.95


def test_band_says_more_than_dkw_where_the_best_scores_are():
    scores = np.round(generator().beta(2, 3, 100), 2)
    low, high = statistics.maximum_band(scores)
    values, counts = np.unique(scores, return_counts=True)
    most = np.minimum(np.append(0, counts.cumsum()) / 100 + math.sqrt(math.log(40) / 200), 1)
    dkw = (1 - most**100) @ np.diff(values, prepend=0, append=1)
    assert low[-1] > dkw + 0.05
    expected = statistics.expected_maximum(scores)
    assert (low <= expected).all()
    assert (expected <= high).all()


def test_experiments_by_hand():
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.0]
    quartiles = statistics.quartiles_of_experiments(scores)
    assert quartiles[0] == pytest.approx([0.2, 0.4, 0.6])
    assert quartiles[1] == pytest.approx([0.35, 0.5, 0.65])  # of 0.2, 0.4, 0.6, 0.8; the ninth is left over
    assert np.isnan(quartiles[2:]).all()


def test_crossed_mean_by_hand():
    hits = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=bool)
    # Networks 0.75 and 0.5: 0.03125; images 1, 1, 0.5 and 0: 0.229166...; Student's t of one degree: 12.706
    half = 12.7062047 * math.sqrt(0.03125 / 2 + 0.22916667 / 4)
    assert half > 1
    assert statistics.crossed_mean(hits) == (0.625, 0, 1)
    mean, low, high = statistics.crossed_mean(np.repeat(hits, 1000, axis=1))
    half = 12.7062047 * math.sqrt(0.03125 / 2 + 4000 / 3999 * 0.171875 / 4000)
    assert (mean, low, high) == pytest.approx((0.625, max(0, 0.625 - half), min(1, 0.625 + half)))


def test_crossed_error_of_differences_by_hand():
    # Networks 0.25 and 0.5: 0.03125; images 1, 0.5, 0.5 and -0.5: 0.395833...
    apart = np.array([[1, 0, 1, -1], [1, 1, 0, 0]])
    expected = math.sqrt(0.03125 / 2 + 0.39583333 / 4)
    assert statistics.crossed_standard_error(apart) == pytest.approx(expected)


def test_overlapping_splits_tell_less():
    assert statistics.standard_error_over_splits(0.1, 4, 0) == pytest.approx(0.05)
    assert statistics.standard_error_over_splits(0.1, 4, 0.25) == pytest.approx(0.1 * math.sqrt(0.5))


def test_crossed_mean_of_networks_that_do_not_differ_is_that_of_one():
    one = np.arange(200) < 180
    assert statistics.crossed_mean(one[None]) == (0.9, *statistics.wilson(180, 200))
    assert statistics.crossed_mean(np.ones((5, 50), dtype=bool)) == (1.0, *statistics.wilson(50, 50))


def test_crossed_mean_covers_other_networks_and_other_images():
    rng, covered = generator(8), []
    for _ in range(500):
        skill, ease = rng.normal(0, 0.3, (10, 1)), rng.normal(0, 1.5, 200)
        mean, low, high = statistics.crossed_mean(rng.random((10, 200)) < 1 / (1 + np.exp(-1 - skill - ease)))
        assert low < mean < high
        covered.append(low <= TRUE <= high)
    assert 0.94 <= np.mean(covered) <= 0.995


Z = np.linspace(-8, 8, 4001)
TRUE = np.average(1 / (1 + np.exp(-1 - Z * math.hypot(0.3, 1.5))), weights=np.exp(-Z * Z / 2))


def test_the_chance_gain_of_a_doubling_is_what_equal_trials_gain():
    assert statistics.chance_gain_of_doubling([1, 0], 1) == pytest.approx(0.25)  # 1 - 1/4, less 1/2
    assert statistics.chance_gain_of_doubling([0.7], 100) == statistics.chance_gain_of_doubling([], 100) == 0
    for n, share, images, others in (
        (8, 0.7, 50, 0),
        (100, 0.75, 100, 0),
        (20, 0.3, 20, 3),
        (7, 0.737, 100, 93),
    ):
        worse = np.full(others, 0.1)
        gain = statistics.chance_gain_of_doubling([share] * n, images, worse)
        drawn = generator(3).binomial(images, share, (4000, n)) / images
        half = (n + others) // 2
        gains = np.array(
            [
                np.diff(statistics.expected_maximum(np.append(each, worse))[[half - 1, -1]])[0]
                for each in drawn
            ]
        )
        assert gain == pytest.approx(gains.mean(), rel=0.05)
        assert (gains > statistics.RARELY_EXCEEDED * gain).mean() < 0.05


def test_signs_follow_from_student_s_t_of_all():
    # t of 9 degrees at 3: 0.015, and doubled by Holm 0.03; at 2.5: 0.034
    assert statistics.signs_of_differences([3, -2.5], [1, 1], [10, 10]) == [1, -1]
    assert statistics.signs_of_differences([3, -2.0], [1, 1], [10, 10]) == [1, 0]
    assert statistics.signs_of_differences([2.5, 2.5], [1, 1], [10, 10]) == [0, 0]
    assert statistics.signs_of_differences([-2.5, 1.0], [1, 1], [10, 1]) == [-1, 0], (
        "one replicate is not tested"
    )
    assert statistics.signs_of_differences([0.1, 0.0, -0.1], [0, 0, 0], [7, 7, 7]) == [1, 0, -1]  # 3 / 64
    assert statistics.signs_of_differences([0.1, 0.0, -0.1], [0, 0, 0], [6, 6, 6]) == [0, 0, 0]  # 3 / 32
    assert statistics.signs_of_differences([], [], []) == []
    assert statistics.signs_of_differences([3, -2.5], [1, 1], [10, 10], tests=3) == [
        1,
        0,
    ]  # p: 0.045 and 0.068


@given(st.integers(2, 40), st.floats(-1, 1))
def test_values_that_agree_have_no_interval_and_few_of_them_no_verdict(n, mean):
    interval = statistics.student_interval(mean, 0.0, n, limits=(-1, 1))
    assert np.isnan(interval).all()
    verdict = statistics.sign_of_difference(mean, *interval, n)
    assert verdict == (np.sign(mean) if 2.0 ** (1 - n) < 0.05 else 0)


@given(st.integers(1, 40), st.floats(-0.9, 0.9), st.floats(0, 0.3).map(lambda error: round(error, 6)))
def test_a_verdict_off_an_interval_is_that_of_the_test_of_differences(n, mean, error):
    """One question has one answer, whichever of the two functions is asked; but for a p-value of 0.05."""
    interval = statistics.student_interval(mean, error, n, limits=(-1, 1))
    verdicts = {
        statistics.signs_of_differences([mean * nudge], [error], [n])[0] for nudge in (1 - 1e-9, 1, 1 + 1e-9)
    }
    assert statistics.sign_of_difference(mean, *interval, n) in verdicts


@given(st.floats(-1, 1), st.floats(0.001, 0.5))
def test_one_value_gives_no_verdict_whatever_its_interval(mean, half):
    assert statistics.sign_of_difference(mean, mean - half, mean + half, 1) == 0
