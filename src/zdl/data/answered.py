"""Estimators that return their rows as answers, to pass given answers to scikit-learn's scorers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin


class Numbers(BaseEstimator):  # type: ignore[misc]
    """A regressor whose rows are its answers, numbers (n,)."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return x


class Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose rows are its answers, probabilities (n, classes)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(self.classes)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(x.argmax(axis=1))

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        return x
