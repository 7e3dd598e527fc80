"""params.yaml as validated settings: read with care, checked key by key, in one spelling for equal values.

The schema (workflow/schemas/params.schema.yaml) says what each key may hold; `across` says what one key
asks of another. Whatever the file holds, `load` gives settings or one line that names the key.
"""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import DocumentStartEvent, Event, ScalarEvent
from ruamel.yaml.reader import ReaderError

from zdl import Error
from zdl.data.mnist import BUNDLED
from zdl.data.preprocess import validation_count
from zdl.nn.optimizers import OPTIMIZERS, knobs
from zdl.search.distributions import SAMPLING_BOUNDS, unused
from zdl.search.samplers import sampler

SCHEMA = Path("workflow/schemas/params.schema.yaml")

Settings = Mapping[str, Any]  # nested and plain, shaped like params.yaml
Problem = tuple[tuple[Any, ...], str]  # the keys that lead to it, and what is wrong there


class SettingsError(Error):
    """Settings that cannot be used: one line with the file, the key, its value and what is allowed."""

    def __init__(self, path: str | Path, text: str) -> None:
        super().__init__(f"{path}: {text}")


def load(path: str | Path = "params.yaml", schema: str | Path = SCHEMA) -> dict[str, Any]:
    """The settings of a params.yaml: complete, checked, keys in the schema's order, values in one spelling.

    Real-valued numbers are float and the others int, names are lower case, and as initial weights 'he' is
    'relu' and 'xavier' is 'sigmoid': equal settings have equal digests.
    Raises SettingsError, with one line, for any other file.
    """
    raw = read(path)
    settings: dict[str, Any] = normalise(raw)
    if problems := list(within(settings, raw, rules(read_text(schema)))) or list(across(settings)):
        where, text = problems[0]
        others = len({keys for keys, _ in problems}) - 1
        more = f" (and {others} more)" if others else ""
        raise SettingsError(path, f"{dotted(where)}{text}{more}")
    return ordered(settings, rules(read_text(schema)))


SPEC = ("distribution", "low", "high", "points", "options")  # keys of a searched hyper-parameter, in order


def ordered(settings: Settings, schema: Settings) -> dict[str, Any]:
    """The same settings with their keys in the schema's order: a digest holds values, and no order of keys.
    Only that of the searched hyper-parameters is the file's own, which points and the report keep."""
    sections = schema["properties"]
    result = {
        name: {key: settings[name][key] for key in section["properties"] if key in settings[name]}
        for name, section in sections.items()
    }
    space = settings["search"]["space"].items()
    result["search"]["space"] = {
        name: {key: spec[key] for key in SPEC if key in spec} for name, spec in space
    }
    return result


def resolve(settings: Settings, point: Mapping[str, Any]) -> dict[str, Any]:
    """What one trial trains with: the fixed settings, with its drawn `point` in their place.

    Holds only what plays a part: of momentum, decay_rate, beta1 and beta2 those that the trial's optimizer
    uses; hidden_width and hidden_depth as the hidden_sizes that they give.
    """
    drawn = {**settings["model"], **settings["training"], **point}
    sizes = drawn["hidden_sizes"]
    if "hidden_width" in point or "hidden_depth" in point:
        sizes = [point.get("hidden_width", sizes[0])] * point.get("hidden_depth", len(sizes))
    left_out = unused(drawn["optimizer"]) | {"hidden_width", "hidden_depth"}
    return {name: drawn[name] for name in drawn if name not in left_out} | {"hidden_sizes": list(sizes)}


def shared(settings: Settings) -> dict[str, Any]:
    """What all trials train with, and their points leave as it is; only what plays a part in some trial."""
    left_out = unused(*possible(settings, "optimizer"))
    fixed, space = {**settings["model"], **settings["training"]}, settings["search"]["space"]
    sizes = fixed.pop("hidden_sizes")  # of which a searched width leaves their number, a depth the width
    widths = [] if "hidden_width" in space else sizes[:1] if "hidden_depth" in space else sizes
    depth = None if "hidden_depth" in space else len(sizes)
    kept = {name: fixed[name] for name in fixed if name not in space.keys() | left_out}
    return {**kept, "hidden_sizes": [widths, depth]}


