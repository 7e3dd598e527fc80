"""Reads params.yaml as plain Python: YAML 1.2, with the values that DVC reads, and only what settings need.

`read` rejects a file that is too long, too deeply nested or not plain, with the line and the column.
`normalise` gives equal settings one spelling.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import DocumentStartEvent, Event, ScalarEvent
from ruamel.yaml.reader import ReaderError

from zdl.config.hyperparameters import Setting
from zdl.config.messages import SettingsError, short


def read(path: str | Path) -> Any:
    """The file's contents as plain Python, with the same values that DVC reads.

    Raises SettingsError, with line and column, if the file is not plain YAML.
    """
    text = read_text(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Plain
    try:
        inspect(text)
        return yaml.load(text)
    except ReaderError as error:
        before = text[: error.position].split("\n")
        at = f"line {len(before)}, column {len(before[-1]) + 1}"
        raise SettingsError(
            path, f"{at}: a character that text may not contain (allowed: UTF-8 text)"
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsError(path, at + short(str(error.problem), 160)) from None
    except (YAMLError, ValueError, OverflowError) as error:  # such as an escape beyond Unicode
        raise SettingsError(path, f"is not YAML: {short(str(error), 160)}") from None


def read_text(path: str | Path, limit: int = 100_000) -> str:
    """The contents of a UTF-8 file of at most `limit` bytes. Raises SettingsError for any other file."""
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


class Plain(SafeConstructor):
    """A constructor that leaves a date as text, since no setting is a date."""

    yaml_constructors = {  # noqa: RUF012
        **SafeConstructor.yaml_constructors,
        "tag:yaml.org,2002:timestamp": SafeConstructor.construct_yaml_str,
    }


def inspect(text: str) -> None:
    """Reject YAML that could use too much memory, or that another reader could read differently.

    This looks at the parser's events only, before any value is built. Raises MarkedYAMLError.
    """
    depth = documents = 0
    for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        documents += isinstance(event, DocumentStartEvent)
        refusal = foreign(event)
        if documents > 1:
            refusal = "a second document (allowed: one)"
        if depth > 12 or count > 2000:  # the stream and the document count as two levels
            refusal = "too much for settings (allowed: 10 levels and 2000 values)"
        if refusal:
            raise MarkedYAMLError(problem=refusal, problem_mark=event.start_mark)


def foreign(event: Event) -> str | None:
    """Why this part of a YAML file is rejected; None if it is accepted."""
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


OWN = ("split", "replicate", "report")  # sections in which a problem declares nothing


def normalise(value: Any, declarations: Mapping[str, Setting], name: Any = None) -> Any:
    """Give equal settings one spelling, so that they have equal digests.

    Numbers go through `normalise_number`, names become lower case, and aliases become the names that they
    stand for. `value` may be any YAML, such as that of an old commit. `declarations` are the problem's
    settings; `name` is the key of the value, range or list of options.
    """
    if isinstance(value, dict):
        own_keys = ("low", "high", "options")
        allowed = {
            key: {} if key in OWN or (name == "search" and key != "space") else declarations for key in value
        }
        return {
            key: normalise(part, allowed[key], name if key in own_keys else key)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [normalise(part, declarations, name) for part in value]
    setting = declarations.get(name) if isinstance(name, str) else None
    if isinstance(value, str) and setting and setting.names:
        text = value.lower() if value.lower() in setting.names else value
        return setting.aliases.get(text, text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return normalise_number(value, name == "validation_rate" or bool(setting and setting.number is float))
    return value


def normalise_number(value: float, real: bool) -> float:
    """A float if `real`; otherwise an int, if the number is whole."""
    if not abs(value) < 1e300:  # NaN, or near the largest float: the models reject infinity
        return math.inf if real else value
    if real:
        return float(value) + 0.0  # turns -0.0 into 0.0
    return int(value) if value == int(value) else value
