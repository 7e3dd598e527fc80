"""Whether accuracy still rises at the end of curves whose slope is known."""

import numpy as np
import pytest

from zdl.analysis.rise import rise
from zdl.analysis.statistics import sign_of_difference


def outcomes(*curves):
    """Of a trial's replicates, a curve of shares of 1,000 images each; None if one diverged."""
    return [outcome(curve) for curve in curves]


def outcome(curve):
    counts = [] if curve is None else [round(1000 * each) for each in curve]
    return {
        "final": None if curve is None else {"val_correct": counts[-1]},
        "curve": {"val_correct": counts, "val_size": 1000, "train_size": 4000},
    }


def test_the_slope_of_the_last_fifth_by_hand():
    curves = [0.5] * 16 + [0.5, 0.51, 0.52, 0.53]
    out = rise({3: outcomes(curves, [0.1] * 16 + [0.2, 0.23, 0.26, 0.29]), 7: outcomes(curves, None)})
    assert out["rise"] == pytest.approx((0.04 + 0.12) / 2)
    assert out["splits"] == 2
    # The two splits rise by 0.04 and 0.12: Student's t of 1 degree, and an error of 0.0566 * sqrt(1/2 + 1/4)
    assert out["rise_high"] - out["rise"] == pytest.approx(12.706 * 0.0566 * 0.866, rel=1e-3)


def test_short_curves_and_curves_of_different_lengths_tell_nothing():
    assert rise({}) == rise({0: outcomes(None, None)}) == {}
    assert rise({0: outcomes([0.1] * 9)}) == {}
    assert rise({0: outcomes([0.1] * 20, [0.1] * 30)}) == {}
    assert np.isnan(rise({0: outcomes([0.1] * 20)})["rise_low"])


@pytest.mark.parametrize(("slope", "least", "most"), [(0.0, 0, 4), (0.04, 95, 100)])
def test_curves_that_are_level_are_rarely_said_to_rise(slope, least, most):
    """Each curve of a split wanders by its own steps; over all splits it rises by so much."""
    rng, found = np.random.default_rng(2), 0
    for _ in range(100):
        curves = 0.7 + slope * np.arange(-10, 0) / 10 + rng.normal(0, 0.01, (10, 10))
        out = rise({0: outcomes(*np.hstack([np.full((10, 40), 0.6), curves]))})
        found += sign_of_difference(out["rise"], out["rise_low"], out["rise_high"], out["splits"]) > 0
    assert least <= found <= most
