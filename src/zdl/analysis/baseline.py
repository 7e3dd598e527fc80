"""A linear model on the same rows: beside it one sees whether a deep network is worth having.

A problem may bring its own. Otherwise it is scikit-learn's LogisticRegression with its own penalty, which
nobody tuned, on standardised columns. Its loss is convex, so there is one best set of weights; solved to
eight digits, it answers alike on every machine.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis.outcomes import (
    Labels,
    Replicates,
    mean_and_deviation,
    mean_share,
    outcomes,
    recognised,
    recognised_by_linear,
    with_interval,
)
from zdl.analysis.statistics import (
    ALPHA,
    crossed_standard_error,
    standard_error_over_splits,
    student_interval,
)
from zdl.artifacts.encoding import decode_npz, sealed_json
from zdl.data.rows import Split
from zdl.search.replicates import split_again

Make = Callable[[], Any]  # of a model of scikit-learn


def baseline(
    prepared: bytes,
    held_out: bytes,
    splits: Sequence[Mapping[str, Any]],
    linear: Make | None,
    digest: str,
) -> bytes:
    """The file of the linear models: `splits` are the search's, and that of each replicate."""
    rows, unseen = decode_npz(prepared), decode_npz(held_out)
    first, *others = (fitted(linear or standardised, split_again(rows, each), unseen) for each in splits)
    return sealed_json({"digest": digest, "search": first, "replicates": others})


def standardised() -> Any:
    """Softmax regression on columns of mean 0 and variance 1, with their means where a number is missing."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    solved = LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=1000)
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), solved)


def fitted(make: Make, split: Split, held_out: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The outcome of a fit to the training rows of `split`: how many rows of each set it answers correctly,
    and which of the held-out ones (x, t), one bit a row in hexadecimal."""
    from sklearn.dummy import DummyClassifier

    one_class = len(set(split.t_train)) < 2  # between which there is no boundary to learn
    model = DummyClassifier(strategy="most_frequent") if one_class else make()
    model.fit(_flat(split.x_train), split.t_train)
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


def _flat(x: NDArray[Any]) -> NDArray[np.float64]:
    return x.reshape(len(x), -1).astype(np.float64)


def baseline_scores(contents: Mapping[str, Any]) -> dict[str, float]:
    """What the file of the linear models says, in the terms of `zdl.analysis.replication.confirmed`:
    `val_acc` on the search's split, `val_mean` and `val_sd` on those of the replicates, and `held_out` with
    its interval.

    `loss` is `val_mean` less `held_out`: how much harder the held-out rows are, as no search picked this
    model. Its 95 % interval, `loss_low` to `loss_high` (blank for one split), is from the errors of both.
    """
    fits = contents["replicates"]
    val_mean, val_sd = mean_and_deviation([fit["val_correct"] / fit["val_size"] for fit in fits])
    hits = np.array([recognised_by_linear(fit) for fit in fits])
    held_out, low, high = mean_share(hits)
    val_error = standard_error_over_splits(val_sd, len(fits), fits[0]["val_size"] / fits[0]["train_size"])
    loss, error = val_mean - held_out, math.hypot(val_error, crossed_standard_error(hits))
    return {
        "val_acc": contents["search"]["val_correct"] / contents["search"]["val_size"],
        "val_mean": val_mean,
        "val_sd": val_sd,
        "held_out": held_out,
        "held_out_low": low,
        "held_out_high": high,
        **with_interval("loss", loss, student_interval(loss, error, len(fits), within=(-1, 1))),
    }


def margin_over_linear(
    replicates: Replicates, trial: int | None, t: Labels, contents: Mapping[str, Any]
) -> dict[str, float]:
    """How much more of the held-out rows a trial's networks answer correctly than the linear models on the
    same splits: `apart`, and its 95 % interval `apart_low` to `apart_high`, blank for one split
    (`crossed_standard_error` of the differences row by row). Empty without a trial.

    The trial was picked as the best, and its networks are partly lucky. So the interval is one of those that
    would hold for all trials with replicates at once (Bonferroni)."""
    fits = zip(contents["replicates"], outcomes(replicates, trial), strict=False)
    pairs = [(fit, outcome) for fit, outcome in fits if outcome["final"]]
    if not pairs:
        return {}
    hits = np.array(
        [recognised(outcome, t).astype(int) - recognised_by_linear(fit) for fit, outcome in pairs]
    )
    apart = float(hits.mean())
    error, confidence = crossed_standard_error(hits), 1 - ALPHA / len(replicates)
    interval = student_interval(apart, error, len(hits), within=(-1, 1), confidence=confidence)
    return with_interval("apart", apart, interval)
