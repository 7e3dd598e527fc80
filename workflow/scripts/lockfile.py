"""Read dvc.yaml and dvc.lock as strictly as DVC does."""

import re
from typing import Any


def read_yaml(text: str) -> Any:
    """The contents of a YAML text, read by DVC's parser. Raises ValueError if that refuses it."""
    from ruamel.yaml import YAML

    try:
        return YAML(typ="safe", pure=True).load(text)
    except Exception as error:  # a truncated file makes it raise almost anything
        raise ValueError(" ".join(str(error).split())) from None


def read_lock(text: str) -> dict[str, dict[str, Any]]:
    """The stages of a dvc.lock. Raises ValueError if it does not have the structure that DVC documents."""
    lock = read_yaml(text)
    stages = lock.get("stages", {}) if isinstance(lock, dict) and lock.get("schema") else None
    if not isinstance(stages, dict):
        raise ValueError("it has no schema, or its stages are not a mapping")
    for name, stage in stages.items():
        if not is_record(stage):
            raise ValueError(f"the stage {name} is incomplete")
    return stages


def is_record(stage: Any) -> bool:
    """Whether this is a stage of a dvc.lock, with a command and with a path and checksum for each file."""
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), str | list):
        return False
    params, files = stage.get("params", {}), [stage.get("deps", []), stage.get("outs", [])]
    if not isinstance(params, dict) or not all(isinstance(items, list) for items in files):
        return False
    if not all(isinstance(values, dict) for values in params.values()):
        return False
    return all(isinstance(item, dict) and is_file(item) for items in files for item in items)


def is_file(item: dict[str, Any]) -> bool:
    """Whether an item of a dvc.lock has a path, a complete checksum, and a value for every key."""
    if "path" not in item or None in item.values():
        return False
    if "md5" not in item:
        return "etag" in item or "checksum" in item  # a file on a server
    return re.fullmatch(r"[0-9a-f]{32}(\.dir)?", str(item["md5"])) is not None
