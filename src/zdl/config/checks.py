"""Checks that involve several settings. The models check each setting by itself."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from zdl.config.hyperparameters import unused
from zdl.config.messages import Mistake
from zdl.config.space import OTHER, fixed, grid_size, possible

MOST_OF_HALTON = 20  # hyper-parameters: each needs a prime base, and large bases fill the space unevenly
MOST_LEARNED_TRIALS = 1000  # for PROPOSING: a round takes longer, the more trials it learns from

PROPOSING = ("bayes", "tpe", "cmaes")  # methods that learn where to search, in rounds of search.batch
HALVINGS = ("halving", "hyperband")  # methods that train all trials for a few epochs, and the best for more

Settings = Mapping[str, Any]  # nested and plain, shaped like params.yaml


def across(settings: Settings) -> Iterator[Mistake]:
    """Yield the mistakes in settings that the models accept."""
    for name, spec in settings["search"]["space"].items():
        if spec["distribution"] != "choice":
            yield from ranges(settings, name, spec)
    yield from idle(settings)
    yield from trial_counts(settings)
    if settings["search"]["method"] in HALVINGS:
        yield from halving(settings)


def ranges(settings: Settings, name: str, spec: Settings) -> Iterator[Mistake]:
    """Yield an error for a range that is empty, too narrow, or has more points than whole numbers."""
    key, low, high = ("search", "space", name), spec["low"], spec["high"]
    start, end = settings["search"]["hyperparameters"][name]["sampling"][spec["distribution"]]
    scale = math.log if spec["distribution"] == "log_uniform" else float
    if not low < high:
        yield (*key, "low"), f"{low} is not below high, {high} (allowed: low < high)"
    elif scale(high) - scale(low) < 1e-6 * (scale(end) - scale(start)):
        section = next(each for each in settings if each not in OTHER and name in settings[each])
        limit = f"a millionth of {start} to {end} or more"
        yield (
            key,
            f"{low} to {high} is too narrow to search (allowed: {limit}; or fix {section}.{name} instead)",
        )
    elif spec["distribution"] == "int_uniform" and spec.get("points", 2) > high - low + 1:
        reason = f"more than the whole numbers from {low} to {high}"
        yield (*key, "points"), f"{spec['points']} is {reason} (allowed: 2 to {high - low + 1})"


def idle(settings: Settings) -> Iterator[Mistake]:
    """Yield an error for each searched hyper-parameter that plays no part in any trial."""
    declarations = settings["search"]["hyperparameters"]
    values = {name: possible(settings, name) for name in fixed(settings)}
    never = unused(declarations, values)
    for name in settings["search"]["space"]:
        if name in never:
            other, users = next(
                (other, users)
                for other, users in declarations[name]["when"].items()
                if other in never or not {*values[other]} & {*users}
            )
            reason = f"as the {other} is {', '.join(map(str, values[other]))}"
            yield (
                ("search", "space", name),
                f"plays no part, {reason} (allowed with {', '.join(map(str, users))})",
            )


def halving(settings: Settings) -> Iterator[Mistake]:
    """Yield an error for each setting that successive halving lacks, or that leaves it no trial to stop."""
    search, epochs = settings["search"], settings["search"]["epochs"]
    method, missing = search["method"], [name for name in ("eta", "min_epochs") if search.get(name) is None]
    for name in missing:
        allowed = "2 to 100, such as 3" if name == "eta" else "1 or more, such as 2"
        yield ("search", name), f"is missing (needed by the method {method}: {allowed})"
    if epochs is None:
        yield (
            ("search", "method"),
            f"{method} needs epochs to save (allowed with a problem that declares epochs)",
        )
    elif "epochs" in search["space"]:
        yield (
            ("search", "space", "epochs"),
            f"plays no part, as {method} decides about epochs (allowed: leave it out)",
        )
    elif not missing and search["min_epochs"] >= epochs:
        min_epochs = search["min_epochs"]
        yield (
            ("search", "min_epochs"),
            f"{min_epochs} leaves nothing to stop (allowed: below training.epochs, {epochs})",
        )


def trial_counts(settings: Settings) -> Iterator[Mistake]:
    """Yield an error for too many trials or hyper-parameters for the method, and for points of a grid that
    are missing, unused, or more than the trials."""
    search = settings["search"]
    method, trials = search["method"], search["trials"]
    if method in PROPOSING and trials > MOST_LEARNED_TRIALS:
        allowed = f"with {method}, a whole number from 1 to {MOST_LEARNED_TRIALS}"
        yield ("search", "trials"), f"{trials} is out of range (allowed: {allowed})"
    if method == "halton" and len(search["space"]) > MOST_OF_HALTON:
        yield (
            ("search", "space"),
            f"has {len(search['space'])} (allowed: with halton, up to {MOST_OF_HALTON})",
        )
    axes, missing = {}, False
    for name, spec in search["space"].items():
        key = ("search", "space", name, "points")
        if method != "grid" and "points" in spec:
            yield key, f"{spec['points']} plays no part, as the method is {method} (allowed with grid)"
        if method == "grid" and not {"points", "options"} & spec.keys():
            yield key, "is missing (needed by the method grid: how many values; or list them as a choice)"
            missing = True
        axes[name] = spec["options"] if "options" in spec else range(spec.get("points", 0))
    if method == "grid" and not missing and (size := grid_size(axes, search["hyperparameters"])) > trials:
        advice = f"a grid of up to {trials} points, or more trials"
        yield (
            ("search", "trials"),
            f"{trials} is less than the {size} points of the grid (allowed: {advice})",
        )
