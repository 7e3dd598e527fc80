"""The fast trainer against the plain one: the same counts, losses and weights."""

import numpy as np
import pytest

from tests.nn.test_trainer import SPLIT, T, X
from zdl.nn.fast import FastTrainer
from zdl.nn.layers import Affine
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import OPTIMIZERS, make
from zdl.nn.trainer import Trainer

CASES = [
    *({"optimizer": name} for name in OPTIMIZERS),
    {"optimizer": "sgd", "activation": "sigmoid", "batch_size": 30},
    {"optimizer": "sgd", "weight_decay": 0.0, "evaluate_samples": 30},
    {"optimizer": "momentum", "dtype": np.float32},
]


def train(trainer, split=SPLIT, optimizer="sgd", lr=0.01, weight_decay=0.1, batch_size=100, **others):
    rng = np.random.default_rng(7)
    schedule = {name: others.pop(name) for name in ("evaluate_samples",) if name in others}
    network = MultiLayerNet(784, (20, 20), 10, weight_decay=weight_decay, rng=rng, **others)
    schedule |= {"epochs": 5, "batch_size": batch_size, "optimizer": make(optimizer, lr=lr), "rng": rng}
    return network, trainer(network, *split, **schedule).train()


def assert_equal_trainings(fast, plain, rtol=1e-9):
    (network, history), (expected, plain_history) = fast, plain
    assert history.train_correct == plain_history.train_correct
    assert history.val_correct == plain_history.val_correct
    assert (history.final_hits == plain_history.final_hits).all()
    np.testing.assert_allclose(history.loss, plain_history.loss, rtol=rtol)
    for key, p in expected.params.items():
        np.testing.assert_allclose(network.params[key], p, rtol=rtol, atol=rtol / 100, err_msg=key)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_it_trains_as_the_plain_trainer_does(case):
    fast, plain = train(FastTrainer, **case), train(Trainer, **case)
    assert len(plain[1].loss) >= 20 and plain[1].status == "finished"
    assert_equal_trainings(fast, plain, rtol=1e-4 if "dtype" in case else 1e-9)


def test_images_may_have_rows_and_columns():
    x_train, t_train, x_val, t_val = SPLIT
    square = (x_train.reshape(-1, 1, 28, 28), t_train, x_val.reshape(-1, 1, 28, 28), t_val)
    assert_equal_trainings(train(FastTrainer, square), train(Trainer, square))


def test_a_pixel_that_is_lit_in_one_validation_image_is_not_left_out():
    x = X.copy()
    dark = np.flatnonzero(~x.any(axis=0))
    x[0, dark[0]] = 1
    split = (x[100:], T[100:], x[:100], T[:100])
    network = MultiLayerNet(784, (20,), 10, rng=np.random.default_rng(0))
    trainer = FastTrainer(network, *split, optimizer=make("sgd"), rng=np.random.default_rng(0))
    assert trainer.x_train.shape == (400, 784 - len(dark) + 1) and len(dark) > 50
    assert_equal_trainings(train(FastTrainer, split), train(Trainer, split))


def test_a_divergence_or_an_error_leaves_the_network_whole():
    network, history = train(FastTrainer, lr=1e6)
    _, plain_history = train(Trainer, lr=1e6)
    assert history.status == plain_history.status == "diverged"
    assert len(history.loss) == len(plain_history.loss) < 20
    assert type(network.layers[0]) is Affine and network.layers[0].W is network.params["W1"]

    rng = np.random.default_rng(7)
    network = MultiLayerNet(784, (20,), 10, rng=rng)
    before = network.params["W1"].copy()

    def fail(line):
        raise KeyboardInterrupt

    trainer = FastTrainer(network, *SPLIT, optimizer=make("sgd", lr=0.0), rng=rng, say=fail)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert (network.params["W1"] == before).all() and type(network.layers[0]) is Affine
    assert network.predict(X).shape == (500, 10)
