"""Fingerprints: the code and the library versions that a result depends on, besides its inputs.

A fingerprint has a digest of the closure of the function that makes the result (`zdl.artifacts.closure`), and
the versions of the libraries that the closure imports and of all that they require. Nobody maintains a list
of either: an edit changes the fingerprints of exactly the functions whose closure contains it.
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
OWN = PACKAGE.parents[1] / "problems"  # the user's modules
MEMO = SHARED / "fingerprints.json"  # fingerprints of the sources that were last analysed here


class Fingerprint(NamedTuple):
    """What the result of a function depends on, besides its arguments."""

    code: str  # digest of the closure
    libraries: dict[str, str]  # versions of what the closure imports, and of what that requires


@cache
def fingerprint(entry: str) -> Fingerprint:
    """The fingerprint of a function, named as "zdl.search.trial:run"."""
    memo = _memo().get(entry)
    if memo is None:
        from zdl.artifacts.closure import Closure  # only here: most processes find it in MEMO

        closure = Closure(_source(), entry)
        memo = _new_entries[entry] = {"code": closure.digest, "libraries": _distributions(closure.libraries)}
    return Fingerprint(memo["code"], _versions(memo["libraries"]))


def together(*entries: str) -> Fingerprint:
    """The fingerprint of a function with the functions that are passed to it."""
    parts = [fingerprint(entry) for entry in entries]
    libraries = {name: version for part in parts for name, version in part.libraries.items()}
    return Fingerprint(digest([part.code for part in parts]), dict(sorted(libraries.items())))


def function(entry: str) -> Callable[..., Any]:
    """The function with the name `entry`, as "zdl.search.trial:run"."""
    module, _, name = entry.partition(":")
    result: Callable[..., Any] = getattr(load_module(module), name)
    return result


def load_module(module: str) -> Any:
    """Import a module of this package, or one of the user's, by its name."""
    if str(OWN.parent) not in sys.path:
        sys.path.append(str(OWN.parent))
    return import_module(module)


def remember() -> None:
    """Save the fingerprints that this process computed, for other processes. Save nothing if a source was
    edited meanwhile. (Only scripts that make files call this: a command that only reads must not write.)"""
    if _new_entries and _digest_of_sources() == _sources():
        write(MEMO, json.dumps({"sources": _sources(), "entries": _read_memo() | _new_entries}).encode())


_new_entries: dict[str, dict[str, Any]] = {}


def _read_memo() -> dict[str, dict[str, Any]]:
    """The saved fingerprints of the current sources, by entry. Other processes may add to them."""
    sources = _sources()  # before any analysis, so that an edit during it is noticed
    try:
        memo = json.loads(MEMO.read_bytes())
        return dict(memo["entries"]) if memo["sources"] == sources else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


_memo = cache(_read_memo)  # read once per process


@cache
def _source() -> "Source":
    from zdl.artifacts.closure import Source

    return Source(PACKAGE, OWN)


@cache
def _sources() -> str:
    """Digest of the sources when this process first needed it."""
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
    """The distributions that contain these packages, such as scikit-learn for sklearn."""
    names = _installed() if packages else {}
    for package in packages:
        if package not in names:
            raise Error(f"{package}: is imported, but not installed (`pip install` its distribution here)")
    return sorted({name for package in packages for name in names[package]})


_installed = cache(packages_distributions)


def _versions(distributions: list[str]) -> dict[str, str]:
    """The versions of distributions and of all that they require. (Pillow writes Matplotlib's images.)"""
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
    """The version of a distribution, and the names of the distributions that it requires here."""
    metadata = distribution(name).metadata  # parsed at each access
    # Most requirements belong to extras, which do not count. Parsing all took a tenth of a short step's time
    requirements = [each for each in metadata.get_all("Requires-Dist", ()) if "extra ==" not in each]
    if not requirements:  # what trials import requires nothing: their processes save this import
        return metadata["Version"], []
    from packaging.requirements import Requirement

    parsed = map(Requirement, requirements)
    needed = (each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""}))
    return metadata["Version"], [each.name for each in needed]
