"""The score of a search: accuracy, or another scorer of scikit-learn, which a problem names as `SCORE`.

Accuracy counts rows, so intervals and tests for counts apply to it. Any other score is only a number; scores
on bootstrap samples of the rows show how it varies (`zdl.data.scoring`). The names are listed here because
importing scikit-learn takes a second, and every process checks the name.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

ACCURACY = "accuracy"
AVERAGES = ("macro", "micro", "weighted")
LABELS = (  # scorers of predicted classes, those with the greatest probability
    *("balanced_accuracy", "matthews_corrcoef"),
    *(
        name
        for metric in ("f1", "jaccard", "precision", "recall")
        for name in (metric, *(f"{metric}_{a}" for a in AVERAGES))
    ),
)
PROBABILITIES = (
    *("average_precision", "d2_brier_score", "d2_log_loss_score", "neg_brier_score", "neg_log_loss"),
    *("roc_auc", "roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr", "roc_auc_ovr_weighted"),
    "top_k_accuracy",
)
NUMBERS = (  # scorers of regression; not neg_max_error: a bootstrap does not show how an extreme varies
    *("d2_absolute_error_score", "explained_variance", "neg_mean_absolute_error"),
    *("neg_mean_absolute_percentage_error", "neg_mean_gamma_deviance", "neg_mean_poisson_deviance"),
    *("neg_mean_squared_error", "neg_mean_squared_log_error", "neg_median_absolute_error"),
    *("neg_root_mean_squared_error", "neg_root_mean_squared_log_error", "r2"),
)
NAMES = (ACCURACY, *LABELS, *PROBABILITIES, *NUMBERS)
IN_WORDS = {
    **{
        "neg": "negative",
        "matthews": "Matthews",
        "corrcoef": "correlation",
        "f1": "F1",
        "jaccard": "Jaccard",
    },
    **{"r2": "R²", "d2": "D²", "roc": "ROC", "auc": "AUC", "brier": "Brier", "poisson": "Poisson"},
}


class Score(NamedTuple):
    """A score by its name; higher is better."""

    name: str = ACCURACY

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> "Score":
        """The score of a learning curve, of the settings under `search`, or of a trial's spec.

        Each of them names its score, unless that is accuracy.
        """
        return cls(mapping.get("score", ACCURACY))

    @property
    def counts(self) -> bool:
        """Whether it is a share of rows. Only then do Wilson's interval and McNemar's test apply."""
        return self.name == ACCURACY

    @property
    def regression(self) -> bool:
        """Whether labels and answers are numbers instead of classes."""
        return self.name in NUMBERS

    @property
    def of_one_class(self) -> bool:
        """Whether, with two classes, it scores the answers to the second one only."""
        return self.name in ("average_precision", "f1", "jaccard", "precision", "recall")

    @property
    def limits(self) -> tuple[float, float]:
        """Its least and its greatest possible value."""
        if self.name.startswith("neg_"):
            return -math.inf, 0.0
        if self.name == "matthews_corrcoef":
            return -1.0, 1.0
        return (-math.inf if self.regression or self.name.startswith("d2_") else 0.0), 1.0

    @property
    def differences(self) -> tuple[float, float]:
        """The least and the greatest possible difference of two scores."""
        low, high = self.limits
        return low - high, high - low

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1, so that all searches can have the same axis."""
        return self.limits == (0.0, 1.0)

    @property
    def title(self) -> str:
        """Its name in words: balanced accuracy, negative mean absolute error."""
        return " ".join(IN_WORDS.get(word, word) for word in self.name.split("_"))

    def floor(self, scores: Sequence[float]) -> float:
        """The bound below which all scores count as equally bad.

        A score that is a thousand times worse than the others would hide their differences, on an axis or
        from a model. The bound is 15 times as far below the best of these scores as their 2/3 quantile is. A
        score with a least possible value has that as its bound.
        """
        if self.limits[0] > -math.inf or not len(scores):
            return self.limits[0]
        best = max(scores)
        gap = best - float(np.quantile(scores, 2 / 3))
        return best - 15 * gap if gap > 0 else -math.inf

    def ends(self, scores: Iterable[float]) -> tuple[float, float]:
        """The ends of an axis that shows these scores.

        They are 0 and 1 if no score can lie outside, so that all searches look alike. Otherwise the axis
        shows all of these scores, except those below the `floor`.
        """
        known = [score for score in scores if not math.isnan(score)]
        if self.is_share or not known:
            return 0.0, 1.0
        floor = self.floor(known)
        low, high = min(score for score in known if score >= floor), max(known)
        pad = 0.04 * (high - low) or 0.5 * abs(high) or 0.5
        return low - pad, high + pad


def score_error(name: object) -> str | None:
    """What is wrong with the name of a score; None if it is valid."""
    if name in NAMES:
        return None
    close = get_close_matches(str(name), NAMES, 4, 0.4)
    hint = f"close: {', '.join(close)}" if close else "such as balanced_accuracy, roc_auc, r2"
    return f"SCORE: {name!r} is none of scikit-learn's scorers of answers to rows ({hint})"
