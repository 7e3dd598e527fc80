"""The fast trainer against the plain one: the same counts, losses and weights, and the same records."""

import numpy as np
import pytest

from tests.nn.test_trainer import HIDDEN, SPLIT, T, X
from zdl.nn import fast, layers, optimizers
from zdl.nn.fast import FastTrainer
from zdl.nn.first_layer import DualLayer, PixelLayer, dual_pays
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import OPTIMIZERS, make
from zdl.nn.trainer import Trainer
from zdl.search.checkpoint import decode, encode
from zdl.search.trial import describe

DUAL = ("sgd", "momentum", "nesterov")
CASES = [
    *({"optimizer": name} for name in OPTIMIZERS),
    *({"optimizer": name, "activation": "sigmoid", "weight_init": "xavier"} for name in OPTIMIZERS),
    *({"optimizer": name, "dtype": np.float32} for name in OPTIMIZERS),
    {"weight_decay": 0.0, "evaluate_samples": 30},
    {"optimizer": "nesterov", "evaluate_samples": 30},
    {"optimizer": "adam", "evaluate_samples": 30},
    {"batch_size": 10},
    {"batch_size": 1, "epochs": 1, "lr": 0.001},
    {"batch_size": 1000, "epochs": 20},
    {"batch_size": 1000, "epochs": 20, "optimizer": "adam"},
    {"hidden": (), "lr": 0.1},
    {"hidden": (7, 33, 5)},
    {"hidden": [20] * 10},
]


@pytest.fixture
def engaged(monkeypatch):
    """The first layers of fast trainings, in dual form if possible; None is of one that was plain."""
    seen, choose = [], FastTrainer._fast

    def spy(self):
        network = choose(self)
        seen.append(network and type(network.first))
        return network

    monkeypatch.setattr(FastTrainer, "_fast", spy)
    monkeypatch.setattr(fast, "dual_pays", lambda *sizes: True)
    return seen


def train(trainer, split=SPLIT, optimizer="sgd", lr=0.01, hidden=(20, 20), network=MultiLayerNet, **others):
    start, say = others.pop("start", None), others.pop("say", None)
    rng = np.random.default_rng(7)
    schedule = {name: others.pop(name) for name in ("evaluate_samples",) if name in others}
    schedule |= {name: others.pop(name, default) for name, default in (("epochs", 5), ("batch_size", 100))}
    network = network(784, hidden, 10, rng=rng, **({"weight_decay": 0.1} | others))
    optimizer = make(optimizer, lr=lr) if isinstance(optimizer, str) else optimizer(lr)
    training = trainer(network, *split, optimizer=optimizer, rng=rng, say=say, **schedule)
    return network, optimizer, training.train(start)


def assert_equal_trainings(training, plain, rtol=1e-9):
    (network, optimizer, history), (expected, plain_optimizer, plain_history) = training, plain
    assert history.status == plain_history.status == "finished"
    assert history.train_correct == plain_history.train_correct
    assert history.val_correct == plain_history.val_correct
    assert (history.final_hits == plain_history.final_hits).all()
    np.testing.assert_allclose(history.loss, plain_history.loss, rtol=rtol)
    assert optimizer.t == plain_optimizer.t
    largest = 0.1 if isinstance(plain_optimizer, optimizers.RMSprop) else 0.01  # of all steps
    for key, p in expected.params.items():
        pairs = zip(optimizer.memory[key], plain_optimizer.memory[key], strict=True)
        for own, array in [(network.params[key], p), *pairs]:
            np.testing.assert_allclose(own, array, rtol=rtol, atol=rtol * largest, err_msg=key)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_it_trains_as_the_plain_trainer_does(case, engaged):
    training, plain = train(FastTrainer, **case), train(Trainer, **case)
    assert engaged == [DualLayer if case.get("optimizer", "sgd") in DUAL else PixelLayer]
    assert len(plain[2].loss) >= 20
    assert_equal_trainings(training, plain, rtol=1e-3 if "dtype" in case else 1e-9)


