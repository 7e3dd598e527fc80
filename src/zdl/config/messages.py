"""Error messages about settings: one line with the key, its value in params.yaml, and what is allowed.

pydantic reports where and how a value is wrong. The JSON Schema of the same models gives what is allowed.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import getitem, itemgetter
from pathlib import Path
from typing import Any

from zdl import Error

Keys = tuple[Any, ...]  # the keys that lead to a place in params.yaml
Mistake = tuple[Keys, str]  # a place, and what is wrong there
Schema = Mapping[str, Any]

KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "and below",
    "minItems": "of at least",
    "maxItems": "and at most",
}


class SettingsError(Error):
    """Settings that cannot be used. The message is one line: file, key, value, and what is allowed."""

    def __init__(self, path: str | Path, text: str) -> None:
        super().__init__(f"{path}: {text}")

    @classmethod
    def first_of(cls, path: str | Path, mistakes: list[Mistake]) -> "SettingsError":
        """The error for the first mistake, with the number of other places that have mistakes."""
        keys, text = mistakes[0]
        others = len({keys for keys, _ in mistakes}) - 1
        more = f" (and {others} more)" if others else ""
        return cls(path, f"{dotted(keys)}{text}{more}")


def explain(errors: Iterable[Mapping[str, Any]], raw: Any, schema: Schema) -> list[Mistake]:
    """The mistakes that pydantic's errors report, in words.

    Within a mapping, mistakes that explain others come first: a wrong distribution, then an unknown key.
    `raw` are the settings as the file has them, `schema` is the JSON Schema of the models.
    """
    by_mapping: dict[Keys, list[tuple[int, Mistake]]] = defaultdict(list)
    for error in errors:
        for rank, (keys, text) in _explain(error, raw, schema):
            by_mapping[keys[:-1]].append((rank, (keys, text)))
    return [mistake for ranked in by_mapping.values() for _, mistake in sorted(ranked, key=itemgetter(0))]


def _explain(error: Mapping[str, Any], raw: Any, schema: Schema) -> Iterator[tuple[int, Mistake]]:
    """The mistakes that one error reports, each with its rank; the lowest rank comes first."""
    kind, loc = error["type"], error["loc"]
    if kind in ("extra_forbidden", "invalid_key"):
        keys, part = place(loc[:-1], schema)
        known = list(part["properties"])
        for key in reduce(getitem, keys, raw):
            if key not in known:
                yield 1, ((*keys, key), unknown(key, known))
    elif kind == "missing":
        keys, part = place(loc[:-1], schema)
        yield 2, ((*keys, loc[-1]), f"is missing (needed: {', '.join(part['required'])})")
    elif kind == "union_tag_not_found":
        keys, _ = place(loc, schema)
        yield 2, ((*keys, "distribution"), "is missing (needed: distribution)")
    elif kind == "union_tag_invalid":
        keys, part = place(loc, schema)
        members = (dereference(each, schema) for each in part["oneOf"])
        known = [each["properties"]["distribution"]["const"] for each in members]
        value = show(reduce(getitem, keys, raw)["distribution"])
        yield 0, ((*keys, "distribution"), f"{value} is not one of these (allowed: {', '.join(known)})")
    else:
        keys, part = place(loc, schema)
        value, rank = show(reduce(getitem, keys, raw)), 0 if loc[-1:] == ("distribution",) else 2
        yield rank, (keys, f"{value} {fault(kind, part)} (allowed: {allowed(part, schema)})")


def place(loc: Keys, schema: Schema) -> tuple[Keys, Schema]:
    """The keys in params.yaml that lead to an error, and the part of the schema there.

    pydantic's location `loc` also names the member of a union, which is not a key of params.yaml.
    """
    keys, part = [], dereference(schema, schema)
    for key in loc:
        if "oneOf" in part:
            part = dereference({"$ref": part["discriminator"]["mapping"][key]}, schema)
        elif "anyOf" not in part:
            keys.append(key)
            part = dereference(part["items"] if isinstance(key, int) else part["properties"][key], schema)
    return tuple(keys), part


def dereference(part: Schema, schema: Schema) -> Schema:
    """The part of the schema that a reference points to."""
    while "$ref" in part:
        part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return part


def fault(kind: str, part: Schema) -> str:
    """What is wrong with a value, from the type of pydantic's error."""
    if kind == "repeated":
        return "repeats an option"
    if any("enum" in each for each in part.get("anyOf", ())):
        return "is neither"
    if kind == "literal_error":
        return "is not one of these"
    return f"is not {kinds(part)}" if kind.endswith("_type") or kind == "finite_number" else "is out of range"


def unknown(key: Any, known: list[str]) -> str:
    matches = difflib.get_close_matches(str(key), known, n=1)
    guess = f"; perhaps {matches[0]}" if matches else ""
    return f"is not a key here (allowed: {', '.join(known)}{guess})"


def kinds(part: Schema) -> str:
    """The types that a part of the schema allows, in words."""
    if "anyOf" in part:
        return " or ".join(map(kinds, part["anyOf"]))
    return KINDS[part.get("type", "object")]


def allowed(part: Schema, schema: Schema) -> str:
    """The values that a part of the schema allows, in words: 'a whole number from 1 to 200'."""
    if "anyOf" in part:
        return " or ".join(allowed(each, schema) for each in part["anyOf"])
    if "enum" in part or "const" in part:
        return ", ".join(part.get("enum") or [part["const"]])
    if "oneOf" in part or "properties" in part:
        members = [dereference(each, schema) for each in part.get("oneOf", [part])]
        keys = dict.fromkeys(key for each in members for key in each["properties"])
        return ("one or more of " if "minProperties" in part else "the keys ") + ", ".join(keys)
    return kinds(part) + "".join(f" {word} {part[rule]}" for rule, word in BOUNDS.items() if rule in part)


def dotted(keys: Keys) -> str:
    """Keys as a path: 'search.space.lr.options[0]: '."""
    parts = (
        key if isinstance(key, str) and re.fullmatch(r"[\w-]{1,40}", key) else f"[{show(key)}]"
        for key in keys
    )
    return ".".join(parts).replace(".[", "[") + ": " if keys else ""


def show(value: Any) -> str:
    """A value as in params.yaml, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return short(repr(value), 60)


def short(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."
