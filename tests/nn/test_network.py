"""The whole network: its gradient, its loss, its initial weights, and the file of its weights."""

import numpy as np
import pytest

from tests.analysis.test_ranking import record, table
from zdl import Error
from zdl.analysis import weights as analysis
from zdl.artifacts.encoding import decode_npz, sealed_json, sealed_npz
from zdl.data.rows import Split
from zdl.nn.history import History
from zdl.nn.network import MultiLayerNet
from zdl.nn.weights import load, predict, save


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


def test_unknown_names_are_refused():
    with pytest.raises(Error, match="activation: 'tanh' is not known"):
        net(activation="tanh")
    with pytest.raises(Error, match="weight_init: 'lecun' is not known"):
        net(weight_init="lecun")


def test_float32_stays_float32():
    network, (x, t) = net(dtype=np.float32, weight_decay=0.1), images()
    assert network.predict(x).dtype == np.float32
    assert {g.dtype for g in network.gradient(x, t).values()} == {np.dtype(np.float32)}


def test_accuracy_is_the_share_of_right_answers():
    network, (x, _) = net(), images(4)
    answers = network.predict(x).argmax(axis=1)
    t = answers.copy()
    t[0] = (t[0] + 1) % 4
    assert network.accuracy(x, t) == network.accuracy(x, np.eye(4)[t]) == 0.75


def test_a_returned_gradient_does_not_change_later():
    network, (x, t) = net(weight_decay=0.1), images()
    grads = network.gradient(x, t)
    copies = {key: grad.copy() for key, grad in grads.items()}
    network.gradient(1 - x, t)
    assert all((grads[key] == grad).all() for key, grad in copies.items())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saved_weights_read_digits(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    network, pixels = net((784, 5, 10), activation="sigmoid", dtype=dtype), np.arange(2 * 784) % 256
    save(network, "w.npz")
    loaded = load("w.npz")
    assert loaded.activation == "sigmoid" and loaded.dtype == dtype
    assert all((loaded.params[key] == p).all() for key, p in network.params.items())
    digits, probabilities = predict("w.npz", pixels.astype(np.uint8).reshape(2, 28, 28))
    assert digits.tolist() == network.predict(pixels.reshape(2, 784) / 255).argmax(axis=1).tolist()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    one, _ = predict("w.npz", (pixels[:784] / 255).reshape(28, 28))
    assert one.tolist() == digits[:1].tolist()
    with pytest.raises(Error, match="shape \\(3, 3\\) does not hold images of 784 pixels"):
        predict("w.npz", np.zeros((3, 3)))


def trained(*_):
    history = History(1, 1)
    history.diverge()
    return history, str


def best(weights, *trials):
    """The files of weights of the best of these trials, and what is said of them."""
    rows, said = Split(*[np.zeros(1)] * 4, classes=np.array(["0", "1"])), []
    files = analysis.best(
        sealed_json({"digest": "t", **table(*trials)}),
        sealed_npz(rows._asdict(), "s"),
        train=trained,
        weights=weights,
        spec=lambda number: {"seed": [number], "config": {}},
        say=said.append,
    )
    return files, said


def test_a_best_trial_that_came_out_differently_is_called_by_its_place():
    """As in the report, and not by the number in its file's name."""
    trials = record(987654321, [50], lr=0.1), record(123456789, [70], lr=0.2)
    files, said = best(lambda predictor: {"of": np.array(predictor("a predictor"))}, *trials)
    assert said == ["note: trial 1 has another outcome here than in its record: the processor differs"]
    assert decode_npz(files["best.npz"])["of"] == "a predictor"


def test_without_weights_to_save_a_line_says_why():
    finished, diverged = record(1, [70], lr=0.2), record(2, [], "diverged", lr=9.0)
    for weights, trial, reason in (
        (None, finished, "the problem saves none"),
        (dict, diverged, "no trial finished"),
    ):
        files, said = best(weights, trial)
        assert decode_npz(files["best.npz"]) == {} and said == [f"no weights are saved: {reason}"]
