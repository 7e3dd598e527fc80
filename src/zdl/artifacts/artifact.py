"""Artifacts: files that a pure function makes, each named by a digest of all that determines its contents.

The function takes the bytes of other artifacts and plain values, and returns bytes; it opens no file. Its
fingerprint identifies its code (`zdl.artifacts.fingerprint`). A name is therefore complete: an artifact
declares all arguments of its function, and the digest covers all that is declared. `zdl.pipeline.steps`
reads, checks and writes the files, and never looks inside them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from zdl.artifacts.encoding import digest
from zdl.artifacts.fingerprint import fingerprint, function
from zdl.artifacts.io import File, read
from zdl.artifacts.schemas import Validator


class Function(NamedTuple):
    """A function that is passed to another one, by its name. Its digest is its fingerprint."""

    entry: str

    @property
    def digest(self) -> Any:
        return fingerprint(self.entry)


class Artifact(File):
    """A file and the function that makes it.

    entry      the function, as "zdl.data.preprocess:prepared_file"
    given      its arguments, by name. For an artifact, or a list of them, the function gets the bytes; for a
               `Function`, it gets that function
    handed     what determines the arguments that only the running step can pass, by name
    published  the paths of the files that the function makes, by name. The artifact itself is then their
               manifest, which holds their checksums
    """

    entry: str
    given: Mapping[str, Any]
    handed: Mapping[str, Any]
    published: Mapping[str, Path]

    @classmethod
    def of(
        cls,
        path: str,
        entry: str,
        *,
        handed: Mapping[str, Any] | None = None,
        published: Mapping[str, str | Path] | None = None,
        is_valid: Validator = bool,
        **given: Any,
    ) -> "Artifact":
        """Return the artifact that `entry` makes from `given` and `handed`.

        {} in a path stands for the first 12 digits of the artifact's digest.
        """
        determinants = {name: _each(value, lambda each: each.digest) for name, value in given.items()}
        places = {name: str(place) for name, place in (published or {}).items()}
        key = digest([path, fingerprint(entry), determinants, handed, places])
        artifact = cls(Path(path.format(key[:12])), key, is_valid)
        artifact.entry, artifact.given, artifact.handed = entry, given, handed or {}
        artifact.published = {name: Path(place.format(key[:12])) for name, place in places.items()}
        return artifact

    @property
    def inputs(self) -> list["Artifact"]:
        """The artifacts among the arguments of its function."""
        values = (value if isinstance(value, list) else [value] for value in self.given.values())
        return [each for value in values for each in value if isinstance(each, Artifact)]

    @property
    def files(self) -> list[Path]:
        """The files that a job for this artifact writes: the published files, then the artifact itself."""
        return [*self.published.values(), self.path]

    def compute(self, **handed: Any) -> Any:
        """Call the function. Return the bytes of the file or, if files are published, their bytes by name."""
        if handed.keys() != self.handed.keys():
            raise TypeError(f"{self.entry}: {sorted(handed)} handed in, {sorted(self.handed)} declared")
        given = {argument: _each(value, _handed) for argument, value in self.given.items()}
        own = {} if self.published else {"digest": self.digest}
        return function(self.entry)(**given, **handed, **own)


def _handed(value: Artifact | Function) -> Any:
    return function(value.entry) if isinstance(value, Function) else read(value)


def _each(value: Any, of: Any) -> Any:
    """Apply `of` to an artifact, a function or each artifact of a list. Return other values as they are."""
    if isinstance(value, Artifact | Function):
        return of(value)
    if isinstance(value, list) and all(isinstance(each, Artifact) for each in value):
        return [of(each) for each in value]
    return value
