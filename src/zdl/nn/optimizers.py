"""The six optimizers of the book (section 6.1), each with the book's update rule.

`make("adam", lr=0.001)` gives one by name; `hyperparameters("adam")` names those that it uses.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature

import numpy as np

from zdl import Error
from zdl.nn.layers import Array


class Optimizer:
    """Changes parameters in place. A subclass is one update rule, `step`, for one array."""

    memories = 0  # how many arrays a step remembers for each array of parameters; they start at zero
    step: Callable[..., None]  # step(p, g, *memories) changes p, which has the gradient g, and its memories

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr
        self.t = 0
        self.memory: dict[str, list[Array]] = {}

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step: every array of `params` changes by the gradient of the same name."""
        self.t += 1
        for key, p in params.items():
            self.step(p, grads[key], *self.memory_of(key, p))

    def memory_of(self, key: str, p: Array) -> list[Array]:
        """The memories of the array `p` with the name `key`."""
        if key not in self.memory:
            self.memory[key] = [np.zeros_like(p) for _ in range(self.memories)]
        return self.memory[key]


class SGD(Optimizer):
    """Stochastic gradient descent: straight down the slope of the batch."""

    def step(self, p: Array, g: Array) -> None:
        p -= self.lr * g


class Momentum(Optimizer):
    """SGD with a velocity v. Each step multiplies v by `momentum` and subtracts lr times the gradient."""

    memories = 1

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = momentum

    def step(self, p: Array, g: Array, v: Array) -> None:
        v *= self.momentum
        v -= self.lr * g
        p += v


class Nesterov(Momentum):
    """Nesterov's momentum. p is momentum * v ahead of the parameters (Bengio et al., arXiv:1212.0901)."""

    def step(self, p: Array, g: Array, v: Array) -> None:
        p += self.momentum * self.momentum * v
        p -= (1 + self.momentum) * self.lr * g
        v *= self.momentum
        v -= self.lr * g


class AdaGrad(Optimizer):
    """Steps divided by the root of h, the sum of all squared gradients (Duchi et al., JMLR 12, 2011)."""

    memories = 1

    def step(self, p: Array, g: Array, h: Array) -> None:
        h += g * g
        p -= self.lr * g / (np.sqrt(h) + 1e-7)


class RMSprop(Optimizer):
    """AdaGrad with a running mean h instead of the sum; `decay_rate` weights the old h (Hinton, 2012)."""

    memories = 1

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr)
        self.decay_rate = decay_rate

    def step(self, p: Array, g: Array, h: Array) -> None:
        h *= self.decay_rate
        h += (1 - self.decay_rate) * g * g
        p -= self.lr * g / (np.sqrt(h) + 1e-7)


class Adam(Optimizer):
    """Running means m of gradients and v of their squares (Kingma and Ba, arXiv:1412.6980).

    The means start at zero and are too small at first. As at the end of the paper's section 2, lr is
    corrected for that instead of m and v.
    """

    memories = 2

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr)
        self.beta1, self.beta2 = beta1, beta2

    def step(self, p: Array, g: Array, m: Array, v: Array) -> None:
        lr = self.lr * math.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g * g - v)
        p -= lr * m / (np.sqrt(v) + 1e-7)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}


@cache
def hyperparameters(name: str) -> tuple[str, ...]:
    """The hyper-parameters of the optimizer `name`, in any letter case: ("lr", "momentum") for "Nesterov"."""
    if name.lower() not in OPTIMIZERS:
        raise Error(f"optimizer: {name!r} is not known (allowed: {', '.join(OPTIMIZERS)})")
    return tuple(signature(OPTIMIZERS[name.lower()]).parameters)


def make(name: str, **settings: float) -> Optimizer:
    """The optimizer `name`, in any letter case, with those of `settings` that it uses.

    One set of settings therefore works for every optimizer. A setting that no optimizer has raises an
    `Error`.
    """
    own, known = hyperparameters(name), {each for other in OPTIMIZERS for each in hyperparameters(other)}
    if unknown := sorted(settings.keys() - known):
        raise Error(f"optimizer {name}: has no {', '.join(unknown)} (allowed: {', '.join(own)})")
    return OPTIMIZERS[name.lower()](**{each: settings[each] for each in own if each in settings})
