"""Searches of which all is known, and figures of them; several tests look at each figure."""

import hashlib
from functools import cache

import numpy as np
import pandas as pd

from tests.analysis.test_ranking import record, table
from tests.report import figures
from zdl.analysis import ranking
from zdl.config.hyperparameters import plain
from zdl.data.scores import Score
from zdl.problems.book import HYPERPARAMETERS
from zdl.report.figures.scale import Scale
from zdl.search.samplers.grid import Grid


def options(*values):
    return {"distribution": "choice", "options": list(values)}


def points(low, high, n):
    return {"distribution": "log_uniform", "low": low, "high": high, "points": n}


SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
BATCHES = {"batch_size": {"distribution": "int_uniform", "low": 10, "high": 200}}
NARROW = {"epochs": {"distribution": "int_uniform", "low": 3, "high": 8}}
OPTIMIZERS = {"optimizer": options("sgd", "momentum", "adam")}
MANY_OPTIMIZERS = {"optimizer": options("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")}
BOOK = {"lr": options(0.1, 0.01, 0.001), "batch_size": options(10, 100, 1000)}
FINE = {"lr": points(1e-7, 1e-1, 60), "weight_decay": points(1e-8, 1e-4, 40)}
MOMENTUMS = {"momentum": options(0.1, 0.5, 0.9)}
DIGITS = {"row": "image", "class": "digit", "model": "network"}
ROWS = {"row": "row", "class": "class", "model": "model"}
BASELINE = {
    "val_acc": 0.8,
    "val_mean": 0.81,
    "val_sd": 0.02,
    "held_out": 0.79,
    "held_out_low": 0.78,
    "held_out_high": 0.8,
}


def search(trials=30, diverged=(), epochs=5):
    """Trials 0, 1, 2, ... of falling accuracy."""
    return table(
        *(
            record(
                trial,
                [max(0, 90 - 2 * trial - epochs + epoch) for epoch in range(epochs)],
                "diverged" if trial in diverged else "finished",
                lr=1.23456e-6 * (trial + 1),
                weight_decay=1.11111e-8 * (trial + 1),
                batch_size=10 + trial,
                optimizer=("sgd", "momentum", "adam")[trial % 3],
            )
            for trial in range(trials)
        )
    )


def grid_search(space, diverged=()):
    """The trials of a grid, each a little worse than the one before; those at `diverged` diverged."""
    declared = plain(HYPERPARAMETERS)
    planned = Grid({"space": space, "hyperparameters": declared}).propose((), 10**6)
    return table(
        *(
            record(1000 - k, [max(0, 90 - k)], "diverged" if k in diverged else "finished", **point)
            for k, (point, _) in enumerate(planned)
        )
    )


def surface(space=SPACE, start=0.0, slope=0.01):
    """A surface that changes from `start` along every axis, along the second twice as fast."""
    ticks = [np.linspace(spec.get("low", 0), spec.get("high", 1), 9) for spec in space.values()]
    rise = np.add.outer(np.arange(9), 2 * np.arange(9)) if len(ticks) == 2 else np.arange(9)
    return ticks, start + slope * rise


def best20(data, names=tuple(SPACE)):
    frame = ranking.rank(data, names)
    return figures.best20(ranking.curves(data, frame, 20), frame)


def search_map(data, space=SPACE, best=20, **kwargs):
    return figures.search_map(ranking.rank(data, space), space, best, **kwargs)


def surface_map(data, space=SPACE, first=4):
    return figures.surface_map(ranking.rank(data, space), space, surface(space, 0.5, -0.01), first)


def heat_map(space, diverged=()):
    return figures.heat_map(ranking.rank(grid_search(space, diverged), space), space)


def slices(data, space=SPACE, best=20):
    frame = ranking.rank(data, space)
    return figures.slices(frame, space, ranking.top(frame, best)["trial"].tolist())


def budget(trials=40):
    """The budget of a random search: the expected best approaches 0.8, in ever smaller steps."""
    n = np.arange(1, trials + 1)
    best = 0.8 - 0.6 / n
    frame = pd.DataFrame({"trials": n, "expected": best, "low": best - 0.1, "high": best + 0.1})
    few = trials // n < 4
    for name, level in (("lower", best - 0.05), ("median", best), ("upper", best + 0.05)):
        frame[name] = np.where(few, np.nan, level)
    return figures.budget(frame)


