"""Fingerprints: what code a result depends on, besides what the code is given.

That is a digest of the closure of the function that makes the result (`zdl.artifacts.closure`), and the
versions of the libraries that the closure imports, with all that those require. Nobody keeps a list of
either: an edit changes the fingerprints of exactly the functions whose closure it touches.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zdl import Error
from zdl.artifacts.encoding import digest
from zdl.artifacts.io import SHARED, write

if TYPE_CHECKING:
    from zdl.artifacts.closure import Source

PACKAGE = Path(__file__).parents[1]
OWN = PACKAGE.parents[1] / "problems"  # of the user
MEMO = SHARED / "fingerprints.json"  # of the last sources that were analysed here


class Fingerprint(NamedTuple):
    """What a result of some function depends on, besides what the function is given."""

    code: str  # digest of the closure
    libraries: dict[str, str]  # versions of what the closure imports, and of what that requires


@cache
def fingerprint(entry: str) -> Fingerprint:
    """The fingerprint of a function, named as "zdl.search.trial:run"."""
    memo = _memo().get(entry)
    if memo is None:
        from zdl.artifacts.closure import Closure  # here alone: most processes find it in the memo

        closure = Closure(_source(), entry)
        memo = _new_entries[entry] = {"code": closure.digest, "libraries": _distributions(closure.libraries)}
    return Fingerprint(memo["code"], _versions(memo["libraries"]))


def together(*entries: str) -> Fingerprint:
    """The fingerprint of functions of which one is given the others."""
    parts = [fingerprint(entry) for entry in entries]
    libraries = {name: version for part in parts for name, version in part.libraries.items()}
    return Fingerprint(digest([part.code for part in parts]), dict(sorted(libraries.items())))


def function(entry: str) -> Callable[..., Any]:
    """The function of that name."""
    module, _, name = entry.partition(":")
    result: Callable[..., Any] = getattr(load_module(module), name)
    return result


def load_module(module: str) -> Any:
    """The module of that name, of this package or of the user's."""
    if str(OWN.parent) not in sys.path:
        sys.path.append(str(OWN.parent))
    return import_module(module)


def remember() -> None:
    """Save the fingerprints that this process computed, for other processes. Save none if a source was edited
    meanwhile. (Only scripts that make files call this: looking at the project must not change it.)"""
    if _new_entries and _digest_of_sources() == _sources():
        write(MEMO, json.dumps({"sources": _sources(), "entries": _read_memo() | _new_entries}).encode())


_new_entries: dict[str, dict[str, Any]] = {}


def _read_memo() -> dict[str, dict[str, Any]]:
    """What is remembered of the sources; by now, other processes may have added to it."""
    sources = _sources()  # before anything is analysed
    try:
        memo = json.loads(MEMO.read_bytes())
        return dict(memo["entries"]) if memo["sources"] == sources else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


_memo = cache(_read_memo)  # as it was when this process began


@cache
def _source() -> "Source":
    from zdl.artifacts.closure import Source

    return Source(PACKAGE, OWN)


@cache
def _sources() -> str:
    """Digest of the sources as this process met them."""
    return _digest_of_sources()


def _digest_of_sources() -> str:
    """Digest of every file of the package, of the user's modules, and of the Python that parses them."""
    paths = (path for path in sorted(PACKAGE.rglob("*")) if path.parent.name != "__pycache__")
    files = [path for path in (*paths, *sorted(OWN.rglob("*.py"))) if path.is_file()]
    root = PACKAGE.parents[1]
    checksums = [
        (str(path.relative_to(root)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files
    ]
    return digest([sys.version_info[:2], checksums])


def _distributions(packages: set[str]) -> list[str]:
    """The names under which packages are installed: scikit-learn, for sklearn."""
    names = _installed() if packages else {}
    for package in packages:
        if package not in names:
            raise Error(f"{package}: is imported, but not installed (`pip install` its distribution here)")
    return sorted({name for package in packages for name in names[package]})


_installed = cache(packages_distributions)


def _versions(distributions: list[str]) -> dict[str, str]:
    """The versions of distributions, and of all that they require: Pillow writes Matplotlib's images."""
    versions: dict[str, str] = {}
    to_do = list(distributions)
    while to_do:
        name = re.sub(r"[-_.]+", "-", to_do.pop()).lower()
        if name not in versions:
            versions[name], required = _installed_as(name)
            to_do += required
    return dict(sorted(versions.items()))


@cache
def _installed_as(name: str) -> tuple[str, list[str]]:
    """The version of a distribution, and the names of what it requires here."""
    metadata = distribution(name).metadata  # parsed anew each time it is asked for
    # Most are of extras, which nobody asked for; parsing all of them took a tenth of a short step
    requirements = [each for each in metadata.get_all("Requires-Dist", ()) if "extra ==" not in each]
    if not requirements:  # as of what trials import: their processes start without the next line
        return metadata["Version"], []
    from packaging.requirements import Requirement

    parsed = map(Requirement, requirements)
    needed = (each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""}))
    return metadata["Version"], [each.name for each in needed]
