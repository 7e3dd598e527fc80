"""Settings as text for params.yaml."""

import json
import re
from collections.abc import Mapping
from typing import Any

LOADED_KEYS = ("hyperparameters", "score", "epochs")  # added to `search` when settings are loaded
NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")  # what YAML reads as other types


def as_yaml(settings: Mapping[str, Any]) -> str:
    """The settings in the form of params.yaml; values that the search replaces are marked."""
    space = settings["search"]["space"]
    lines = []
    for section, values in settings.items():
        if not isinstance(values, Mapping):
            lines.append(f"{section}: {_value(values)}")
            continue
        lines += [f"{section}:"] if values else []
        for key, value in values.items():
            if section == "search" and key in LOADED_KEYS:
                continue
            if key == "space":
                lines.append(space_as_yaml(value))
            else:
                mark = "  # searched instead" if key in space and section != "search" else ""
                lines.append(f"  {key}: {_value(value)}{mark}")
    return "\n".join(lines)


def space_as_yaml(space: Mapping[str, Any]) -> str:
    """The lines of `search.space`, below `search:`."""
    return "\n".join(["  space:", *(f"    {name}: {_value(spec)}" for name, spec in space.items())])


def _value(value: Any) -> str:
    """A value on one line. Floats have a point (1.0e-06), as YAML 1.1 reads 1e-06 as text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    if isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) and value not in NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
