"""The linear model that networks are compared with, fitted to the same rows.

A problem may define its own. The default is scikit-learn's LogisticRegression (Ridge in regression) with its
default penalty, on standardised columns. Its loss is convex and it is solved to eight digits, so it gives the
same answers on every machine.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.analysis.outcomes import (
    Labels,
    Replicates,
    held_out_scores,
    linear_scores,
    mean_and_deviation,
    mean_score,
    outcomes,
    score_of,
    with_interval,
)
from zdl.analysis.statistics import ALPHA, standard_error_over_splits, student_interval
from zdl.artifacts.encoding import decode_npz, sealed_json
from zdl.data.rows import Split
from zdl.data.scores import Score
from zdl.data.scoring import redrawn, scored
from zdl.search.replicates import split_again

MakeModel = Callable[[], Any]  # returns a model of scikit-learn that is not fitted


def baseline(
    prepared: bytes,
    held_out: bytes,
    splits: Sequence[Mapping[str, Any]],
    linear: MakeModel | None,
    *,
    score: str,
    digest: str,
) -> bytes:
    """The file of the linear models. `splits` are the search's split and that of each replicate. For a score
    other than accuracy, the file also has what `guess` scores."""
    rows, held_out_rows = decode_npz(prepared), decode_npz(held_out)
    scorer = Score(score)
    new_model = linear or (ridge if scorer.regression else logistic_regression)
    fit = fit_outcome if scorer.counts else partial(fit_outcome_by_score, scorer)
    search_fit, *replicate_fits = (
        fit(new_model, split_again(rows, split), held_out_rows) for split in splits
    )
    contents: dict[str, Any] = {"digest": digest, "search": search_fit, "replicates": replicate_fits}
    if not scorer.counts:
        contents["guess"] = guess(scorer, split_again(rows, splits[0]), held_out_rows)
    return sealed_json(contents)


def logistic_regression() -> Any:
    """Softmax regression on standardised columns; a missing number becomes the mean of its column."""
    from sklearn.linear_model import LogisticRegression

    return _with_standardised_columns(LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=1000))


def ridge() -> Any:
    """Ridge regression on standardised columns; a missing number becomes the mean of its column."""
    from sklearn.linear_model import Ridge

    return _with_standardised_columns(Ridge())


def _with_standardised_columns(model: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), model)


def fit_outcome(new_model: MakeModel, split: Split, held_out: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Fit a model to the training rows of `split`. Returns how many rows of each set it answers correctly,
    and which of the held-out rows (x, t), as one bit a row in hexadecimal."""
    model = _fit(new_model, split)
    train, val, hits = (
        model.predict(_flat(x)) == t
        for x, t in (
            (split.x_train, split.t_train),
            (split.x_val, split.t_val),
            (held_out["x"], held_out["t"]),
        )
    )
    return {
        "train_correct": int(train.sum()),
        "train_size": len(train),
        "val_correct": int(val.sum()),
        "val_size": len(val),
        "held_out_hits": np.packbits(hits).tobytes().hex(),
        "held_out_size": len(hits),
    }