def notes(settings: Settings) -> list[str]:
    """What is allowed but deserves a word before the training, one line each."""
    search, best = settings["search"], settings["report"]["best"]
    size = sampler(search).size
    images = settings["data"]["subsample"]
    train = images - validation_count(settings["split"]["validation_rate"], images)
    said = []
    if (search["trials"] if size is None else size) < best:
        fewer = (
            f"search.trials is {search['trials']}" if size is None else f"the {search['method']} has {size}"
        )
        said.append(f"report.best: {best} are to be shown, but {fewer}")
    if sampler(search).batch is not None and search["trials"] <= search["batch"]:
        said.append(
            f"search.batch: {search['batch']}, the first ones, are drawn at random: of {search['trials']} "
            f"trials {search['method']} learns nothing"
        )
    if max(possible(settings, "batch_size")) > train:
        said.append(f"batch_size: above {train}, the training images, an epoch is one update")
    if settings["training"]["dtype"] == "float32":
        said.append("training.dtype: float32 curves can differ by a few images between CPUs")
    return said


# Reading: YAML 1.2 by the parser that DVC uses, without what settings have no need of.


def read(path: str | Path) -> Any:
    """The file's contents as plain Python, the same that DVC reads; errors name line and column."""
    text = read_text(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Plain
    try:
        inspect(text)
        return yaml.load(text)
    except ReaderError as error:
        before = text[: error.position].split("\n")
        at = f"line {len(before)}, column {len(before[-1]) + 1}"
        raise SettingsError(path, f"{at}: a character that no text holds (allowed: UTF-8 text)") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsError(path, at + short(str(error.problem), 160)) from None
    except (YAMLError, ValueError, OverflowError) as error:  # such as an escape that is beyond Unicode
        raise SettingsError(path, f"is not YAML: {short(str(error), 160)}") from None


def read_text(path: str | Path, limit: int = 100_000) -> str:
    """A text file of at most `limit` bytes."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise SettingsError(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > limit:
        raise SettingsError(path, f"is too long (allowed: {limit} bytes)")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(path, f"line {line}: is not text (allowed: UTF-8 text)") from None


@lru_cache(maxsize=1)
def rules(schema: str) -> Settings:
    """The schema in a text: the one file that takes longer to parse than the settings."""
    parsed: Settings = YAML(typ="safe", pure=True).load(schema)
    return parsed


class Plain(SafeConstructor):
    """A date is the text that it was: no setting is one."""

    yaml_constructors = {  # noqa: RUF012
        **SafeConstructor.yaml_constructors,
        "tag:yaml.org,2002:timestamp": SafeConstructor.construct_yaml_str,
    }


def inspect(text: str) -> None:
    """Refuse, before anything is built, what could explode or what another reader could take otherwise."""
    depth = documents = 0
    for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        documents += isinstance(event, DocumentStartEvent)
        refused = foreign(event)
        if documents > 1:
            refused = "a second document (allowed: one)"
        if depth > 12 or count > 2000:  # the stream and the document are two levels
            refused = "too much for settings (allowed: 10 levels and 2000 values)"
        if refused:
            raise MarkedYAMLError(problem=refused, problem_mark=event.start_mark)


def foreign(event: Event) -> str | None:
    """Why settings have no place for this part of a YAML file, if they have none."""
    if anchor := getattr(event, "anchor", None):
        return f"an anchor or alias, {anchor} (allowed: values written out)"
    if tag := getattr(event, "tag", None):
        return f"a tag, {tag} (allowed: plain values)"
    if getattr(event, "version", None) or getattr(event, "tags", None):
        return "a directive (allowed: plain YAML 1.2)"
    if isinstance(event, ScalarEvent) and event.value == "<<":
        return "a merge key, << (allowed: values written out)"
    if isinstance(event, ScalarEvent) and len(event.value) > 200:
        return "a value that is too long (allowed: 200 characters)"
    return None


REAL = {"validation_rate"} | {name for name, kinds in SAMPLING_BOUNDS.items() if "uniform" in kinds}
NAMES = {"optimizer", "activation", "weight_init"}  # spelled with or without capitals
ALIASES = {"he": "relu", "xavier": "sigmoid"}


def normalise(value: Any, name: Any = None) -> Any:
    """One spelling for equal settings; `name` is the key that the value, range or list of options is for."""
    if isinstance(value, dict):
        inner = ("low", "high", "options")
        return {key: normalise(part, name if key in inner else key) for key, part in value.items()}
    if isinstance(value, list):
        return [normalise(part, name) for part in value]
    if isinstance(value, str) and name in NAMES:
        lower = value.lower()
        return ALIASES.get(lower, lower) if name == "weight_init" else lower
    if is_number(None, value) and name in REAL:
        return float(value) + 0.0  # and -0.0 is 0.0
    if is_number(None, value) and value == int(value):
        return int(value)
    return value


def is_number(_: Any, value: Any) -> bool:  # as jsonschema calls it, with a type checker first
    """Whether a value is a number that a float can hold: no truth value, NaN or infinity."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


# Checking each key.

Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("number", is_number),
)
KINDS = {"number": "a number", "integer": "a whole number", "array": "a list", "object": "a mapping"}
BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "and below",
    "minItems": "of at least",
    "maxItems": "and at most",
}
FAULTS = {"enum": "is not one of these", "uniqueItems": "repeats an option", "anyOf": "is neither"}


