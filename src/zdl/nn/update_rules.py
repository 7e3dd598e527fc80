"""Try the update rule of an optimizer on a few numbers, to find out whether it treats every number alike and
whether it is linear. Fast training relies on both."""

from collections.abc import Mapping
from copy import copy

import numpy as np

from zdl.nn.layers import Array
from zdl.nn.optimizers import Optimizer


def step_matrix(optimizer: Optimizer) -> Array | None:
    """The matrix of a step from (p, memories, g) to (p, memories); None unless linear and constant."""
    numbers = np.random.default_rng(0).standard_normal((optimizer.memories + 2, 8))
    numbers[:-1, :4] = 0  # beside other numbers, a small step would be lost
    matrix = after_step(optimizer, np.eye(len(numbers)))
    steps = [after_step(optimizer, numbers, t) for t in (1, 1000)]
    return matrix if all(np.allclose(step, matrix @ numbers, rtol=1e-9, atol=0) for step in steps) else None


def is_elementwise(optimizer: Optimizer) -> bool:
    """Whether an optimizer has made no step yet, and its step treats every number alike and by itself."""
    if type(optimizer).update is not Optimizer.update or optimizer.t or optimizer.memory:
        return False
    numbers = 1 + np.random.default_rng(0).random((optimizer.memories + 2, 4, 2))
    parts = [after_step(optimizer, part) for part in np.split(numbers.reshape(len(numbers), 8), [3], axis=1)]
    result = after_step(optimizer, numbers).reshape(len(numbers) - 1, 8)
    return np.allclose(result, np.hstack(parts), rtol=1e-9, atol=0)


def after_step(optimizer: Optimizer, state: Array, t: int = 1) -> Array:
    """p and the memories after step number t, from `state`, which stacks p, the memories and g."""
    rule, (p, *memories, g) = copy(optimizer), state.copy()
    rule.t = t
    rule.step(p, g, *memories)
    return np.stack([p, *memories])


class Scaled(Optimizer):
    """A linear rule without memories. Gradients are scaled for it, and its factors include weight decay."""

    def __init__(self, W: float, b: float) -> None:
        super().__init__()
        self.factors = {"W": float(W), "b": float(b)}  # by which a step multiplies parameters

    def update(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        self.t += 1
        for key, p in params.items():
            if self.factors[key[0]] != 1:
                np.multiply(p, self.factors[key[0]], out=p)
            np.add(p, grads[key], out=p)
