"""What replicates confirm, and what a linear model scores, against tables worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from zdl.analysis.baseline import baseline_scores, margin_over_linear
from zdl.analysis.mistakes import confusion, mistakes
from zdl.analysis.replication import confirmed, confirmed_best, curves, rivals, scores
from zdl.analysis.statistics import wilson

T = np.array([0, 1, 2, 3], np.uint8)


def outcome(val=None, taken=None, confidence=(90, 90, 90, 90)):
    """One that diverged; or one whose network scores `val` of 10, and takes the images T for `taken`."""
    curve = {"train_correct": [1, 2], "train_size": 4, "val_correct": [0, val or 0], "val_size": 10}
    if val is None:
        return {"status": "diverged", "curve": curve, "final": None, "held_out": None}
    answers = {"taken_for": bytes(taken).hex(), "confidence": bytes(confidence).hex()}
    return {"status": "finished", "curve": curve, "final": {"val_correct": val}, "held_out": answers}


def of_ten(trial):
    score = RANKING.set_index("trial")["val_acc"][trial]
    return wilson(round(10 * score), 10)


RANKING = pd.DataFrame({"rank": [1, 2, 3], "trial": [7, 3, 5], "val_acc": [0.9, 0.8, 0.7]})
RANKING["epochs"] = 2


def test_scores_stand_beside_those_of_the_replicates():
    replicates = {
        7: [outcome(6, [0, 1, 2, 0]), outcome(8, [0, 1, 0, 0])],
        3: [outcome(9, [0, 1, 2, 3]), outcome()],
    }
    first, second = confirmed(replicates, RANKING, T, of_ten).to_dict("records")
    assert (first["rank"], first["trial"], first["val_acc"]) == (1, 7, 0.9)
    assert (first["repeats"], first["diverged"], second["repeats"], second["diverged"]) == (2, 0, 1, 1)
    assert first["val_mean"] == 0.7 and first["val_sd"] == pytest.approx(math.sqrt(0.02), abs=1e-6)
    assert (first["luck_low"], first["luck_high"]) == (-0.1, 0.9), "two replicates: the mean may be any share"
    assert math.isnan(second["luck_low"]) and math.isnan(second["luck_high"])
    assert first["luck"] == 0.2 and first["held_out"] == 0.625
    assert first["gap"] == 0.075, "of the replicates, not of the search"
    assert first["held_out_low"] < 0.625 < first["held_out_high"]
    assert second["val_mean"] == 0.9 and math.isnan(second["val_sd"]) and second["held_out"] == 1.0


def test_the_interval_of_the_selection_bias_is_that_of_the_mean_of_the_replicates():
    replicates = {7: [outcome(correct, T) for correct in (6, 8, 7, 7, 6, 8)]}
    (row,) = confirmed(replicates, RANKING, T, of_ten).to_dict("records")
    # Student's t of five degrees; Nadeau and Bengio's error: 10 validation images, 4 to train
    margin = 2.570582 * math.sqrt(0.04 / 5) * math.sqrt(1 / 6 + 10 / 4)
    assert row["luck"] == 0.2 and row["luck_high"] == pytest.approx(0.2 + margin, abs=1e-5)
    assert row["luck_low"] == -0.1, "no mean is above 1"


def test_no_selection_bias_has_no_sign():
    """Of 2 in 3, rounded up, a bit more than nothing is left over."""
    curve = {"val_correct": [2], "val_size": 3, "train_size": 3}
    replicates = {7: [{**outcome(6, T), "curve": curve}]}
    ranking = RANKING.assign(val_acc=2 / 3, epochs=1)
    (row,) = confirmed(replicates, ranking, T, lambda trial: wilson(2, 3)).to_dict("records")
    assert str(row["luck"]) == "0.0"


def test_the_confirmed_best_is_chosen_by_validation_alone():
    replicates = {
        7: [outcome(6, [0, 1, 2, 3]), outcome(6, [0, 1, 2, 3])],
        3: [outcome(7, [9, 9, 9, 9]), outcome(7, [9, 9, 9, 9])],
        5: [outcome(10, [0, 1, 2, 3]), outcome()],
    }
    rows = confirmed(replicates, RANKING, T, of_ten)
    assert confirmed_best(rows) == 3  # the other two: lower, or diverged once
    assert confirmed_best(confirmed({7: [outcome()]}, RANKING, T, of_ten)) is None
    assert confirmed_best(confirmed({}, RANKING, T, of_ten)) is None
    tied = {7: [outcome(6, T)], 3: [outcome(6, T)]}
    assert confirmed_best(confirmed(tied, RANKING, T, of_ten)) == 7


def verdicts(replicates, trial, t):
    frame = rivals(replicates, trial, t)
    return dict(zip(frame["trial"].tolist(), frame["held_out"].tolist(), strict=True))


def test_rivals_are_judged_by_held_out_images():
    rng, t = np.random.default_rng(4), np.zeros(400, np.uint8)

    def trained(right):  # each replicate recognises such a share of the images
        taken = [(rng.random(400) >= right).astype(np.uint8) for _ in range(6)]
        return [outcome(6, each, bytes(400)) for each in taken]

    best = trained(0.8)
    replicates = {7: trained(0.81), 3: best, 5: trained(0.5)}
    assert verdicts(replicates, 3, t) == {7: 0, 5: 1}
    assert verdicts(replicates, 5, t) == {7: -1, 3: -1}
    assert rivals(replicates, None, t).empty
    assert verdicts({3: best, 5: best, 7: [outcome()] * 6}, 3, t) == {5: 0, 7: 0}, "nothing sets them apart"
    bad = outcome(6, [1] * 400, bytes(400))
    good = outcome(6, [0] * 400, bytes(400))
    assert verdicts({3: [good] * 6, 5: [bad] * 6}, 3, t) == {5: 1}
    once = {3: [good, outcome()], 5: [bad, bad]}
    assert verdicts(once, 3, t) == {5: 0}, "one pair tells nothing"


def test_a_rival_is_one_of_all_pairs():
    """The best was chosen out of five, by networks that are lucky on other images, too."""

    def val(others):  # p is 0.0081: times four it is below 0.05, and times ten it is not
        behind = [outcome(9 - n, T) for n in (4, 4, 4, 5, 5)]
        replicates = {0: [outcome(9, T)] * 5, **dict.fromkeys(range(1, others + 1), behind)}
        return rivals(replicates, 0, T)["val"].tolist()

    assert val(2) == [1, 1] and val(4) == [0] * 4


def test_rivals_are_judged_by_the_validation_images_of_each_split():
    """In pairs: what is hard about a split is hard for both."""

    def val(ahead):  # of pairs of scores on the same splits
        replicates = {k: [outcome(pair[k], T) for pair in ahead] for k in (0, 1)}
        return [rivals(replicates, trial, T)["val"].item() for trial in (0, 1)]

    ahead = [(9, 8), (5, 4), (7, 6), (2, 1)]
    assert val(ahead * 2) == [1, -1]
    assert val(ahead) == [0, 0], "four of a sign are one in eight"
    assert val([(9, 7), (9, 8), (8, 6), (9, 8)]) == [0, 0], "t is 1.57, and not 5.2, as splits overlap"
    assert val([(9, 3), (9, 4), (8, 2), (9, 4), (8, 3), (9, 3)]) == [1, -1]


def fit(hits):
    packed = np.packbits(np.asarray(hits, dtype=bool)).tobytes().hex()
    scored = {"train_correct": 4, "train_size": 4, "val_correct": 5, "val_size": 10}
    return {**scored, "held_out_hits": packed, "held_out_size": len(hits)}


def test_a_network_beside_the_linear_model_of_its_split():
    replicates = {7: [outcome(6, [0, 1, 2, 0]), outcome(), outcome(6, [0, 1, 0, 0])] * 3}
    fits = {"replicates": [fit([1, 1, 1, 1]), fit([0, 0, 0, 0]), fit([0, 1, 1, 1])] * 3}
    margin = margin_over_linear(replicates, 7, T, fits)
    # apart: 0 0 0 -1 and 1 0 -1 -1: rows -1/4, columns 1/2 0 -1/2 -1; Student's t of five degrees
    error = math.sqrt(np.var([0.5, 0, -0.5, -1], ddof=1) / 4)
    assert margin["apart"] == -0.25
    assert margin["apart_high"] == pytest.approx(-0.25 + 2.570582 * error, abs=1e-5)
    assert margin["apart_low"] == -1
    once = margin_over_linear({7: [outcome(6, [0, 1, 2, 0])]}, 7, T, fits)
    assert once["apart"] == -0.25 and math.isnan(once["apart_low"])
    assert margin_over_linear(replicates, None, T, fits) == {}


def test_a_network_that_was_picked_has_to_beat_the_linear_model_by_more():
    """It was picked as the luckiest of them all, so the interval is one that would hold for each."""
    one = [outcome(6, [0, 1, 2, 0]), outcome(6, [0, 1, 0, 0])] * 3
    fits = {"replicates": [fit([1, 1, 1, 0]), fit([0, 0, 1, 0])] * 3}
    alone, picked = (margin_over_linear(dict.fromkeys(trials, one), 7, T, fits) for trials in ([7], [7, 3]))
    assert picked["apart_high"] > alone["apart_high"]


def test_what_a_linear_model_loses_on_held_out_images():
    fits = [fit([1, 1, 0, 0]), {**fit([1, 0, 0, 0]), "val_correct": 6}] * 3
    linear = baseline_scores({"search": fits[0], "replicates": fits})
    assert (linear["val_mean"], linear["held_out"], linear["loss"]) == (0.55, 0.375, 0.175)
    val = np.var([0.5, 0.6] * 3, ddof=1) * (1 / 6 + 10 / 4)
    held_out = np.var([0.5, 0.25] * 3, ddof=1) / 6 + np.var([1, 0.5, 0, 0], ddof=1) / 4
    assert linear["loss_high"] == pytest.approx(0.175 + 2.570582 * math.sqrt(val + held_out), abs=1e-5)
    assert math.isnan(baseline_scores({"search": fits[0], "replicates": fits[:1]})["loss_low"])


def test_every_replicate_has_a_row():
    frame = scores({7: [outcome(6, [0, 1, 2, 0]), outcome()]}, RANKING, T)
    one, two = frame.to_dict("records")
    assert (one["rank"], one["repeat"], one["val_acc"], one["held_out"]) == (1, 1, 0.6, 0.75)
    assert two["status"] == "diverged" and math.isnan(two["val_acc"]) and math.isnan(two["held_out"])
    frame = curves({7: [outcome(6, T)]}, 7)
    assert frame.to_dict("list") == {
        "repeat": [1, 1], "epoch": [1, 2], "train_acc": [0.25, 0.5], "val_acc": [0.0, 0.6],
    }  # fmt: skip


def test_the_confusion_is_a_mean_over_the_replicates():
    replicates = {7: [outcome(6, [0, 1, 2, 5]), outcome(6, [0, 7, 2, 3]), outcome()]}
    shares = confusion(replicates, 7, T, 10)
    assert shares.shape == (10, 10)
    assert (shares[3, 5], shares[3, 3], shares[1, 7], shares[1, 1]) == (0.5, 0.5, 0.5, 0.5)
    assert shares[0, 0] == shares[2, 2] == 1.0 and shares.sum() == 4  # no image is of another digit
    assert confusion(replicates, None, T, 10).size == 0


def test_the_surest_mistakes_come_first():
    replicates = {
        7: [
            outcome(6, [4, 1, 9, 8], (60, 99, 80, 99)),
            outcome(6, [4, 1, 9, 3], (60, 99, 90, 99)),
            outcome(6, [5, 1, 2, 3], (90, 99, 99, 99)),
        ]
    }
    rows = mistakes(replicates, 7, T).to_dict("records")
    assert [row["row"] for row in rows] == [0, 2, 3]  # 210, 170 and 99 percent in all; 1 is never mistaken
    assert rows[0] == {"row": 0, "label": 0, "taken_for": 4, "wrong": 3, "repeats": 3, "confidence": 0.7}
    assert (rows[1]["wrong"], rows[1]["confidence"], rows[2]["wrong"]) == (2, 0.85, 1)
    assert len(mistakes(replicates, 7, T, most=2)) == 2
    assert mistakes(replicates, None, T).empty
