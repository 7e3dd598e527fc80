"""Checks before any work: whether a run can write its files, and whether the plan was made with this code."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zdl import Error
from zdl.artifacts.encoding import parsing
from zdl.artifacts.fingerprint import together
from zdl.artifacts.io import LOCAL, SHARED, regular
from zdl.pipeline.cache import WEIGHTS
from zdl.pipeline.records import CACHE
from zdl.search.trial import Trial

NOTES = Path(".snakemake")
ROOM = 2**16  # bytes that must be free on the disk


def check_writable(outputs: Iterable[str], logs: Iterable[str]) -> None:
    """Raise an `Error` if a run cannot write, for lack of permission or because the disk is full.

    `outputs` are the paths, with wildcards, of all files that the run replaces atomically; `logs` are the
    paths of those that it opens for writing. Snakemake's own files, the cache and the locks are also checked.
    """
    locks = (LOCAL, SHARED / "locks")
    folders = {NOTES, *locks, CACHE, WEIGHTS, *(Path(path).parent for path in outputs)}
    log_folders = {Path(path).parent for path in logs}
    files = [path for folder in log_folders for path in folder.glob("*")]
    files += [path for folder in locks for path in folder.glob("*.lock")]
    nearest = {*map(_nearest, folders | log_folders)}
    for path in sorted(nearest.union(files)):
        if not os.access(path, os.W_OK) and path.exists():  # another run may have deleted it
            raise Error(f"{path.resolve()}: cannot be written to (needed: write permission)")
    for folder in sorted(nearest):
        _check_room(folder)


def _nearest(folder: Path) -> Path:
    """A directory or, if it does not exist yet, the nearest of its parents that does."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_notes() -> None:
    """Raise an `Error` if Snakemake cannot write its own files, which it does even in a dry run."""
    place = _nearest(NOTES / "iocache")
    if not os.access(place, os.W_OK):
        raise Error(
            f"{place.resolve()}: cannot be written to (Snakemake writes to {NOTES} even in a dry run)"
        )
    _check_room(Path())


def _check_room(path: Path) -> None:
    disk = os.statvfs(path)
    if disk.f_bavail * disk.f_frsize < ROOM:
        raise Error(f"{path.resolve()}: No space left on device (needed: {ROOM} bytes)")


def check_plans(plans: Iterable[Path]) -> None:
    """Raise an `Error` if no plan was made with this code and these libraries: a node of a cluster may have
    others. One plan is enough, since another run may have left a plan of other code here."""
    failure = None
    for plan in plans:
        try:
            with parsing(plan), regular(plan).open(encoding="utf-8") as lines:
                next(lines)  # the digest of the plan
                _, _, spec = json.loads(next(lines).partition(": ")[2].rstrip(",\n"))
                check_code(plan, spec)
            return
        except Error as error:
            failure = error
    if failure:
        raise failure


def check_code(plan: Path, spec: Mapping[str, Any]) -> None:
    """Raise an `Error` if the plan was made with other code or libraries: its names would be wrong here."""
    code, libraries = together(Trial.entry, spec["train"])
    for name, version in libraries.items():
        plan_version = spec["libraries"].get(name)
        if plan_version != version:
            raise Error(
                f"{name}'s version is {version}, but {str(plan_version)[:12]} in {plan}; "
                "if it was upgraded, run again"
            )
    if spec["code"] != code:
        raise Error(
            f"the fingerprint of zdl's code is {code[:12]}, but {str(spec['code'])[:12]} in {plan}; "
            "if it changed, run again"
        )
