"""How a problem declares its settings: their values, titles and descriptions, and how a search may draw them.

The models of params.yaml, the JSON Schema, the samplers and the recommendations are derived from these
declarations. `zdl.problems.book` has examples.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Text = tuple[str, str]  # in English and in Japanese
Declarations = Mapping[str, Mapping[str, Any]]  # hyper-parameter -> its declaration, as `plain` returns it


@dataclass(frozen=True)
class Setting:
    """A value in params.yaml: a name, a number, or either. With `optional`, it can also be null."""

    title: Text
    description: Text
    names: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)  # name -> the name that it stands for
    number: type[int] | type[float] | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)  # of the number: ge, gt, le, lt
    optional: bool = False
    section: str = "training"  # the section of params.yaml that has its value


@dataclass(frozen=True)
class Hyperparameter(Setting):
    """A setting that a search can draw.

    `sampling` maps each of its distributions to the bounds of any range. Values are drawn over these bounds,
    so an edited range keeps the earlier values that it still contains. Other bounds change every value, and
    wide bounds make draws slower.

    `when` maps other settings to values. The hyper-parameter plays a part in a trial only if each of these
    settings has one of its values there.
    """

    sampling: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    when: Mapping[str, Collection[Any]] = field(default_factory=dict)


def real(low: float, high: float, *, log: bool = False, **more: Any) -> Hyperparameter:
    """A number from low to high. A search draws it uniformly or, with `log`, uniformly in the logarithm."""
    kind = "log_uniform" if log else "uniform"
    return _declare(number=float, bounds={"ge": low, "le": high}, sampling={kind: (low, high)}, **more)


def whole(low: int, high: int, **more: Any) -> Hyperparameter:
    """A whole number from low to high."""
    return _declare(number=int, bounds={"ge": low, "le": high}, sampling={"int_uniform": (low, high)}, **more)


def choice(*names: str, **more: Any) -> Hyperparameter:
    """One of these names."""
    return _declare(names=names, **more)


def _declare(title: str | Text = "", description: str | Text = "", **more: Any) -> Hyperparameter:
    """A declaration whose title and description may be in one language."""
    texts = [(text, text) if isinstance(text, str) else text for text in (title, description)]
    return Hyperparameter(title=texts[0], description=texts[1], **more)


def plain(declarations: Mapping[str, Setting]) -> dict[str, dict[str, Any]]:
    """The declarations as plain values: sampling bounds, and when a hyper-parameter plays a part.

    The order is that of the declarations, since Halton's sequence assigns its bases in this order.
    """
    return {
        name: {
            "sampling": {kind: list(bounds) for kind, bounds in each.sampling.items()},
            "when": {other: list(values) for other, values in each.when.items()},
        }
        for name, each in declarations.items()
        if isinstance(each, Hyperparameter)
    }


def unused(declarations: Declarations, values: Mapping[str, Collection[Any]]) -> set[str]:
    """The hyper-parameters that play no part, such as momentum if the only optimizer is sgd.

    `values` maps settings to the values that they can have. A setting that it lacks can have any value.
    """
    idle: set[str] = set()
    for name, each in declarations.items():  # `when` names earlier declarations only
        for other, allowed in each["when"].items():
            if other in idle or not any(value in allowed for value in values.get(other, allowed)):
                idle.add(name)
    return idle
