"""What a trial trains with: the settings under model and training, with the values that were drawn for it."""

from collections.abc import Mapping
from typing import Any

from zdl.config.hyperparameters import unused
from zdl.config.space import possible

Settings = Mapping[str, Any]


def resolve(settings: Settings, point: Mapping[str, Any]) -> dict[str, Any]:
    """The hyper-parameters of the trial whose drawn values are `point`, and only those that play a part.

    Of momentum, decay_rate, beta1 and beta2 these are the ones that the trial's optimizer uses; hidden_width
    and hidden_depth become the hidden_sizes that they give.
    """
    drawn = {**settings["model"], **settings["training"], **point}
    sizes = drawn["hidden_sizes"]
    if "hidden_width" in point or "hidden_depth" in point:
        sizes = [point.get("hidden_width", sizes[0])] * point.get("hidden_depth", len(sizes))
    left_out = unused(drawn["optimizer"]) | {"hidden_width", "hidden_depth"}
    return {name: drawn[name] for name in drawn if name not in left_out} | {"hidden_sizes": list(sizes)}


def shared(settings: Settings) -> dict[str, Any]:
    """What all trials have in common, whatever is drawn for them; only what plays a part in some trial."""
    left_out = unused(*possible(settings, "optimizer"))
    fixed, space = {**settings["model"], **settings["training"]}, settings["search"]["space"]
    sizes = fixed.pop("hidden_sizes")  # of which a searched width leaves their number, a depth the width
    widths = [] if "hidden_width" in space else sizes[:1] if "hidden_depth" in space else sizes
    depth = None if "hidden_depth" in space else len(sizes)
    common = {name: fixed[name] for name in fixed if name not in space.keys() | left_out}
    return {**common, "hidden_sizes": [widths, depth]}