@pytest.mark.parametrize("trainer", [FastTrainer, Trainer])
@pytest.mark.parametrize(
    "case",
    [*CASES, {"batch_size": 400}, {"batch_size": 400, "optimizer": "adam"}, {"batch_size": 30}],
    ids=lambda case: "-".join(map(str, case.values())),
)
def test_a_training_goes_on_as_if_it_had_never_stopped(trainer, case):
    """To the last bit. With 30 images of 400, epochs end between updates; with 400, each update is evaluated,
    and the next one takes its images from there."""
    few, more = (1, 2) if case.get("batch_size") == 1 else (3, 7)
    network, optimizer, history = train(trainer, **case | {"epochs": more})
    start = decode(encode(train(trainer, **case | {"epochs": few})[2], "0" * 64))
    done, lines = len(start.loss), []
    again, other, continued = train(trainer, **case | {"epochs": more, "start": start, "say": lines.append})
    assert len([line for line in lines if line.startswith("train loss")]) == len(history.loss) - done
    assert continued.loss == history.loss and done
    assert describe(continued) == describe(history) and other.t == optimizer.t
    for key, p in network.params.items():
        np.testing.assert_array_equal(again.params[key], p)
    assert continued.state.keys() == history.state.keys()
    for key, array in history.state.items():
        np.testing.assert_array_equal(continued.state[key], array)


def test_a_training_begins_anew_with_the_state_of_another_kind():
    start = train(Trainer, epochs=3)[2]
    expected, again = train(FastTrainer)[2], train(FastTrainer, start=start)[2]
    assert again.loss == expected.loss and describe(again) == describe(expected)


@pytest.mark.parametrize(
    ("optimizer", "lr", "case"),
    [
        ("sgd", 0.009, {}),
        ("sgd", 0.1, {}),
        ("sgd", 1e-6, {}),
        ("momentum", 0.003, {}),
        ("nesterov", 0.003, {}),
        ("sgd", 0.01, {"activation": "sigmoid", "weight_init": "xavier"}),
        ("adam", 0.001, {}),
    ],
)
def test_records_equal_those_of_the_plain_trainer(optimizer, lr, case):
    how = {"optimizer": optimizer, "lr": lr, "hidden": HIDDEN, "weight_decay": 1e-4, "epochs": 20} | case
    assert describe(train(FastTrainer, **how)[2]) == describe(train(Trainer, **how)[2])


def test_images_may_have_rows_and_columns():
    x_train, t_train, x_val, t_val = SPLIT
    square = (x_train.reshape(-1, 1, 28, 28), t_train, x_val.reshape(-1, 1, 28, 28), t_val)
    assert_equal_trainings(train(FastTrainer, square), train(Trainer, square))


def test_a_pixel_that_is_lit_in_one_validation_image_is_not_left_out():
    x = X.copy()
    dark = np.flatnonzero(~x.any(axis=0))
    x[0, dark[0]] = 1
    assert PixelLayer(x, np.zeros((784, 20))).x.shape == (500, 784 - len(dark) + 1) and len(dark) > 50
    split = (x[100:], T[100:], x[:100], T[:100])
    assert_equal_trainings(
        train(FastTrainer, split, optimizer="adam"), train(Trainer, split, optimizer="adam")
    )