def within(settings: Any, raw: Any, schema: Settings) -> Iterator[Problem]:
    """What the schema does not let through, outermost first; messages tell the value as in `raw`."""
    for error in Validator(schema).iter_errors(settings):
        where, rule, part = tuple(error.absolute_path), str(error.validator), error.schema
        if rule == "additionalProperties":
            for key in error.instance:
                if key not in part["properties"]:
                    yield (*where, key), unknown(key, list(part["properties"]))
        elif rule == "required":
            for key in part["required"]:
                if key not in error.instance:
                    yield (*where, key), f"is missing (needed: {', '.join(part['required'])})"
        else:
            fault = f"is not {kinds(part)}" if rule == "type" else FAULTS.get(rule, "is out of range")
            yield where, f"{show(reduce(getitem, where, raw))} {fault} (allowed: {allowed(part)})"


def unknown(key: Any, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1)
    guess = f"; perhaps {near[0]}" if near else ""
    return f"is not a key here (allowed: {', '.join(known)}{guess})"


def kinds(part: Settings) -> str:
    names: list[str] = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return " or ".join(KINDS.get(name, name) for name in names)


def allowed(part: Settings) -> str:
    """What a schema lets through, in words: 'a whole number from 1 to 200'."""
    if "anyOf" in part:
        return " or ".join(allowed(each) for each in part["anyOf"])
    if "enum" in part:
        return ", ".join(part["enum"])
    if "properties" in part:
        return ("one or more of " if "minProperties" in part else "the keys ") + ", ".join(part["properties"])
    first, *rest = kinds(part).split(" or ")
    bounds = "".join(f" {word} {part[rule]}" for rule, word in BOUNDS.items() if rule in part)
    return " or ".join([first + bounds, *rest])


# Checking keys against each other.


