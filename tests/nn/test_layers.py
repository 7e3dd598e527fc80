"""Each layer's gradient against the numeric one, and the arrays that it returns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zdl.nn.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss, softmax
from zdl.nn.network import numerical_gradient


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def backward_is_the_gradient(layer, x, rng):
    weights = rng.standard_normal(layer.forward(x).shape)  # the gradient of this weighted sum of the output
    dx = layer.backward(weights)
    assert dx.shape == x.shape
    np.testing.assert_allclose(
        dx, numerical_gradient(lambda x: float((layer.forward(x) * weights).sum()), x), atol=1e-7
    )
    return weights


@pytest.mark.parametrize("shape", [(3, 12), (3, 1, 3, 4)], ids=["flat", "4-D"])
def test_affine(shape, rng):
    layer, x = Affine(rng.standard_normal((12, 5)), rng.standard_normal(5)), rng.standard_normal(shape)
    weights = backward_is_the_gradient(layer, x, rng)

    def scalar(_):
        return float((layer.forward(x) * weights).sum())

    np.testing.assert_allclose(layer.dW, numerical_gradient(scalar, layer.W), atol=1e-7)
    np.testing.assert_allclose(layer.db, numerical_gradient(scalar, layer.b), atol=1e-7)


@pytest.mark.parametrize("layer", [Relu(), Sigmoid()])
def test_activations(layer, rng):
    x = rng.standard_normal((4, 6))
    x[abs(x) < 1e-3] = 0.5  # relu has no gradient at 0
    backward_is_the_gradient(layer, x, rng)


def test_relu_and_sigmoid_by_hand():
    x = np.array([[-1.0, 0.0, 2.0]])
    relu = Relu()
    assert relu.forward(x).tolist() == [[0, 0, 2]]
    assert relu.backward(np.ones((1, 3))).tolist() == [[0, 0, 1]]
    assert Sigmoid().forward(np.array([0.0, -1000.0, 1000.0])).tolist() == [0.5, 0.0, 1.0]


@pytest.mark.parametrize("one_hot", [False, True])
def test_softmax_with_loss(one_hot, rng):
    x, t = rng.standard_normal((5, 4)), rng.integers(4, size=5)
    layer = SoftmaxWithLoss()
    t = np.eye(4)[t] if one_hot else t
    expected = numerical_gradient(lambda x: layer.forward(x, t), x)
    layer.forward(x, t)
    np.testing.assert_allclose(layer.backward(), expected, atol=1e-6)  # backward leaves out the 1e-7
    np.testing.assert_allclose(layer.backward(2.0), 2 * expected, atol=2e-6)


def test_the_loss_by_hand():
    layer = SoftmaxWithLoss()
    assert layer.forward(np.log([[1.0, 3.0]]), np.array([1])) == pytest.approx(
        -np.log(0.75 + 1e-7), rel=1e-12
    )
    assert layer.forward(np.array([[0.0, 1000.0]]), np.array([0])) == pytest.approx(-np.log(1e-7))


def test_returned_arrays_do_not_change_later(rng):
    for layer in (Affine(rng.standard_normal((6, 6)), np.zeros(6)), Relu(), Sigmoid()):
        x, y = rng.standard_normal((2, 3, 6))
        arrays = [layer.forward(x), layer.backward(np.ones((3, 6)))]
        copies = [array.copy() for array in arrays]
        layer.forward(y)
        layer.backward(-np.ones((3, 6)))
        for array, copy in zip(arrays, copies, strict=True):
            assert (array == copy).all()


@given(
    st.lists(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(-10, 10),
)
def test_softmax_gives_probabilities(rows, shift):
    x = np.array(rows)
    y = softmax(x)
    assert ((y >= 0) & (y <= 1)).all()
    np.testing.assert_allclose(y.sum(axis=1), 1)
    small = np.clip(x, -50, 50)
    np.testing.assert_allclose(softmax(small + shift), softmax(small), atol=1e-12)
