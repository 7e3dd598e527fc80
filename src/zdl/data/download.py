"""Downloads published files of known SHA-256.

pooch transfers and verifies them, and mirrors are tried in turn.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from zdl import Error

Report = Callable[[str], None]

STEP = 1_000_000  # bytes between two lines of progress


class DownloadError(Error):
    """No mirror served a file. The message gives the reason for each mirror."""


class Timeouts(NamedTuple):
    """The time limits of a mirror, in seconds."""

    connect: float = 3.0
    read: float = 10.0  # between two pieces of the answer
    total: float = 300.0  # for one file


TIMEOUTS = Timeouts()


def fetch(
    name: str,
    sha256: str,
    size: int,
    *,
    cache: Path,
    mirrors: Sequence[str],
    report: Report,
    timeouts: Timeouts = TIMEOUTS,
) -> tuple[bytes, str]:
    """The contents of a file of `size` bytes, and their origin: `cache`, or else a mirror.

    A file in the cache is verified at each use, and downloaded again if it is damaged. Processes that share a
    cache download one after the other, so that the second finds the file of the first. Raises DownloadError
    if no mirror serves the file, and `Error` if the cache cannot be read or written.
    """
    from filelock import FileLock  # imported here, since most processes do not download

    path, failures = cache / name, list[str]()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{cache}.lock"):
            if path.exists():
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() == sha256:
                    return data, f"the download in {cache}"
                report(f"{path}: is damaged (its SHA-256 differs); it is downloaded again")
                path.unlink()
            for mirror in mirrors:
                if failures:
                    report(f"{failures[-1]}; trying {mirror}")
                try:
                    _download(
                        f"{mirror}{name}", path, sha256=sha256, size=size, report=report, timeouts=timeouts
                    )
                    return path.read_bytes(), mirror
                except DownloadError as error:
                    failures.append(str(error))
    except OSError as error:  # a disk error: network errors are in `failures`
        raise Error(f"{error.filename or path}: {error.strerror or error}") from None
    raise DownloadError(f"no mirror served {name} ({'; '.join(failures)})")


def _download(url: str, path: Path, *, sha256: str, size: int, report: Report, timeouts: Timeouts) -> None:
    """Download `url` to `path`. Raises DownloadError if that fails."""
    import pooch  # imported here, as filelock is
    import requests

    http = pooch.HTTPDownloader(timeout=(timeouts.connect, timeouts.read))
    deadline = time.monotonic() + timeouts.total

    def transfer(url: str, output_file: str, _: object) -> None:
        with open(output_file, "wb") as file:
            http(url, _Output(file, path.name, size, deadline, report), None)

    pooch.get_logger().setLevel("WARNING")  # its lower levels repeat on stderr what `report` gets
    try:
        pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=transfer)
    except (requests.RequestException, ValueError) as error:
        raise DownloadError(f"{url}: {_cause(error)}") from None


class _Output:
    """The output file of a download: refuses too many bytes, ends at the deadline, and reports."""

    def __init__(self, file: BinaryIO, name: str, size: int, deadline: float, report: Report) -> None:
        self.file, self.name, self.size, self.deadline, self.report = file, name, size, deadline, report
        self.n_bytes = 0

    def write(self, data: bytes) -> None:
        before, self.n_bytes = self.n_bytes, self.n_bytes + len(data)
        if self.n_bytes > self.size:
            raise ValueError(f"sends more than {self.size:,} bytes")
        if time.monotonic() > self.deadline:
            raise ValueError(f"is too slow ({self.n_bytes:,} of {self.size:,} bytes when its time was up)")
        self.file.write(data)
        if self.n_bytes // STEP > before // STEP:
            self.report(f"{self.name}: {self.n_bytes:,} of {self.size:,} bytes")

    def flush(self) -> None:
        self.file.flush()


def _cause(error: BaseException) -> BaseException:
    """The first error of a chain. requests and urllib3 each wrap the errors that they catch."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error
