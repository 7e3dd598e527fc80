"""What can be said of scores on the same rows: by counts, and by a bootstrap where the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from zdl.analysis.scored import BootstrapScores, HitScores
from zdl.analysis.statistics import crossed_mean, crossed_standard_error
from zdl.data.scores import Score
from zdl.data.scoring import DRAWS, redrawn, scored

MAE = Score("neg_mean_absolute_error")


def networks(*errors):
    """Of networks with these errors by row."""
    zero = [np.zeros(len(each)) for each in errors]
    values = [scored(MAE, *pair) for pair in zip(errors, zero, strict=True)]
    return BootstrapScores.of(MAE, values, [redrawn(MAE, *pair) for pair in zip(errors, zero, strict=True)])


def test_the_interval_of_a_mean_is_the_normal_one():
    errors = np.random.default_rng(0).exponential(size=900)
    ((low, high),) = networks(errors).intervals()
    half = 1.96 * errors.std() / 30
    assert low == pytest.approx(-errors.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(-errors.mean() + half, abs=0.15 * half)


def test_networks_are_compared_in_pairs():
    """What is hard for one is hard for the other: the scores vary much, and their difference little."""
    rng = np.random.default_rng(2)
    hard = rng.exponential(size=300)
    worse, other = hard + 0.1 + 0.2 * rng.normal(size=300), rng.exponential(size=300) + 0.1
    p = networks(hard, abs(worse), other, hard).p_values()
    assert math.isnan(p[0]) and p[1] < 1e-6 and p[2] > 0.05 and p[3] == 1.0
    apart = abs(worse) - hard
    z = apart.mean() / (apart.std(ddof=1) / math.sqrt(300))
    assert math.log(p[1]) == pytest.approx(math.log(2 * stats.norm.sf(z)), rel=0.25)


def test_a_score_that_a_few_rows_ruin_is_told_apart_from_the_best():
    """Its standard error is half as large as its distance from the others."""
    rng = np.random.default_rng(3)
    errors = [rng.exponential(size=200) for _ in range(6)]
    ruined = errors[0].copy()
    ruined[:10] = 1e12 * rng.exponential(size=10)
    p = networks(*errors, ruined).p_values()
    assert p[-1] < 1e-6 and (p[1:-1] > 0.001).all()


def test_who_comes_first_of_equals_is_shared():
    errors = np.random.default_rng(4).exponential(size=100)
    first = networks(errors, errors, errors + 1).first_shares(np.random.default_rng())
    assert first.tolist() == [0.5, 0.5, 0.0]


def test_the_mean_of_networks_allows_for_rows_and_for_networks():
    rng = np.random.default_rng(5)
    errors = abs(1 + rng.normal(size=(8, 1)) / 5 + rng.normal(size=500) + rng.normal(size=(8, 500)))
    mean, low, high = networks(*errors).mean()
    error = crossed_standard_error(errors)  # which counts what belongs to neither twice
    half = stats.t.ppf(0.975, 7) * error
    assert mean == pytest.approx(-errors.mean(), abs=1e-3)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    (one,) = [networks(errors[0])]
    assert one.mean()[1:] == one.intervals()[0], "one network: for other rows alone"


def test_a_mean_is_cut_to_what_a_score_can_be():
    drawn = np.array([[-0.3, -0.1] * 250, [-0.1, 0.0] * 250])
    _, low, high = BootstrapScores(np.array([-0.2, -0.05]), drawn, MAE.limits).mean()
    assert low < -0.5 and high == 0.0


def test_a_difference_of_networks_is_one_of_pairs():
    rng = np.random.default_rng(6)
    hard = rng.exponential(size=(3, 400)) + rng.exponential(size=400)
    apart, error = networks(*hard).difference(networks(*(hard + 0.25)))
    assert apart == pytest.approx(0.25, abs=1e-3) and error < 0.002


def test_a_single_row_has_no_interval():
    one = networks(np.array([0.5]), np.array([0.25]))
    assert all(math.isnan(end) for pair in one.intervals() for end in pair)
    assert one.p_values()[1] == 1.0
    none = BootstrapScores.of(MAE, [], [])
    assert len(none) == 0 and all(map(math.isnan, none.mean()))


def test_samples_without_a_score_do_not_count():
    drawn = [[None, 0.4, 0.6, 0.5] * 100, [None, 0.3, 0.7, 0.5] * 100]
    redrawn_again = BootstrapScores.of(Score("roc_auc"), [0.5, 0.5], drawn)
    assert redrawn_again.intervals() == [(0.4, 0.6), (0.3, 0.7)]
    assert redrawn_again.first_shares(np.random.default_rng()).tolist() == [0.5, 0.5]
    assert redrawn_again.error() > 0


def test_counts_are_what_they_were():
    hits = np.random.default_rng(7).random((3, 50)) < 0.8
    assert HitScores(hits).mean() == crossed_mean(hits)
    assert HitScores(hits).difference(HitScores(hits)) == (0.0, 0.0) and len(HitScores(hits)) == 3
    assert DRAWS >= 400  # of a 95 % interval, whose ends are the tenth values from either side
