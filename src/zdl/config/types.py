"""The types of hyper-parameters in params.yaml, by their declarations: a value, and a range or a choice."""

from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from zdl.config.hyperparameters import HYPERPARAMETERS, Hyperparameter


class Section(BaseModel):
    """A mapping with these keys and no others. A value has to be of its type already: '1' is not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


def described(title: str, english: str, japanese: str, **constraints: Any) -> Any:
    """A setting's words, of which an editor shows both languages, and its constraints."""
    return Field(title=title, description=f"{english}\n{japanese}", **constraints)


def one_of(*names: str) -> Any:
    return Literal[names]


def number(kind: Any, **bounds: Any) -> Any:
    return Annotated[kind, Field(allow_inf_nan=False, **bounds)]


def either(types: list[Any]) -> Any:
    return Union[tuple(types)]  # noqa: UP007


def value(name: str, declared: Hyperparameter) -> Any:
    """The type of one value: a name, a number, or either."""
    types: list[Any] = []
    if declared.names:
        types.append(one_of(*declared.names))
    if declared.number:
        types.append(number(declared.number, **declared.bounds))
    words = described(" / ".join(declared.title), *declared.description)
    return TypeAliasType(name, Annotated[either(types), words])


VALUES = {name: value(name, declared) for name, declared in HYPERPARAMETERS.items()}


def list_of(name: str) -> Any:
    return list[VALUES[name]]  # type: ignore[valid-type]


def fixed(section: str) -> dict[str, Any]:
    """The fields of the hyper-parameters whose values stand in this section."""
    return {name: (VALUES[name], ...) for name, each in HYPERPARAMETERS.items() if each.section == section}


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


def distribution(name: str, declared: Hyperparameter) -> Any:
    """The type of a searched hyper-parameter: a range of one of its distributions, or a choice."""
    models = []
    for kind, (low, high) in declared.sampling.items():
        end = number(declared.number, ge=low, le=high)
        models.append(model(name, kind, low=(end, ...), high=(end, ...), points=(Points, None)))
    options: Any = Annotated[list_of(name), AfterValidator(distinct)]
    models.append(model(name, "choice", options=(options, OPTIONS)))
    if len(models) == 1:
        return models[0]
    return Annotated[either(models), Field(discriminator="distribution")]


def model(name: str, kind: str, **fields: Any) -> Any:
    return create_model(f"{name}_{kind}", __base__=Section, distribution=(one_of(kind), ...), **fields)


def distinct(options: list[Any]) -> list[Any]:
    """Options that are all different; after they were normalised, 1 and 1.0 are equal."""
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


def searched(name: str) -> Any:
    """The field of a hyper-parameter that may be searched."""
    declared = HYPERPARAMETERS[name]
    words = described(" / ".join(declared.title), *declared.description, default=None)
    return distribution(name, declared), words


Space = create_model("Space", __base__=SpaceBase, **{name: searched(name) for name in HYPERPARAMETERS})