def fit_outcome_by_score(
    score: Score, new_model: MakeModel, split: Split, held_out: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Fit a model to the training rows of `split`. Returns its score on each set, and on bootstrap samples of
    the held-out rows."""
    model = _fit(new_model, split)
    train_answers, val_answers, held_out_answers = (
        _answers(score, model, x, len(split.classes)) for x in (split.x_train, split.x_val, held_out["x"])
    )
    return {
        "score": score.name,
        "train": scored(score, train_answers, split.t_train),
        "train_size": len(train_answers),
        "val": scored(score, val_answers, split.t_val),
        "val_size": len(val_answers),
        "held_out": scored(score, held_out_answers, held_out["t"]),
        "held_out_redrawn": redrawn(score, held_out_answers, held_out["t"]),
    }


def _fit(new_model: MakeModel, split: Split) -> Any:
    from sklearn.dummy import DummyClassifier

    one_class = len(split.classes) > 0 and len(set(split.t_train)) < 2  # there is no boundary to learn
    model = DummyClassifier(strategy="most_frequent") if one_class else new_model()
    return model.fit(_flat(split.x_train), split.t_train)


def guess(score: Score, split: Split, held_out: Mapping[str, NDArray[Any]]) -> list[float]:
    """The scores, on validation and on held-out rows, of giving every row the same answer: the shares of the
    classes among the training rows, or in regression the mean of their labels."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyRegressor() if score.regression else DummyClassifier(strategy="prior")
    model.fit(_flat(split.x_train), split.t_train)
    sets = ((split.x_val, split.t_val), (held_out["x"], held_out["t"]))
    return [scored(score, _answers(score, model, x, len(split.classes)), t) for x, t in sets]


def _answers(score: Score, model: Any, x: NDArray[Any], classes: int) -> NDArray[Any]:
    """The answers in the form of a problem's predictor: (n, classes), with probability 0 for a class that no
    training row has; in regression (n,)."""
    if score.regression:
        return np.asarray(model.predict(_flat(x)), np.float64)
    if not hasattr(model, "predict_proba"):
        raise Error(f"linear: its model has no predict_proba (needed: one, to compute {score.name})")
    shares = np.zeros((len(x), classes))
    shares[:, model.classes_] = model.predict_proba(_flat(x))
    return shares


def _flat(x: NDArray[Any]) -> NDArray[np.float64]:
    return x.reshape(len(x), -1).astype(np.float64)


def baseline_scores(contents: Mapping[str, Any]) -> dict[str, float]:
    """The scores of the linear models, under the names of `zdl.analysis.replication.confirmed`: `val_acc` on
    the search's split, `val_mean` and `val_sd` on those of the replicates, and `held_out` with its interval.

    `loss` is `val_mean` less `held_out`. No search picked this model, so it shows how much harder the
    held-out rows are. Its 95 % interval is `loss_low` to `loss_high`, NaN for one split.
    """
    fits = contents["replicates"]
    val_mean, val_sd = mean_and_deviation([_val(fit) for fit in fits])
    held_out_scores = linear_scores(fits)
    held_out_mean, low, high = mean_score(held_out_scores)
    val_error = standard_error_over_splits(val_sd, len(fits), fits[0]["val_size"] / fits[0]["train_size"])
    loss, error = val_mean - held_out_mean, math.hypot(val_error, held_out_scores.error())
    interval = student_interval(loss, error, len(fits), Score.of(fits[0]).differences)
    return {
        "val_acc": _val(contents["search"]),
        "val_mean": val_mean,
        "val_sd": val_sd,
        "held_out": held_out_mean,
        "held_out_low": low,
        "held_out_high": high,
        **with_interval("loss", loss, interval),
    }


def _val(fit: Mapping[str, Any]) -> float:
    """The score of the validation rows."""
    return float(fit["val"] if "score" in fit else fit["val_correct"] / fit["val_size"])


def margin_over_linear(
    replicates: Replicates, trial: int | None, t: Labels, contents: Mapping[str, Any]
) -> dict[str, float]:
    """How much better a trial's networks score on the held-out rows than the linear models on the same
    splits: `apart`, and its 95 % interval `apart_low` to `apart_high`, NaN for one split. Empty without a
    trial.

    The trial was picked as the best, so its score is partly luck. The interval is therefore corrected for the
    number of trials that have replicates (Bonferroni)."""
    fits = zip(contents["replicates"], outcomes(replicates, trial), strict=False)
    pairs = [(fit, outcome) for fit, outcome in fits if outcome["final"]]
    if not pairs:
        return {}
    models, networks = zip(*pairs, strict=True)
    difference, error = held_out_scores(networks, t).difference(linear_scores(models))
    limits, confidence = score_of(networks).differences, 1 - ALPHA / len(replicates)
    interval = student_interval(difference, error, len(pairs), limits, confidence=confidence)
    return with_interval("apart", difference, interval)
