"""The three problems of docs/comparison/PROTOCOL.md, on which search methods are compared.

All that a search sees of a problem is how a training went. That follows from the spec of a trial, so that
searches of one seed share their trials.
"""

import ast
import math
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.images import images
from zdl.artifacts.encoding import digest
from zdl.artifacts.fingerprint import together
from zdl.config.hyperparameters import plain
from zdl.config.reading import read
from zdl.config.settings import load
from zdl.data import preprocess
from zdl.data.rows import arrays
from zdl.problems import book
from zdl.search.checkpoint import goes_on
from zdl.search.trial import training

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples/skeleton"))
import skeleton

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "tests" / "params.yaml"  # the default search, whatever users search in params.yaml
SKELETON = ROOT / "examples" / "skeleton"

OPTIMUM = {"lr": 0.7, "weight_decay": 0.4, "hidden_width": 0.6, "batch_size": 0.3}  # places in the ranges
FUNCTION_SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
    "hidden_width": {"distribution": "int_uniform", "low": 10, "high": 200},
    "batch_size": {"distribution": "int_uniform", "low": 10, "high": 200},
}
TRIAL_NOISE, EPOCH_NOISE = 0.02, 0.01


class Curve(NamedTuple):
    """How a training went: the validation accuracy after each epoch, the held-out accuracy after the last."""

    val: list[float]
    held_out: float
    diverged: bool = False


class Objective(NamedTuple):
    """A problem: its settings without those of the search method, and how a trial of a spec is trained.

    `goes_on` says whether a training can continue, and `code` is a digest of all that decides a curve beside
    the settings.
    """

    settings: dict[str, Any]
    curve: Callable[[Mapping[str, Any]], Curve]
    goes_on: bool
    code: str

    @property
    def epochs(self) -> int:
        """The epochs of a whole trial."""
        number: int = self.settings["training"]["epochs"]
        return number


def mnist() -> Objective:
    """The default search."""
    settings = load(BOOK)
    rate, seed = (settings["split"][name] for name in ("validation_rate", "seed"))
    split, x, t = images(settings["data"]["subsample"], rate, seed)
    code = digest(together("zdl.search.trial:run", "zdl.problems.book:train"))
    return Objective(settings, _trains(book.train, split, x, t), goes_on(book.train), code)


def iris() -> Objective:
    """The example with a CSV, which is no module of problems/ here."""
    settings = read(SKELETON / "params.yaml")
    settings["search"]["hyperparameters"] = plain(skeleton.HYPERPARAMETERS)
    table = (SKELETON / "skeleton.csv").read_bytes()
    rows = skeleton.load(settings["data"], {skeleton.FILE: table})
    split = preprocess.split(dict(arrays(rows)), *(settings["split"][k] for k in ("validation_rate", "seed")))
    code = digest([code_of(skeleton), table.decode(), version("scikit-learn"), version("numpy")])
    curve = _trains(skeleton.train, split, rows.x_held_out, rows.t_held_out)
    return Objective(settings, curve, goes_on(skeleton.train), code)


def function() -> Objective:
    """A function with a known optimum and a learning curve."""
    settings = load(BOOK)
    settings["search"]["space"] = FUNCTION_SPACE
    return Objective(settings, function_curve, True, "")


def function_curve(spec: Mapping[str, Any]) -> Curve:
    """The formula of the protocol."""
    config = spec["config"]
    u = {name: place(FUNCTION_SPACE[name], config[name]) for name in OPTIMUM}
    final = 0.1 + 0.85 * math.exp(-4 * sum((u[name] - OPTIMUM[name]) ** 2 for name in OPTIMUM))
    tau = 2 + 18 * (1 - u["lr"])
    e = np.arange(1, config["epochs"] + 1)
    accuracy = 0.1 + (final - 0.1) * (1 - np.exp(-e / tau)) / (1 - math.exp(-50 / tau))
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(spec["seed"])))
    noise = TRIAL_NOISE * rng.standard_normal() + EPOCH_NOISE * rng.standard_normal(len(e))
    return Curve(np.clip(accuracy + noise, 0, 1).tolist(), float(accuracy[-1]))


def place(spec: Mapping[str, Any], value: float) -> float:
    """Where a value is in its range, from 0 to 1."""
    scale = math.log if spec["distribution"] == "log_uniform" else float
    low, high = scale(spec["low"]), scale(spec["high"])
    return (scale(value) - low) / (high - low)


def _trains(train: Any, split: Any, x: Any, t: Any) -> Callable[[Mapping[str, Any]], Curve]:
    """What trains a network on a split, and then has it answer the held-out rows."""

    def curve(spec: Mapping[str, Any]) -> Curve:
        history, predictor = training(spec, split._asdict(), train)
        held_out = float(np.mean(predictor(x).argmax(axis=1) == t))
        val = [correct / history.val_size for correct in history.val_correct]
        return Curve(val, held_out, history.status == "diverged")

    return curve


def code_of(module: Any) -> str:
    """A module's code, without its comments."""
    return ast.dump(ast.parse(Path(module.__file__).read_text("utf-8")))


OBJECTIVES = {"mnist": mnist, "iris": iris, "function": function}


@cache
def objective(name: str) -> Objective:
    """The problem of that name; made once in a process."""
    return OBJECTIVES[name]()
