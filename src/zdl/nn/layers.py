"""The layers of the book's network: each goes forward, and keeps what it needs to go back.

`forward(x)` maps a batch, one image a row, to the layer's output. `backward(dout)` maps the gradient of
the loss by that output to its gradient by the x of the last forward pass. Both give new arrays, in the
dtype of what they are given: nothing that was handed out changes later, but for an affine layer's dW and
db. `narrow(rows)` goes on as if the last forward pass had been of those of its images only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


class Affine:
    """x @ W + b, for x (n, d) or (n, c, h, w) with c * h * w = d, W (d, m) and b (m,).

    Each way back writes its gradients over those of the one before, into dW (d, m) and db (m,).
    """

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b
        self.dW, self.db = np.empty_like(W), np.empty_like(b)

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        self.x = x.reshape(len(x), len(self.W))
        out: Array = self.x @ self.W
        out += self.b
        return out

    def backward(self, dout: Array) -> Array:
        self.differentiate(dout)
        dx: Array = dout @ self.W.T.copy()  # NumPy takes a quarter longer with a transposed view
        return dx.reshape(self.x_shape)

    def differentiate(self, dout: Array) -> None:
        """dW and db alone: all that the first layer needs, for nobody asks how to change an image."""
        np.matmul(self.x.T, dout, out=self.dW)
        np.sum(dout, axis=0, out=self.db)

    def narrow(self, rows: Labels) -> None:
        self.x, self.x_shape = self.x[rows], (len(rows), *self.x_shape[1:])


class Relu:
    """max(x, 0)."""

    def forward(self, x: Array) -> Array:
        self.out: Array = np.maximum(x, np.zeros_like(x))  # NumPy takes three times as long with the number 0
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (self.out > 0)

    def narrow(self, rows: Labels) -> None:
        self.out = self.out[rows]


class Sigmoid:
    """1 / (1 + exp(-x))."""

    def forward(self, x: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(-x) may be infinite: 1 / (1 + inf) is the 0 that is meant
            self.out: Array = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1 - self.out) * self.out

    def narrow(self, rows: Labels) -> None:
        self.out = self.out[rows]


class SoftmaxWithLoss:
    """Softmax, and the cross entropy of its probabilities y (n, m): the mean of -log(y[i, label i] + 1e-7).

    1e-7 is the book's: the loss of a class given up for lost is 16.1, not infinite.
    """

    def forward(self, x: Array, t: NDArray[Any]) -> float:
        """The loss of scores x (n, m) for t, n labels or one-hot rows (n, m)."""
        self.y, self.t = softmax(x), labels(t)
        return float(-np.log(self.y[np.arange(len(x)), self.t] + 1e-7).sum() / len(x))

    def backward(self, dout: float = 1.0) -> Array:
        """The gradient of dout * loss by x: (y - one-hot t) / n. As the book's, it leaves out the 1e-7."""
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        dx *= dout
        dx /= len(dx)
        return dx


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis; a row's greatest is taken off first, so exp stays finite."""
    y: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def labels(t: NDArray[Any]) -> Labels:
    """Labels (n,) as they are, one-hot rows (n, m) as labels."""
    return t if t.ndim == 1 else t.argmax(axis=1)