def across(settings: Settings) -> Iterator[Problem]:
    """What the schema cannot say."""
    yield from counts(settings)
    for name, spec in settings["search"]["space"].items():
        kind = spec["distribution"]
        if name not in SAMPLING_BOUNDS or kind not in ("choice", *SAMPLING_BOUNDS[name]):
            yield (
                ("search", "space", name),
                f"{kind} is not in zdl.search.distributions.SAMPLING_BOUNDS, though in the schema",
            )
        elif kind != "choice":
            yield from ranges(settings, name, spec)
    yield from idle(settings)
    yield from sized(settings)


def counts(settings: Settings) -> Iterator[Problem]:
    """Images that can be had, and at least one of them to validate."""
    images, rate = settings["data"]["subsample"], settings["split"]["validation_rate"]
    if images > BUNDLED and settings["data"]["source"] == "bundled":
        advice = f"up to {BUNDLED}, or another data.source"
        yield ("data", "subsample"), f"{images} is more than are bundled (allowed: {advice})"
    if validation_count(rate, images) == 0:  # never all of them, as the rate is below 1
        yield ("split", "validation_rate"), f"{rate} of {images} is no image (allowed: 1 image or more)"


def ranges(settings: Settings, name: str, spec: Settings) -> Iterator[Problem]:
    """A range that is not empty, lies in the universe of its streams, and is no needle in it."""
    key, low, high = ("search", "space", name), spec["low"], spec["high"]
    start, end = SAMPLING_BOUNDS[name][spec["distribution"]]
    scale = math.log if spec["distribution"] == "log_uniform" else float
    if not low < high:
        yield (*key, "low"), f"{low} is not below high, {high} (allowed: low < high)"
    elif low < start or high > end:
        at = "low" if low < start else "high"
        yield (*key, at), f"{spec[at]} is out of range (allowed: {start} to {end})"
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
            users = [optimizer for optimizer in OPTIMIZERS if name in knobs(optimizer)]
            there = f"as the optimizer is {', '.join(optimizers)}"
            yield ("search", "space", name), f"plays no part, {there} (allowed with {', '.join(users)})"
    if "hidden_depth" in space and "hidden_width" not in space and len(set(sizes)) > 1:
        advice = "equal model.hidden_sizes, or search.space.hidden_width too"
        yield ("search", "space", "hidden_depth"), f"has no one width among {show(sizes)} (allowed: {advice})"


def sized(settings: Settings) -> Iterator[Problem]:
    """Ranges that say how many points a grid has, if there is to be one; and no more of them than trials."""
    search = settings["search"]
    method, spaced = search["method"], True
    for name, spec in search["space"].items():
        at = ("search", "space", name, "points")
        if method != "grid" and "points" in spec:
            yield at, f"{spec['points']} plays no part, as the method is {method} (allowed with grid)"
        if method == "grid" and not {"points", "options"} & spec.keys():
            yield at, "is missing (needed by the method grid: how many values; or list them as a choice)"
            spaced = False
    if not spaced:
        return
    size, trials = sampler(search).size, search["trials"]
    if size is not None and size > trials:
        advice = f"a grid of up to {trials} points, or more trials"
        yield (
            ("search", "trials"),
            f"{trials} is less than the {size} points of the {method} (allowed: {advice})",
        )


def possible(settings: Settings, name: str) -> list[Any]:
    """What a setting of training can be in some trial: its value, its options, or the ends of its range."""
    spec = settings["search"]["space"].get(name, {"options": [settings["training"][name]]})
    return list(spec["options"]) if "options" in spec else [spec["low"], spec["high"]]


# Wording.


def dotted(keys: tuple[Any, ...]) -> str:
    """Keys as a path: 'search.space.lr.options[0]: '."""
    plain = (
        key if re.fullmatch(r"[\w-]{1,40}", str(key)) and isinstance(key, str) else f"[{show(key)}]"
        for key in keys
    )
    return ".".join(plain).replace(".[", "[") + ": " if keys else ""


def show(value: Any) -> str:
    """A value as params.yaml has it, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return short(repr(value), 60)


def short(text: str, room: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= room else text[: room - 3] + "..."
