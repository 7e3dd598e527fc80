"""Encode and decode the contents of files: JSON and .npz, each sealed by its own SHA-256.

Neither Snakemake nor DVC notices an intermediate file that is truncated or edited by hand. Each file
therefore ends in the SHA-256 of all bytes before it, and holds the digest of all that determines its
contents. `zdl.artifacts.io` checks both when it reads a file. The functions here open no file, because they
are part of what a step computes.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error

HEX = 64  # digits of a SHA-256
JSON_END = b'"}\n'  # follows the seal in a JSON file; nothing follows it in a .npz


def canonical(value: Any) -> bytes:
    """JSON that is the same for equal values: sorted keys, no spaces. NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the bytes of arrays, in the order of their names. It does not depend on a file format."""
    return hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()


def is_digest(text: str) -> bool:
    """Whether a text is a digest, so that it may be part of a file's name."""
    return re.fullmatch(f"[0-9a-f]{{{HEX}}}", text) is not None


def sealed_json(value: Mapping[str, Any]) -> bytes:
    """JSON of `value`, one key per line. The last key, "sha256", seals all bytes before its digits."""
    lines = [f"{json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    body = ("{" + ",\n".join([*lines, '"sha256": "'])).encode()
    return body + hashlib.sha256(body).hexdigest().encode() + JSON_END


def decode_json(data: bytes) -> dict[str, Any]:
    """The contents of a sealed JSON file, without the seal, which is not checked here."""
    value: dict[str, Any] = json.loads(data)
    del value["sha256"]
    return value


def sealed_npz(arrays: Mapping[str, NDArray[Any]], digest: str) -> bytes:
    """An uncompressed .npz of `arrays` and `digest` without time stamps, sealed by its ZIP comment.

    (`np.savez` has no place for a seal, and compressed bytes differ between versions of zlib.)
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = bytes(HEX)
        for name, array in {**arrays, "digest": np.array(digest)}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    body = out.getvalue()[:-HEX]
    return body + hashlib.sha256(body).hexdigest().encode()


def decode_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz, without its digest. The seal is not checked here."""
    arrays = load_npz(data)
    del arrays["digest"]
    return arrays


def load_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz, including its digest. The seal is not checked here."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


class CorruptFileError(Error):
    """A file is missing, truncated, edited by hand, or not the expected one."""


@contextmanager
def parsing(path: str | Path) -> Iterator[None]:
    """A context that parses the contents of `path`. Errors in them become `CorruptFileError`."""
    try:
        yield
    except (Error, OSError, MemoryError):  # the last two are not the file's fault
        raise
    except Exception as error:
        raise CorruptFileError(f"{path}: does not hold what it should ({type(error).__name__})") from None
