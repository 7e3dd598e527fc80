"""The types of declared settings: a value and, for the search space, a range or a choice."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from zdl.config.hyperparameters import Hyperparameter, Setting


class Section(BaseModel):
    """A mapping that rejects other keys and does not convert values: '1' is not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, protected_namespaces=())


def described(title: str, english: str, japanese: str, **constraints: Any) -> Any:
    """A field with a title, a description in both languages for editors to show, and constraints."""
    return Field(title=title, description="\n".join(dict.fromkeys((english, japanese))), **constraints)


def one_of(*names: str) -> Any:
    return Literal[names]


def number(kind: Any, **bounds: Any) -> Any:
    return Annotated[kind, Field(allow_inf_nan=False, **bounds)]


def either(types: list[Any]) -> Any:
    return Union[tuple(types)]  # noqa: UP007


def value(name: str, setting: Setting) -> Any:
    """The type of a setting's value: a name, a number, or either; with `optional`, also null."""
    types: list[Any] = []
    if setting.names:
        types.append(one_of(*setting.names))
    if setting.number:
        types.append(number(setting.number, **setting.bounds))
    if setting.optional:
        types.append(None)
    words = described(" / ".join(dict.fromkeys(setting.title)), *setting.description)
    return TypeAliasType(name, Annotated[either(types), words])


def section(name: str, declarations: Mapping[str, Setting]) -> Any:
    """The model of a section of params.yaml, which must have a value for each of these settings."""
    fields = {each: (value(each, setting), ...) for each, setting in declarations.items()}
    return create_model(name.capitalize(), __base__=Section, **fields)  # type: ignore[call-overload]


POINTS = described(
    "Number of points / 点の数",
    "For a grid: how many values of the range, both ends included. They are evenly spaced in the logarithm "
    "(log_uniform) or in the value (uniform; int_uniform, each rounded to a whole number).",
    "グリッドサーチで使う値の数です（両端を含みます）。log_uniformでは対数、ほかでは値が等間隔に並びます。",
    ge=2,
    le=1000,
)
Points = TypeAliasType("Points", Annotated[int, POINTS])
OPTIONS = described(
    "Options / 選択肢",
    "The values that a choice draws from, each with the same chance. A grid takes each of them.",
    "同じ確率で選ばれる値の一覧です。グリッドサーチでは、すべての値を使います。",
    min_length=1,
    json_schema_extra={"uniqueItems": True},
)


def distribution(name: str, parameter: Hyperparameter) -> Any:
    """The type of a hyper-parameter in the search space: a range of one of its distributions, or a choice."""
    models = []
    for kind, (low, high) in parameter.sampling.items():
        end = number(parameter.number, ge=low, le=high)
        models.append(model(name, kind, low=(end, ...), high=(end, ...), points=(Points, None)))
    values: Any = list[value(name, parameter)]  # type: ignore[misc]
    models.append(model(name, "choice", options=(Annotated[values, AfterValidator(distinct)], OPTIONS)))
    if len(models) == 1:
        return models[0]
    return Annotated[either(models), Field(discriminator="distribution")]


def model(name: str, kind: str, **fields: Any) -> Any:
    return create_model(f"{name}_{kind}", __base__=Section, distribution=(one_of(kind), ...), **fields)


def distinct(options: list[Any]) -> list[Any]:
    """Check that all options differ. They are already normalised, so 1 and 1.0 are equal."""
    if len(set(options)) < len(options):
        raise PydanticCustomError("repeated", "repeats an option")
    return options


class SpaceBase(Section):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def is_not_empty(self) -> Any:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "is empty")
        return self


def space(declarations: Mapping[str, Setting]) -> Any:
    """The model of the search space, with a field for each hyper-parameter."""
    fields = {
        name: (
            distribution(name, each),
            described(" / ".join(dict.fromkeys(each.title)), *each.description, default=None),
        )
        for name, each in declarations.items()
        if isinstance(each, Hyperparameter)
    }
    return create_model("Space", __base__=SpaceBase, **fields)  # type: ignore[call-overload]
