"""How long one default trial takes, as ratios: against the book's loop, its bare matrix products, and others.

    make bench

Every round times each contender once, in turn, all bound to one core; what is printed is the median over the
rounds of the ratio within a round, so that a machine that is busy for a while does not decide. Above 1 means
that zdl is faster. PyTorch and JAX are timed where they are installed, and named where they are not
(`pip install torch jax` beside the project; they are no dependencies of it).
"""

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

if hasattr(os, "sched_setaffinity"):  # JAX has no other way to be told of one thread
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from sklearn.neural_network import MLPClassifier

from bench.images import images
from tests import book
from zdl.nn.fast import FastTrainer
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import make

ROUNDS, SIZES, EPOCHS, BATCH, LR = 7, [784, *[100] * 6, 10], 50, 100, 0.007
STEPS = EPOCHS * 4

SPLIT, _, _ = images(500, validation_rate=0.2, seed=1)


def zdl_trial(dtype: str, name: str = "sgd") -> None:
    rng = np.random.default_rng(0)
    network = MultiLayerNet(SIZES[0], SIZES[1:-1], SIZES[-1], weight_decay=1e-6, dtype=dtype, rng=rng)
    optimizer = make(name, lr=LR)
    FastTrainer(network, *SPLIT[:4], epochs=EPOCHS, batch_size=BATCH, optimizer=optimizer, rng=rng).train()


def book_loop(name: str = "sgd") -> None:
    """The book's: float64, two forward passes a step, the gradient by the images as well."""
    rng = np.random.default_rng(0)
    network = book.MultiLayerNet(SIZES, "relu", "relu", 1e-6, lambda *shape: rng.standard_normal(shape))
    draw, optimizer = (lambda n, size: rng.integers(n, size=size)), book.OPTIMIZERS[name](lr=LR)
    book.Trainer(network, *SPLIT[:4], EPOCHS, BATCH, optimizer, draw).train()


def bare_products(dtype: str) -> Callable[[], None]:
    """The matrix products of a trial and nothing else, into arrays made beforehand."""
    rng = np.random.default_rng(0)
    x, *hidden = (rng.random((500, n)).astype(dtype) for n in SIZES)
    weights = [rng.random(shape).astype(dtype) for shape in pairwise(SIZES)]
    across = [np.ascontiguousarray(W.T) for W in weights]
    grads = [np.empty_like(W) for W in weights]

    def run() -> None:
        for step in range(STEPS):
            layers = [x[:BATCH], *(h[:BATCH] for h in hidden)]
            for i, W in enumerate(weights):
                np.matmul(layers[i], W, out=layers[i + 1])
            for i in reversed(range(len(weights))):
                np.matmul(layers[i].T, layers[i + 1], out=grads[i])
                if i:
                    np.matmul(layers[i + 1], across[i], out=layers[i])
            if step % 4 == 0:
                for rows in (slice(0, 400), slice(400, 500)):
                    below = x[rows]
                    for W, h in zip(weights, hidden, strict=True):
                        below = np.matmul(below, W, out=h[rows])

    return run


def scikit_learn(dtype: str) -> None:
    rng, classes = np.random.default_rng(0), np.arange(10)
    x, x_val = SPLIT.x_train.astype(dtype), SPLIT.x_val.astype(dtype)
    model = MLPClassifier(SIZES[1:-1], solver="sgd", batch_size=BATCH, learning_rate_init=LR, momentum=0)
    for step in range(STEPS):
        rows = rng.integers(400, size=BATCH)
        model.partial_fit(x[rows], SPLIT.t_train[rows], classes=classes)
        if step % 4 == 0:
            model.predict(x)
            model.predict(x_val)


