"""The book's schedule and the book's curves: its loop restated, both fed the same draws."""

import warnings

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from tests import book
from zdl import Error
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import make
from zdl.nn.trainer import Trainer

HIDDEN = [100] * 6


def mnist_like(n, seed=0):
    """Ten noisy prototypes, mostly dark: shaped like MNIST and learned as fast."""
    rng = np.random.default_rng(seed)
    prototypes = rng.random((10, 784)) * (rng.random((10, 784)) < 0.2)
    t = rng.integers(10, size=n)
    noise = rng.random((n, 784)) * (rng.random((n, 784)) < 0.3) * (prototypes.max(axis=0) > 0)
    return (0.4 * prototypes[t] + 0.6 * noise).astype(np.float32), t


X, T = mnist_like(500)
SPLIT = (X[100:], T[100:], X[:100], T[:100])


def train(lr=0.01, decay=0.0, optimizer="sgd", seed=7, hidden=(20,), split=SPLIT, dtype=np.float64, **how):
    rng = np.random.default_rng(seed)
    network = MultiLayerNet(784, hidden, 10, weight_decay=decay, dtype=dtype, rng=rng)
    return Trainer(network, *split, optimizer=make(optimizer, lr=lr), rng=rng, **how).train()


def train_by_the_book(lr, decay, optimizer, seed=7):
    rng = np.random.default_rng(seed)
    network = book.MultiLayerNet(
        [784, *HIDDEN, 10], "relu", "relu", decay, lambda *shape: rng.standard_normal(shape)
    )
    trainer = book.Trainer(
        network,
        *SPLIT,
        50,
        100,
        book.OPTIMIZERS[optimizer](lr=lr),
        lambda n, size: rng.integers(n, size=size),
    )
    trainer.train()
    return trainer, network.accuracy(*SPLIT[2:])


@pytest.mark.parametrize(
    ("lr", "decay", "optimizer"),
    [
        (0.01, 1e-5, "sgd"),
        (1e-6, 1e-8, "sgd"),
        (0.005, 1e-6, "momentum"),
        (5e-4, 1e-5, "adam"),
    ],
)
def test_curves_equal_those_of_the_books_loop(lr, decay, optimizer):
    theirs, final = train_by_the_book(lr, decay, optimizer)
    ours = train(lr, decay, optimizer, hidden=HIDDEN, epochs=50, batch_size=100)
    assert len(ours.val_correct) == 50
    assert [k / 400 for k in ours.train_correct] == theirs.train_acc_list
    assert [k / 100 for k in ours.val_correct] == theirs.test_acc_list
    assert np.count_nonzero(ours.final_hits) / 100 == final
    assert lr < 1e-4 or max(ours.val_correct) > 30, "the network learned"


def test_a_divergence_is_where_the_books_is():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        theirs, _ = train_by_the_book(30.0, 0.0, "sgd")
    ours = train(30.0, hidden=HIDDEN, epochs=50, batch_size=100)
    seen = len(ours.val_correct)
    assert ours.status == "diverged" and ours.final_hits is None
    assert 0 < seen < 50 and len(ours.loss) < 200
    assert [k / 100 for k in ours.val_correct] == theirs.test_acc_list[:seen]
    assert np.isfinite(ours.loss).all()


@pytest.mark.parametrize(
    ("batch_size", "updates", "first"),
    [(100, 12, [0, 4, 8]), (30, 40, [0, 14, 27]), (1000, 3, [0, 1, 2]), (400, 3, [0, 1, 2])],
)
def test_the_schedule(batch_size, updates, first):
    lines = []
    history = train(epochs=3, batch_size=batch_size, say=lines.append)
    assert len(history.loss) == updates and history.epochs == 3
    steps = [line.startswith("=== epoch") for line in lines[:-2]]
    losses_before = [sum(not step for step in steps[:i]) for i, step in enumerate(steps) if step]
    assert losses_before == [i + 1 for i in first]  # each evaluation comes after its update


def test_it_prints_what_the_book_prints():
    lines = []
    history = train(epochs=2, batch_size=200, say=lines.append)
    accuracies = f"train acc:{history.train_correct[0] / 400}, test acc:{history.val_correct[0] / 100}"
    assert lines[:2] == [f"train loss:{history.loss[0]}", f"=== epoch:1, {accuracies} ==="]
    final = f"test acc:{np.count_nonzero(history.final_hits) / 100}"
    assert lines[-2:] == ["=============== Final Test Accuracy ===============", final]


def test_the_first_loss_is_from_before_the_update():
    history = train(lr=0.5, epochs=1, batch_size=50)
    rng = np.random.default_rng(7)
    network = MultiLayerNet(784, (20,), 10, rng=rng)
    rows = rng.integers(400, size=50)
    assert history.loss[0] == pytest.approx(network.loss(X[100:][rows], T[100:][rows]), rel=1e-12)


def test_only_the_first_so_many_images_are_evaluated():
    some, every = train(epochs=2, evaluate_samples=30), train(epochs=2)
    assert (some.train_size, some.val_size) == (30, 30)
    assert len(some.val_hits) == 30 and len(some.final_hits) == 100
    assert (some.val_hits == every.val_hits[:30]).all()
    assert some.val_correct[-1] == np.count_nonzero(some.val_hits)


def test_seeds_and_types():
    assert train(epochs=2).loss == train(epochs=2).loss
    assert train(epochs=2).loss != train(epochs=2, seed=8).loss
    near = train(epochs=2, dtype=np.float32).loss
    assert near == pytest.approx(train(epochs=2).loss, rel=1e-4) and near != train(epochs=2).loss


def test_no_images_is_an_error():
    with pytest.raises(Error, match="0 for validation"):
        train(split=(X, T, X[:0], T[:0]))


def test_a_step_is_scikit_learns():
    """One full batch of SGD. Scikit-learn divides its alpha by the batch size: alpha = lambda * n."""
    x, t = X[:40].astype(np.float64), np.arange(40) % 10
    network = MultiLayerNet(784, (8,), 10, weight_decay=0.01, rng=np.random.default_rng(0))
    theirs = MLPClassifier(
        (8,), solver="sgd", alpha=0.01 * 40, batch_size=40, learning_rate_init=0.1, momentum=0, shuffle=False
    )
    theirs.partial_fit(x, t, classes=range(10))  # makes its arrays
    for i in range(2):
        theirs.coefs_[i][:] = network.params[f"W{i + 1}"]
        theirs.intercepts_[i][:] = network.params[f"b{i + 1}"]
    theirs.partial_fit(x, t)
    make("sgd", lr=0.1).update(network.params, network.gradient(x, t))
    for i in range(2):
        np.testing.assert_allclose(network.params[f"W{i + 1}"], theirs.coefs_[i], atol=1e-6)
        np.testing.assert_allclose(network.params[f"b{i + 1}"], theirs.intercepts_[i], atol=1e-6)
