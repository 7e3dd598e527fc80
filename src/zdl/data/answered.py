"""Estimators of scikit-learn whose rows are the answers themselves, to hand these to scorers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin


class Numbers(BaseEstimator):  # type: ignore[misc]
    """Answers (n,) of a regression."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return x


class Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Answers (n, classes) that are probabilities."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(self.classes)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(x.argmax(axis=1))

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        return x