def torch(dtype: str) -> None:
    import torch as pt

    pt.set_num_threads(1)
    kind, rng = getattr(pt, dtype), np.random.default_rng(0)
    x, x_val = (pt.tensor(images, dtype=kind) for images in (SPLIT.x_train, SPLIT.x_val))
    t, t_val = (pt.tensor(labels.astype(np.int64)) for labels in (SPLIT.t_train, SPLIT.t_val))
    layers = [layer for n, m in pairwise(SIZES) for layer in (pt.nn.Linear(n, m, dtype=kind), pt.nn.ReLU())]
    model = pt.nn.Sequential(*layers[:-1])
    sgd = pt.optim.SGD(model.parameters(), lr=LR, weight_decay=1e-6)
    for step in range(STEPS):
        rows = pt.from_numpy(rng.integers(400, size=BATCH))
        sgd.zero_grad()
        loss = pt.nn.functional.cross_entropy(model(x[rows]), t[rows])
        loss.backward()
        sgd.step()
        loss.item()
        if step % 4 == 0:
            with pt.no_grad():
                (model(x).argmax(1) == t).sum().item()
                (model(x_val).argmax(1) == t_val).sum().item()


def jax(dtype: str) -> Callable[[], None]:
    """The whole training as one compiled scan; compiled before it is timed."""
    import jax as jx

    jx.config.update("jax_enable_x64", dtype == "float64")
    x, x_val = (jx.numpy.asarray(images, dtype) for images in (SPLIT.x_train, SPLIT.x_val))
    t, t_val = (jx.numpy.asarray(labels) for labels in (SPLIT.t_train, SPLIT.t_val))
    rng = np.random.default_rng(0)
    params = [
        ((rng.standard_normal((n, m)) * (2 / n) ** 0.5).astype(dtype), np.zeros(m, dtype))
        for n, m in pairwise(SIZES)
    ]
    rows = rng.integers(400, size=(EPOCHS, 4, BATCH))

    def scores(params, x):
        for W, b in params[:-1]:
            x = jx.nn.relu(x @ W + b)
        return x @ params[-1][0] + params[-1][1]

    def loss(params, x, t):
        picked = jx.nn.log_softmax(scores(params, x))[jx.numpy.arange(len(t)), t]
        return -picked.mean() + 0.5e-6 * sum((W**2).sum() for W, _ in params)

    def update(params, rows):
        value, grads = jx.value_and_grad(loss)(params, x[rows], t[rows])
        return jx.tree.map(lambda p, g: p - LR * g, params, grads), value

    def epoch(params, rows):
        params, first = update(params, rows[0])
        counts = (scores(params, x).argmax(1) == t).sum(), (scores(params, x_val).argmax(1) == t_val).sum()
        params, others = jx.lax.scan(update, params, rows[1:])
        return params, (counts, first, others)

    compiled = jx.jit(lambda params: jx.lax.scan(epoch, params, rows))
    jx.block_until_ready(compiled(params))
    return lambda: jx.block_until_ready(compiled(params))


def seconds(run: Callable[[], None]) -> float:
    """The processor time of one run: other jobs count less than in what a clock shows."""
    start = time.process_time()
    run()
    return time.process_time() - start


def compare(case: str, others: dict[str, Callable[[], None]], own: Callable[[], None]) -> None:
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(ROUNDS):
        for name, run in others.items():
            ratios[name].append(seconds(run) / seconds(own))
    for name, rounds in ratios.items():
        low, high = min(rounds), max(rounds)
        print(f"{case}{name} / zdl = {statistics.median(rounds):.2f}  ({low:.2f} to {high:.2f})", flush=True)


def main() -> None:
    warnings.simplefilter("ignore")
    for dtype in ("float64", "float32"):
        others: dict[str, Callable[[], None]] = {"the book's loop (float64)": book_loop}
        others["its bare matrix products"] = bare_products(dtype)
        others["scikit-learn"] = lambda dtype=dtype: scikit_learn(dtype)
        if find_spec("torch"):
            others["PyTorch"] = lambda dtype=dtype: torch(dtype)
        if find_spec("jax"):
            others["JAX, compiled before"] = jax(dtype)
        compare(f"{dtype}: ", others, lambda dtype=dtype: zdl_trial(dtype))
    adam = {"the book's loop with Adam": lambda: book_loop("adam")}
    compare("float64, Adam: ", adam, lambda: zdl_trial("float64", "adam"))
    for name, module in (("PyTorch", "torch"), ("JAX", "jax")):
        if not find_spec(module):
            print(f"{name}: skipped, {module} is not installed")


if __name__ == "__main__":
    main()