def replicated(trials=3, replicates=4, epochs=5, number=10):
    """The tables of `figures.confirmed`: the second trial does best, and the third diverges."""
    rows, each = [], []
    for k in range(trials):
        val = np.array([0.7 + 0.05 * (k == 1) + 0.01 * j for j in range(replicates)])
        if k == 2:
            val[:] = np.nan
        searched, finished = 0.85 - 0.01 * k, int(np.isfinite(val).sum())
        mean = np.nan if k == 2 else val.mean()
        name = {"rank": k + 1, "trial": number + k}
        rows.append(
            {**name, "val_acc": searched, "low": searched - 0.09, "high": searched + 0.07}
            | {"repeats": finished, "diverged": replicates - finished, "val_mean": mean, "val_sd": 0.01}
            | {"held_out": mean - 0.02, "held_out_low": mean - 0.04, "held_out_high": mean}
            | {"gap": 0.02}
        )
        for j, acc in enumerate(val):
            status = "finished" if np.isfinite(acc) else "diverged"
            each.append({**name, "repeat": j + 1, "status": status, "val_acc": acc, "held_out": acc - 0.02})
    curves = pd.DataFrame(
        [
            {"repeat": j + 1, "epoch": e + 1, "train_acc": 1 - 0.5**e, "val_acc": 0.7 - 0.5**e / 2 + 0.01 * j}
            for j in range(replicates)
            for e in range(epochs)
        ]
    )
    return pd.DataFrame(rows), pd.DataFrame(each), curves, BASELINE


def mistakes(n=20, trial=26, shape=(28, 28), classes=tuple("0123456789")):
    """The mistakes of a network that takes a tenth of each digit for the next, and hardly any 0 for 9."""
    confusion = 0.9 * np.eye(10) + 0.1 * np.roll(np.eye(10), 1, axis=1)
    confusion[0] += np.bincount([0, 9], [-0.004, 0.004])
    return figures.mistakes(confusion, surest(n, 10), images(n, shape), trial, words=DIGITS, classes=classes)


def mistakes_of_a_table(classes):
    """As above, of rows that are shown by the columns in which they deviate."""
    n = len(classes)
    confusion = 0.9 * np.eye(n) + 0.1 * np.roll(np.eye(n), 1, axis=1)
    shown = [[("$alcohol^{$", 14.23, 2.1), ("malic acid", 0.74, -1.8)]] * 20
    return figures.mistakes(confusion, surest(20, n), shown, 7, words=ROWS, classes=classes)


def surest(n, classes):
    """The surest mistakes: each takes a class for the next."""
    frame = pd.DataFrame({"row": np.arange(n), "label": np.arange(n) % classes})
    return frame.assign(taken_for=(frame["label"] + 1) % classes, wrong=9, repeats=10, confidence=0.97)


def images(n, shape):
    return np.random.default_rng(1).random((n, *shape), dtype="float32")


ERROR = Score("neg_mean_absolute_percentage_error")  # which has a long name


def by_error(data, names=None):
    """A ranking of errors from -31 to -119, and a last one that would hide what distinguishes them; and how
    they are drawn."""
    frame = ranking.rank(data, names)
    frame["val_acc"] = 100 * frame["val_acc"] - 120
    frame.loc[frame["status"].eq("finished")[::-1].idxmax(), "val_acc"] = -1e9
    return frame, Scale.of(ERROR, frame["val_acc"])


def error_curves():
    """The best trials by error."""
    frame, scale = by_error(search())
    curves = ranking.curves(search(), ranking.rank(search()), 20)
    return figures.best20(curves.assign(val_acc=100 * curves["val_acc"] - 120, train_acc=-40.0), frame, scale)


def error_map(space=SPACE, draw=figures.search_map, **look):
    frame, scale = by_error(search(diverged=(0,)))
    return draw(frame, space, scale=scale, **look)


def error_grid():
    frame, scale = by_error(grid_search(BOOK), BOOK)
    return figures.heat_map(frame, BOOK, scale=scale)


def replicated_errors():
    confirmed, replicates, curves, baseline = replicated()
    accuracies = ["val_acc", "low", "high", "val_mean", "held_out", "held_out_low", "held_out_high"]
    confirmed[accuracies] = 100 * confirmed[accuracies] - 120
    replicates["val_acc"], curves["val_acc"] = (100 * each["val_acc"] - 120 for each in (replicates, curves))
    curves["train_acc"] = -30.0
    linear = {name: 100 * value - 120 for name, value in baseline.items()}
    scale = Scale.of(ERROR, curves["val_acc"], curves["train_acc"], [linear["val_mean"]])
    return figures.confirmed(confirmed, replicates, curves, linear, scale)


def errors(n=200, shape=()):
    """The answers of a regression, a few of them far off."""
    rng = np.random.default_rng(2)
    t = rng.normal(1500, 300, n)
    answers = t + rng.normal(0, 50, n) + 900 * (np.arange(n) < 5)
    furthest = pd.DataFrame({"row": range(20), "label": t[:20], "answer": answers[:20], "error": 900.0})
    shown = images(20, shape) if shape else [[("alcohol", 14.23, 2.1), ("malic acid", 0.74, -1.8)]] * 20
    return figures.errors(t, answers, furthest, shown, 7, words=ROWS)


