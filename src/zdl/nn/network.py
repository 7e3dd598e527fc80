"""The book's network (chapter 6): affine layers with activations between them, softmax, and L2 weight decay.

network = MultiLayerNet(784, [100, 100], 10, rng=np.random.default_rng(0))
loss, grads = network.loss_and_gradient(x, t)
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zdl import Error
from zdl.nn.layers import Affine, Array, Relu, Sigmoid, SoftmaxWithLoss, labels

ACTIVATIONS: dict[str, type[Relu] | type[Sigmoid]] = {"relu": Relu, "sigmoid": Sigmoid}
VARIANCES = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0}  # variances of initial weights, times n


class MultiLayerNet:
    """A fully connected network for `output_size` classes, with all arithmetic in `dtype`.

    `params` holds the arrays by the book's names: W1 (input_size, hidden_sizes[0]), b1, W2, ... The layers
    use the same arrays, so change them in place. Initial weights are normal numbers from `rng`, W1 first,
    times sqrt(2/n) for n inputs of the layer (`weight_init` relu or he: He et al., arXiv:1502.01852),
    sqrt(1/n) (sigmoid or xavier: Glorot and Bengio, AISTATS 2010) or a number; biases start at zero. The
    loss is the cross entropy plus 0.5 * weight_decay * sum(W**2) over all weights, biases excluded.
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        output_size: int,
        *,
        activation: str = "relu",
        weight_init: str | float = "relu",
        weight_decay: float = 0.0,
        dtype: DTypeLike = np.float64,
        rng: np.random.Generator,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise Error(f"activation: {activation!r} is not known (allowed: {', '.join(ACTIVATIONS)})")
        self.activation, self.weight_decay, self.dtype = activation, weight_decay, np.dtype(dtype)
        self.params: dict[str, Array] = {}
        self.layers: list[Affine | Relu | Sigmoid] = []
        for i, (n, m) in enumerate(pairwise([input_size, *hidden_sizes, output_size]), start=1):
            W = _scale(weight_init, n) * rng.standard_normal((n, m))
            self.params[f"W{i}"], self.params[f"b{i}"] = W.astype(dtype), np.zeros(m, dtype)
            self.layers.append(Affine(self.params[f"W{i}"], self.params[f"b{i}"]))
            self.layers.append(ACTIVATIONS[activation]())
        self.layers.pop()  # softmax takes the scores of the last affine layer as they are
        self.last_layer = SoftmaxWithLoss()

    @property
    def affines(self) -> list[Affine]:
        """The layers that have parameters: the first has W1 and b1."""
        return [layer for layer in self.layers if isinstance(layer, Affine)]

    def predict(self, x: NDArray[Any]) -> Array:
        """The scores (n, output_size) of images x (n, ...). The greatest is the answer, and softmax turns
        them into probabilities."""
        out: Array = np.asarray(x, self.dtype)
        for layer in self.layers:
            out = layer.forward(out)
        return out

    def loss(self, x: NDArray[Any], t: NDArray[Any]) -> float:
        """The loss of images x (n, ...) for t, n labels or one-hot rows, weight decay included."""
        loss = self.last_layer.forward(self.predict(x), t)
        if self.weight_decay:
            loss += 0.5 * self.weight_decay * sum(float(np.vdot(layer.W, layer.W)) for layer in self.affines)
        return loss

    def accuracy(self, x: NDArray[Any], t: NDArray[Any]) -> float:
        """The share of images x (n, ...) whose answer is t."""
        return float((self.predict(x).argmax(axis=1) == labels(t)).mean())

    def gradient(self, x: NDArray[Any], t: NDArray[Any]) -> dict[str, Array]:
        """The gradient of the loss with respect to every array of `params`, by the same names."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: NDArray[Any], t: NDArray[Any]) -> tuple[float, dict[str, Array]]:
        """The loss and the gradient, from one forward pass. (The book makes a second one for the loss.)"""
        loss = self.loss(x, t)
        dout = self.last_layer.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        grads = {}
        for i, affine in enumerate(self.affines, start=1):
            affine.dW += self.weight_decay * affine.W
            grads[f"W{i}"], grads[f"b{i}"] = affine.dW, affine.db
        return loss, grads

    def numerical_gradient(self, x: NDArray[Any], t: NDArray[Any]) -> dict[str, Array]:
        """Compute `gradient` by finite differences, to check it. This is slow, and needs float64."""
        return {key: numerical_gradient(lambda _: self.loss(x, t), p) for key, p in self.params.items()}


def numerical_gradient(f: Callable[[Array], float], x: Array) -> Array:
    """The gradient of f at x by central differences, (f(x + h) - f(x - h)) / 2h with the book's h = 1e-4.

    x changes in place during the calls, and is restored after each.
    """
    h = 1e-4
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        value = x[i]
        x[i] = value + h
        above = f(x)
        x[i] = value - h
        below = f(x)
        x[i] = value
        grad[i] = (above - below) / (2 * h)
    return grad


def _scale(weight_init: str | float, n: int) -> float:
    """The standard deviation of the initial weights of a layer with n inputs."""
    if not isinstance(weight_init, str):
        return weight_init
    if weight_init.lower() not in VARIANCES:
        raise Error(f"weight_init: {weight_init!r} is not known (allowed: {', '.join(VARIANCES)}, a number)")
    return math.sqrt(VARIANCES[weight_init.lower()] / n)
