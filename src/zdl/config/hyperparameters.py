"""How a problem declares its settings, each once: its values, its words, and how a search may draw it.

The models of params.yaml, the JSON Schema, the samplers and the recommendations all follow from declarations.
`zdl.problems.book` has examples.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Text = tuple[str, str]  # in English and in Japanese
Declarations = Mapping[str, Mapping[str, Any]]  # by hyper-parameter: what `plain` keeps of a declaration


@dataclass(frozen=True)
class Setting:
    """What one value in params.yaml may be: a name, a number, or either; with `optional`, also null."""

    title: Text
    description: Text
    names: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)  # names that mean the same as another
    number: type[int] | type[float] | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)  # of the number: ge, gt, le, lt
    optional: bool = False
    section: str = "training"  # of params.yaml, where its value is fixed


@dataclass(frozen=True)
class Hyperparameter(Setting):
    """A setting that a search may draw.

    `sampling` has its distributions, each with the bounds of any range. Draws are spread over these bounds,
    so that an edited range keeps the values that it still holds. Other bounds move every value; wide ones
    take time.

    `when` says when it plays a part in a trial: if each setting that is named there has one of these values.
    """

    sampling: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    when: Mapping[str, Collection[Any]] = field(default_factory=dict)


def real(low: float, high: float, *, log: bool = False, **more: Any) -> Hyperparameter:
    """A number from low to high, which a search draws uniformly, or uniformly in the logarithm."""
    kind = "log_uniform" if log else "uniform"
    return _declare(number=float, bounds={"ge": low, "le": high}, sampling={kind: (low, high)}, **more)


def whole(low: int, high: int, **more: Any) -> Hyperparameter:
    """A whole number from low to high."""
    return _declare(number=int, bounds={"ge": low, "le": high}, sampling={"int_uniform": (low, high)}, **more)


def choice(*names: str, **more: Any) -> Hyperparameter:
    """One of these names."""
    return _declare(names=names, **more)


def _declare(title: str | Text = "", description: str | Text = "", **more: Any) -> Hyperparameter:
    """A declaration whose words may be in one language."""
    texts = [(text, text) if isinstance(text, str) else text for text in (title, description)]
    return Hyperparameter(title=texts[0], description=texts[1], **more)


def plain(declarations: Mapping[str, Setting]) -> dict[str, dict[str, Any]]:
    """What a search goes by, as plain values: the sampling bounds of each hyper-parameter, and when it plays
    a part. The order is that of the declarations: Halton's sequence gives its bases by it."""
    return {
        name: {
            "sampling": {kind: list(bounds) for kind, bounds in each.sampling.items()},
            "when": {other: list(values) for other, values in each.when.items()},
        }
        for name, each in declarations.items()
        if isinstance(each, Hyperparameter)
    }


def unused(declarations: Declarations, values: Mapping[str, Collection[Any]]) -> set[str]:
    """The hyper-parameters that play no part: momentum, if the only optimizer is sgd. `values` are those that
    each setting can have; of a setting that is not there, nothing is known."""
    idle: set[str] = set()
    for name, each in declarations.items():  # a declaration names earlier ones
        for other, allowed in each["when"].items():
            if other in idle or not any(value in allowed for value in values.get(other, allowed)):
                idle.add(name)
    return idle