EXAMPLES = {
    "errors of trials": error_curves,
    "map of errors": lambda: error_map(surface=surface(start=-120, slope=3)),
    "learnt errors": lambda: error_map(
        draw=figures.surface_map, surface=surface(start=-120, slope=3), first=4
    ),
    "curve of errors": lambda: error_map(BATCHES, surface=surface(BATCHES, -120, 3)),
    "grid of errors": error_grid,
    "slices of errors": lambda: error_map({**SPACE, **OPTIMIZERS}, figures.slices, contenders=range(1, 21)),
    "confirmed errors": replicated_errors,
    "budget of errors": lambda: figures.budget(
        pd.DataFrame({"trials": range(1, 101), "best": -np.geomspace(90, 40, 100)}),
        Scale(ERROR, -95.0, -35.0),
    ),
    "errors of rows": errors,
    "errors of images": lambda: errors(shape=(28, 28)),
    "20": lambda: best20(search(epochs=50)),
    "one": lambda: best20(search(1)),
    "other": lambda: best20(search(), names=["optimizer", "batch_size", "momentum", "lr"]),
    "map": lambda: search_map(search(diverged=(0,))),
    "batches": lambda: search_map(search(diverged=(0,)), {**OPTIMIZERS, **BATCHES}),
    "names": lambda: search_map(search(), OPTIMIZERS),
    "contours": lambda: search_map(search(), surface=surface(slope=0.02)),
    "learnt": lambda: surface_map(search(10, diverged=(1, 7))),
    "curve": lambda: surface_map(search(10), BATCHES),
    "grid": lambda: heat_map(BOOK, (8,)),
    "fine": lambda: heat_map(FINE, (0, 7)),
    "4": lambda: heat_map({**BOOK, **OPTIMIZERS, "momentum": options(0.5, 0.9)}, (4,)),
    "12": lambda: heat_map({**BOOK, "weight_decay": points(1e-8, 1e-5, 4), **MOMENTUMS}),
    "over": lambda: heat_map({**BOOK, "weight_decay": points(1e-8, 1e-4, 5), **MOMENTUMS}, range(16)),
    "slices": lambda: slices(search(diverged=(0, 3)), best=5),
    "slice": lambda: slices(search(1), BATCHES),
    "narrow slice": lambda: slices(search(), {"lr": {**SPACE["lr"], "low": 2.1e-6, "high": 1.9e-5}}),
    "slices of five": lambda: slices(search(60), {**SPACE, **MANY_OPTIMIZERS, **BATCHES, **NARROW}),
    "budget": lambda: budget(33),
    "budget of one": lambda: budget(1),
    "budget of many": lambda: budget(4000),
    "best so far": lambda: figures.budget(pd.DataFrame({"trials": range(1, 101), "best": 0.5})),
    "confirmed": lambda: figures.confirmed(*replicated()),
    "confirmed one": lambda: figures.confirmed(*replicated(1, 1, 1)),
    "confirmed 20": lambda: figures.confirmed(*replicated(20, 10, 50, number=999_999_900)),
    "mistakes": mistakes,
    "mistakes of named images": lambda: mistakes(classes=[f"ankle boot {k}" for k in range(10)]),
    "mistakes of a table": lambda: mistakes_of_a_table(["barolo", "grignolino", "$barbera^{ d'Asti$"]),
    "mistakes of 12 classes": lambda: mistakes_of_a_table([f"chateau {k}" for k in range(12)]),
    "mistakes of 300 classes": lambda: mistakes_of_a_table([f"species {k}" for k in range(300)]),
    "no mistakes": lambda: mistakes(0, 999_999_999),
}


@cache
def example(name):
    return EXAMPLES[name]()


def rendered():
    """One figure of each kind, as PNG and as SVG."""
    data = search(6, diverged=(3,))
    drawn = {
        "best20": best20(data),
        "search_map": search_map(data, surface=surface()),
        "surface_map": surface_map(data),
        "heat_map": heat_map(BOOK, (2,)),
        "slices": slices(data, {**SPACE, **OPTIMIZERS}),
        "budget": budget(),
        "confirmed": figures.confirmed(*replicated()),
        "mistakes": mistakes(),
    }
    return {name: (figures.png(figure), figures.svg(figure)) for name, figure in drawn.items()}


def digests(files):
    return [hashlib.sha256(file).hexdigest() for pair in files.values() for file in pair]
