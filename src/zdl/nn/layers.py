"""The layers of the book's network (chapter 5).

`forward(x)` maps a batch, one image per row, to the output of the layer. `backward(dout)` maps the gradient
of the loss with respect to that output to the gradient with respect to the x of the last `forward`. Both
return new arrays with the dtype of their argument.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


class Affine:
    """x @ W + b, for x (n, d) or (n, c, h, w) with c * h * w = d, W (d, m) and b (m,).

    `backward` leaves the gradients of W and b in `dW` and `db`.
    """

    dW: Array
    db: Array

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        self.x = x.reshape(len(x), len(self.W))
        out: Array = self.x @ self.W
        out += self.b
        return out

    def backward(self, dout: Array) -> Array:
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        dx: Array = dout @ self.W.T.copy()  # NumPy takes a third longer with a transposed view
        return dx.reshape(self.x_shape)


class Relu:
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self.out: Array = np.maximum(x, 0)
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (self.out > 0)


class Sigmoid:
    """1 / (1 + exp(-x))."""

    def forward(self, x: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(-x) may be infinite, and 1 / (1 + inf) is 0, as it should be
            self.out: Array = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1 - self.out) * self.out


class SoftmaxWithLoss:
    """Softmax and the cross entropy of its probabilities y (n, m): the mean of -log(y[i, label i] + 1e-7).

    The 1e-7 is the book's: a probability of 0 gives a loss of 16.1, not infinity.
    """

    def forward(self, x: Array, t: NDArray[Any]) -> float:
        """The loss of scores x (n, m) for t, n labels or one-hot rows (n, m)."""
        self.y, self.t = softmax(x), labels(t)
        return float(-np.log(self.y[np.arange(len(x)), self.t] + 1e-7).sum() / len(x))

    def backward(self, dout: float = 1.0) -> Array:
        """The gradient of dout * loss: dout * (y - one-hot t) / n. As in the book, it ignores the 1e-7."""
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dout * dx / len(dx)


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis. The maximum is subtracted first, so that exp stays finite."""
    y: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def labels(t: NDArray[Any]) -> Labels:
    """Convert t, which is labels (n,) or one-hot rows (n, m), to labels (n,)."""
    return t if t.ndim == 1 else t.argmax(axis=1)