def test_the_dual_form_is_for_many_updates_with_few_images(engaged, monkeypatch):
    def pays(n, batch_size=100):
        return dual_pays(
            (n, n * 5 // 4), (580, 784), (batch_size, n * 5 / 4 * batch_size / max(n, batch_size))
        )

    assert pays(400) and pays(400, batch_size=10) and pays(400, batch_size=1000)
    assert not pays(4_000) and not pays(60_000)
    monkeypatch.setattr(fast, "dual_pays", dual_pays)
    many = (np.tile(SPLIT[0], (6, 1)), np.tile(SPLIT[1], 6), *SPLIT[2:])
    assert_equal_trainings(train(FastTrainer, many, epochs=2), train(Trainer, many, epochs=2))
    train(FastTrainer, epochs=1)
    assert engaged == [PixelLayer, DualLayer]


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("lr", [1.0, 1e2, 1e6])
def test_a_divergence_is_where_the_plain_trainers_is(optimizer, lr):
    case = {"optimizer": optimizer, "lr": lr, "epochs": 20, "hidden": HIDDEN}
    (_, _, history), (_, _, plain) = train(FastTrainer, **case), train(Trainer, **case)
    assert history.status == plain.status and len(history.loss) == len(plain.loss)
    assert lr < 1e6 or optimizer == "adam" or (history.status == "diverged" and len(history.loss) < 20)


def test_an_interrupt_leaves_the_network_whole():
    rng = np.random.default_rng(7)
    network = MultiLayerNet(784, (20,), 10, rng=rng)
    before = {key: p.copy() for key, p in network.params.items()}

    def fail(line):
        raise KeyboardInterrupt

    trainer = FastTrainer(network, *SPLIT, optimizer=make("sgd", lr=0.0), rng=rng, say=fail)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert all((network.params[key] == p).all() for key, p in before.items())
    assert network.layers[0].W is network.params["W1"] and trainer.network is network
    assert network.predict(X).shape == (500, 10)


def test_it_says_what_the_plain_trainer_says():
    def lines(trainer):
        said, rng = [], np.random.default_rng(7)
        network = MultiLayerNet(784, (20,), 10, rng=rng)
        trainer(network, *SPLIT, epochs=5, optimizer=make("sgd"), rng=rng, say=said.append).train()
        return [line[:20] if line.startswith("train loss") else line for line in said]

    assert lines(FastTrainer) == lines(Trainer) and len(lines(Trainer)) == 27


class Dampened(optimizers.Momentum):
    def step(self, p, g, v):
        super().step(p, g / 2, v)


class SignSGD(optimizers.Optimizer):
    def step(self, p, g):
        p -= self.lr * np.sign(g)


class Normed(optimizers.Optimizer):
    def step(self, p, g):
        p -= self.lr * g / np.sqrt((g * g).sum() + 1)


class Fading(optimizers.Optimizer):
    def step(self, p, g):
        p -= self.lr / self.t * g


class Clipped(optimizers.SGD):
    def update(self, params, grads):
        super().update(params, {key: g.clip(-0.01, 0.01) for key, g in grads.items()})


@pytest.mark.parametrize(
    ("optimizer", "first"),
    [(Dampened, DualLayer), (SignSGD, PixelLayer), (Fading, PixelLayer), (Normed, None), (Clipped, None)],
)
def test_an_optimizer_of_ones_own_is_followed(optimizer, first, engaged):
    case = {"optimizer": optimizer, "lr": 1e-3, "weight_decay": 1e-4}
    assert_equal_trainings(train(FastTrainer, **case), train(Trainer, **case))
    assert engaged == [first]


class Halved(MultiLayerNet):
    def predict(self, x):
        return super().predict(x) / 2


def leaky(self, x):
    self.out = np.maximum(x, 0.1 * x)
    return self.out


def test_a_network_of_ones_own_is_followed(engaged, monkeypatch):
    assert_equal_trainings(train(FastTrainer, network=Halved), train(Trainer, network=Halved))
    monkeypatch.setattr(layers.Relu, "forward", leaky)
    assert_equal_trainings(train(FastTrainer), train(Trainer))
    assert engaged == [None, None]


def test_an_optimizer_that_has_made_steps_goes_on(engaged):
    def twice(trainer):
        rng = np.random.default_rng(7)
        network, optimizer = MultiLayerNet(784, (20,), 10, rng=rng), make("momentum")
        for _ in range(2):
            history = trainer(network, *SPLIT, epochs=5, optimizer=optimizer, rng=rng).train()
        return network, optimizer, history

    assert_equal_trainings(twice(FastTrainer), twice(Trainer))
    assert engaged == [DualLayer, None]
