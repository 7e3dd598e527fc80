"""What is checked before any work: can results be written here, and is this the code that the plan names?"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zdl import Error
from zdl.artifacts.encoding import parsing
from zdl.artifacts.fingerprint import fingerprint
from zdl.artifacts.io import LOCAL, regular
from zdl.search.trial import Trial

ROOM = 2**16  # bytes that must be free on the disk


def check_writable() -> None:
    """Fail where results could not be written: for lack of permission, or on a full disk."""
    places = (folder for name in ("data", "results", "reports") for folder in Path(name).glob("**/"))
    for folder in (Path(), LOCAL, *places):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise Error(f"{folder.resolve()}: cannot be written to (needed: write permission)")
    disk = os.statvfs(".")
    if disk.f_bavail * disk.f_frsize < ROOM:
        raise Error(f"{Path().resolve()}: No space left on device (needed: {ROOM} bytes)")


def check_plans(plans: Iterable[Path]) -> None:
    """Fail where no plan has trials that this code can train: a node of a cluster may have other libraries.
    (Another run may have left a plan of other code here.)"""
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
    """Fail where a record under a name of the plan would be the result of other code or libraries."""
    code, libraries = fingerprint(Trial.entry)
    for name, version in libraries.items():
        planned = spec["libraries"].get(name)
        if planned != version:
            raise Error(
                f"{name}'s version is {version}, but {str(planned)[:12]} in {plan}; "
                "if it was upgraded, run again"
            )
    if spec["code"] != code:
        raise Error(
            f"the fingerprint of zdl's code is {code[:12]}, but {str(spec['code'])[:12]} in {plan}; "
            "if it changed, run again"
        )
