"""The whole network: its gradient, its loss, its initial weights, and the file that keeps them."""

import copy

import numpy as np
import pytest

from zdl import Error
from zdl.analysis.weights import load, predict, save
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import make
from zdl.nn.trainer import Trainer


def net(sizes=(12, 7, 6, 4), seed=1, **how):
    rng = np.random.default_rng(seed)
    return MultiLayerNet(sizes[0], sizes[1:-1], sizes[-1], **how, rng=rng)


def images(n=5, size=12, classes=4, seed=2):
    rng = np.random.default_rng(seed)
    return rng.random((n, size)), rng.integers(classes, size=n)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("shape", ["flat", "4-D", "one-hot"])
def test_the_gradient_is_the_numeric_one(activation, weight_decay, shape):
    network, (x, t) = net(activation=activation, weight_decay=weight_decay), images()
    if shape == "4-D":
        x = x.reshape(5, 1, 3, 4)
    if shape == "one-hot":
        t = np.eye(4)[t]
    loss, grads = network.loss_and_gradient(x, t)
    assert loss == network.loss(x, t)
    for key, numeric in network.numerical_gradient(x, t).items():
        np.testing.assert_allclose(grads[key], numeric, atol=1e-6, err_msg=key)


def test_the_loss_by_hand():
    network = net((2, 2, 2), weight_decay=0.5)
    for key, value in {"W1": [[1, -1], [0, 2]], "b1": [0, 1], "W2": [[1, 0], [0, 1]], "b2": [3, 0]}.items():
        network.params[key][:] = value
    # x = (1, 1): hidden relu(1, 1 + 1) = (1, 2); scores (1 + 3, 2); softmax of a difference of 2
    scores = network.predict(np.array([[1.0, 1.0]]))
    assert scores.tolist() == [[4, 2]]
    cross_entropy = -np.log(1 / (1 + np.exp(2.0)) + 1e-7)
    decay = 0.5 * 0.5 * (1 + 1 + 4 + 1 + 1)  # the biases' 1 and 9 are not in it
    assert network.loss(np.array([[1.0, 1.0]]), np.array([1])) == pytest.approx(cross_entropy + decay)


@pytest.mark.parametrize(
    ("init", "expected"),
    [("relu", (2 / 400) ** 0.5), ("he", (2 / 400) ** 0.5), ("xavier", 0.05), ("Sigmoid", 0.05), (0.3, 0.3)],
)
def test_initial_weights(init, expected):
    network = net((400, 300, 10), weight_init=init)
    assert network.params["W1"].std() == pytest.approx(expected, rel=0.02)
    assert not network.params["b1"].any()


def test_seeds():
    assert (net(seed=1).params["W1"] == net(seed=1).params["W1"]).all()
    assert (net(seed=1).params["W1"] != net(seed=2).params["W1"]).all()


def test_unknown_names_are_refused():
    with pytest.raises(Error, match="activation: 'tanh' is not known"):
        net(activation="tanh")
    with pytest.raises(Error, match="weight_init: 'lecun' is not known"):
        net(weight_init="lecun")


def test_float32_stays_float32():
    network, (x, t) = net(dtype=np.float32, weight_decay=0.1), images()
    assert network.predict(x).dtype == np.float32
    assert {g.dtype for g in network.gradient(x, t).values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_pass_over_all_images_serves_for_some_of_them(activation):
    network, (x, t) = net(activation=activation, weight_decay=0.1), images(9)
    rows = np.array([7, 0, 0, 3])
    loss, grads = network.loss_and_gradient(x[rows], t[rows])
    network.predict(x.reshape(9, 1, 3, 4))
    again, recalled = network.backward(network.recall(rows), t[rows])
    assert again == pytest.approx(loss, rel=1e-12)
    for key, grad in grads.items():
        np.testing.assert_allclose(recalled[key], grad, rtol=1e-9, atol=1e-14, err_msg=key)


def test_all_parameters_are_one_vector():
    network = net((3, 2, 2))
    network.params.vector[:] = np.arange(14)
    assert network.params["W2"].tolist() == [[6, 7], [8, 9]] and network.params["b1"].tolist() == [10, 11]
    assert network.params.weights.tolist() == list(range(10))


def test_a_copy_learns_as_the_original_does_and_alone():
    network, (x, t) = net(weight_decay=0.1), images(9)
    before = network.params.vector.copy()
    again = copy.deepcopy(network)
    for one in (again, network):
        Trainer(
            one, x, t, x, t, epochs=2, batch_size=3, optimizer=make("adam"), rng=np.random.default_rng(0)
        ).train()
        assert (again.params["W1"] != before[: 12 * 7].reshape(12, 7)).any()
        assert (network.params.vector == before).all() == (one is again)
    assert all((again.params[key] == p).all() for key, p in network.params.items())


def test_a_gradient_that_was_handed_out_stays():
    network, (x, t) = net(), images()
    grads = network.gradient(x, t)
    kept = {key: grad.copy() for key, grad in grads.items()}
    network.gradient(1 - x, t)
    assert all((grads[key] == grad).all() for key, grad in kept.items())


def test_dark_inputs_can_be_left_out():
    network, (x, t) = net(weight_decay=0.1), images()
    x[:, [0, 3, 4, 11]] = 0
    W1 = network.params["W1"].copy()
    loss, grads = network.loss_and_gradient(x, t)
    with pytest.raises(ZeroDivisionError), network.lit_inputs(x[:3], x[3:]) as (some, others):
        assert some.shape == (3, 8) and others.shape == (2, 8)
        inside, lit = network.loss_and_gradient(np.concatenate([some, others]), t)
        assert inside == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(lit["W2"], grads["W2"], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(np.sort(lit["W1"], axis=0), np.sort(grads["W1"], axis=0), atol=1e-12)
        1 / 0  # noqa: B018
    assert (network.params["W1"] == W1).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saved_weights_read_digits(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    network, pixels = net((784, 5, 10), activation="sigmoid", dtype=dtype), np.arange(2 * 784) % 256
    save(network, "w.npz")
    again = load("w.npz")
    assert again.activation == "sigmoid" and again.dtype == dtype
    assert all((again.params[key] == p).all() for key, p in network.params.items())
    digits, probabilities = predict("w.npz", pixels.astype(np.uint8).reshape(2, 28, 28))
    assert digits.tolist() == network.predict(pixels.reshape(2, 784) / 255).argmax(axis=1).tolist()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    one, _ = predict("w.npz", (pixels[:784] / 255).reshape(28, 28))
    assert one.tolist() == digits[:1].tolist()
    with pytest.raises(Error, match="shape \\(3, 3\\) does not hold images of 784 pixels"):
        predict("w.npz", np.zeros((3, 3)))


def test_weights_are_not_a_pickle_and_damage_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(net(), "w.npz")
    with np.load("w.npz", allow_pickle=False) as archive:
        assert archive["W1"].shape == (12, 7)
    data = bytearray((tmp_path / "w.npz").read_bytes())
    data[200] ^= 1
    (tmp_path / "w.npz").write_bytes(data)
    with pytest.raises(Error, match=r"w\.npz: is damaged"):
        load("w.npz")
