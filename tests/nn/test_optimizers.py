"""The six update rules: many steps against the book's own code, and two of Adam worked by hand."""

import numpy as np
import pytest

from tests import book
from zdl import Error
from zdl.nn.optimizers import OPTIMIZERS, hyperparameters, make


def test_two_steps_of_adam_by_hand():
    """p = 1; gradients 2, then -1; lr 0.1."""
    optimizer, params = make("adam", lr=0.1), {"W1": np.array([1.0])}
    # m = 0.2, v = 0.004, lr_t = 0.1 * sqrt(0.001) / 0.1
    first = 1 - 0.1 * 0.001**0.5 / 0.1 * 0.2 / (0.004**0.5 + 1e-7)
    m, v = 0.2 + 0.1 * (-1 - 0.2), 0.004 + 0.001 * (1 - 0.004)
    second = first - 0.1 * (1 - 0.999**2) ** 0.5 / (1 - 0.9**2) * m / (v**0.5 + 1e-7)
    for gradient, expected in ((2.0, first), (-1.0, second)):
        optimizer.update(params, {"W1": np.array([gradient])})
        assert params["W1"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_many_steps_as_the_book_takes_them(name):
    rng = np.random.default_rng(3)
    ours = {"W1": rng.standard_normal((3, 4)), "b1": rng.standard_normal(4)}
    books = {key: p.copy() for key, p in ours.items()}
    optimizer, theirs = make(name, lr=0.05), book.OPTIMIZERS[name](lr=0.05)
    for _ in range(20):
        grads = {key: rng.standard_normal(p.shape) for key, p in ours.items()}
        optimizer.update(ours, {key: g.copy() for key, g in grads.items()})
        theirs.update(books, grads)
    for key, p in ours.items():
        np.testing.assert_allclose(p, books[key], rtol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_arrays_change_in_place_and_keep_their_type(name):
    p = np.ones(3, np.float32)
    make(name, lr=0.1).update({"b1": p}, {"b1": np.ones(3, np.float32)})
    assert p.dtype == np.float32 and (p < 1).all()


def test_names_and_hyperparameters():
    assert type(make("AdaGrad", lr=1.0)) is OPTIMIZERS["adagrad"]
    assert hyperparameters("Nesterov") == ("lr", "momentum") and hyperparameters("SGD") == ("lr",)
    assert (
        make("sgd", lr=0.5, momentum=0.3, beta1=0.1).lr == 0.5
    )  # one set of settings serves every optimizer
    with pytest.raises(Error, match="'sdg' is not known \\(allowed: sgd, momentum"):
        make("sdg", lr=1.0)
    with pytest.raises(Error, match="has no rate"):
        make("sgd", rate=1.0)
