"""Artifacts: files that a pure function makes, each named by a digest of all that determines its contents.

The function gets the bytes of other artifacts and plain values, and gives bytes; it opens no file. Its
fingerprint says which code that is (`zdl.artifacts.fingerprint`). So a name is complete by construction:
whatever the function is given is declared here, and whatever is declared here is in the digest.
`zdl.pipeline.steps` is the shell around it, which reads, checks, writes and never looks inside.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from zdl.artifacts.encoding import digest
from zdl.artifacts.fingerprint import fingerprint, function
from zdl.artifacts.io import File, read
from zdl.artifacts.schemas import Validator


class Function(NamedTuple):
    """A function that another one is given, by its name: what it does is in the digest."""

    entry: str

    @property
    def digest(self) -> Any:
        return fingerprint(self.entry)


class Artifact(File):
    """A file, and what makes it.

    entry      the function, as "zdl.data.preprocess:prepared_file"
    given      its arguments, by name: of an artifact, or a list of them, it gets the bytes; of a `Function`,
               that function
    handed     what determines the arguments that only the running step can give, by name
    published  where the files go that it makes, by name; the artifact itself is then their manifest, which
               says which bytes they are
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
        """The artifact that `entry` makes of what it is given; {} in a path stands for its digest."""
        determinants = {name: _each(value, lambda each: each.digest) for name, value in given.items()}
        places = {name: str(place) for name, place in (published or {}).items()}
        key = digest([path, fingerprint(entry), determinants, handed, places])
        artifact = cls(Path(path.format(key[:12])), key, is_valid)
        artifact.entry, artifact.given, artifact.handed = entry, given, handed or {}
        artifact.published = {name: Path(place.format(key[:12])) for name, place in places.items()}
        return artifact

    @property
    def inputs(self) -> list["Artifact"]:
        """The artifacts that its function is given."""
        values = (value if isinstance(value, list) else [value] for value in self.given.values())
        return [each for value in values for each in value if isinstance(each, Artifact)]

    @property
    def files(self) -> list[Path]:
        """What a job that makes it writes: the files that it publishes, and itself."""
        return [*self.published.values(), self.path]

    def compute(self, **handed: Any) -> Any:
        """What its function makes: the bytes of the file, or, by name, those that are published."""
        if handed.keys() != self.handed.keys():
            raise TypeError(f"{self.entry}: {sorted(handed)} handed in, {sorted(self.handed)} declared")
        given = {argument: _each(value, _handed) for argument, value in self.given.items()}
        own = {} if self.published else {"digest": self.digest}
        return function(self.entry)(**given, **handed, **own)


def _handed(value: Artifact | Function) -> Any:
    return function(value.entry) if isinstance(value, Function) else read(value)


def _each(value: Any, of: Any) -> Any:
    """`of(value)` for an artifact or a function, a list of these for a list of artifacts, else the value."""
    if isinstance(value, Artifact | Function):
        return of(value)
    if isinstance(value, list) and all(isinstance(each, Artifact) for each in value):
        return [of(each) for each in value]
    return value
