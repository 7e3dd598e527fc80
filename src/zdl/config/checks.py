"""What one setting demands of another. Each setting by itself is checked by the models."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from zdl.config.hyperparameters import SAMPLING_BOUNDS, unused
from zdl.config.messages import Problem, show
from zdl.config.space import grid_size, possible
from zdl.data.mnist import BUNDLED
from zdl.data.preprocess import validation_count
from zdl.nn.optimizers import OPTIMIZERS, hyperparameters

MOST_LEARNED_TRIALS = 1000  # of a search by bayes, whose rounds take longer the more trials they learn from

Settings = Mapping[str, Any]  # nested and plain, shaped like params.yaml


def across(settings: Settings) -> Iterator[Problem]:
    """The problems of settings that the models accept."""
    yield from counts(settings)
    for name, spec in settings["search"]["space"].items():
        if spec["distribution"] != "choice":
            yield from ranges(settings, name, spec)
    yield from idle(settings)
    yield from sized(settings)


def counts(settings: Settings) -> Iterator[Problem]:
    """Images that the source does not have, and no image to validate."""
    images, rate = settings["data"]["subsample"], settings["split"]["validation_rate"]
    if images > BUNDLED and settings["data"]["source"] == "bundled":
        advice = f"up to {BUNDLED}, or another data.source"
        yield ("data", "subsample"), f"{images} is more than are bundled (allowed: {advice})"
    if validation_count(rate, images) == 0:  # never all of them, as the rate is below 1
        yield ("split", "validation_rate"), f"{rate} of {images} is no image (allowed: 1 image or more)"


def ranges(settings: Settings, name: str, spec: Settings) -> Iterator[Problem]:
    """A range that is empty, too narrow for the draws of its streams, or has fewer numbers than points."""
    key, low, high = ("search", "space", name), spec["low"], spec["high"]
    start, end = SAMPLING_BOUNDS[name][spec["distribution"]]
    scale = math.log if spec["distribution"] == "log_uniform" else float
    if not low < high:
        yield (*key, "low"), f"{low} is not below high, {high} (allowed: low < high)"
    elif scale(high) - scale(low) < 1e-6 * (scale(end) - scale(start)):
        fixed = f"{'model' if name in settings['model'] else 'training'}.{name}"
        part = f"a millionth of {start} to {end} or more"
        yield key, f"{low} to {high} is too narrow to search (allowed: {part}; or fix {fixed} instead)"
    elif spec["distribution"] == "int_uniform" and spec.get("points", 2) > high - low + 1:
        there = f"more than the whole numbers from {low} to {high}"
        yield (*key, "points"), f"{spec['points']} is {there} (allowed: 2 to {high - low + 1})"


def idle(settings: Settings) -> Iterator[Problem]:
    """Searched hyper-parameters that could change no trial, or that leave the network undecided."""
    space, sizes = settings["search"]["space"], settings["model"]["hidden_sizes"]
    optimizers = possible(settings, "optimizer")
    for name in space:
        if name in unused(*optimizers):
            users = [optimizer for optimizer in OPTIMIZERS if name in hyperparameters(optimizer)]
            reason = f"as the optimizer is {', '.join(optimizers)}"
            yield ("search", "space", name), f"plays no part, {reason} (allowed with {', '.join(users)})"
    if "hidden_depth" in space and "hidden_width" not in space and len(set(sizes)) > 1:
        advice = "equal model.hidden_sizes, or search.space.hidden_width too"
        yield ("search", "space", "hidden_depth"), f"has no one width among {show(sizes)} (allowed: {advice})"


def sized(settings: Settings) -> Iterator[Problem]:
    """More trials than the method can do, or fewer; and a grid whose ranges do not say how many points."""
    search = settings["search"]
    method, trials = search["method"], search["trials"]
    if method == "bayes" and trials > MOST_LEARNED_TRIALS:
        allowed = f"with bayes, a whole number from 1 to {MOST_LEARNED_TRIALS}"
        yield ("search", "trials"), f"{trials} is out of range (allowed: {allowed})"
    axes, missing = {}, False
    for name, spec in search["space"].items():
        at = ("search", "space", name, "points")
        if method != "grid" and "points" in spec:
            yield at, f"{spec['points']} plays no part, as the method is {method} (allowed with grid)"
        if method == "grid" and not {"points", "options"} & spec.keys():
            yield at, "is missing (needed by the method grid: how many values; or list them as a choice)"
            missing = True
        axes[name] = spec["options"] if "options" in spec else range(spec.get("points", 0))
    if method == "grid" and not missing and (size := grid_size(axes)) > trials:
        advice = f"a grid of up to {trials} points, or more trials"
        yield (
            ("search", "trials"),
            f"{trials} is less than the {size} points of the grid (allowed: {advice})",
        )
