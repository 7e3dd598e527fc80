"""Published files from whichever mirror serves them, kept in a cache and checked at each use.

A mirror is not trusted in anything: not for the bytes, nor their number, nor that they come.
"""

import fcntl
import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import IncompleteRead, responses
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

from zdl import Error

if TYPE_CHECKING:
    from requests import Response

Report = Callable[[str], None]
Pieces = Generator[tuple[int, bytes], None, None]  # of a file, each after its place in it

CHUNK = 16_384  # bytes; what a broken transfer loses at most
REDIRECTS = 5


class Unserved(Error):
    """A file that no mirror served: one line that says why, for each."""


class Failed(Exception):
    """Why one mirror did not serve; what it sent so far may be gone on with."""


class Wrong(Failed):
    """What we have of the file is not the file: it cannot be gone on with."""


@dataclass(frozen=True)
class Official:
    """A file as its makers published it."""

    name: str
    sha256: str
    size: int  # in bytes

    def read_from(self, path: Path) -> bytes:
        """The bytes at `path` if they are the official file, byte for byte; `Wrong` if not."""
        with path.open("rb") as stream:
            data = stream.read(self.size + 1)
        if len(data) != self.size:
            has = f"more than {self.size}" if len(data) > self.size else f"only {len(data)}"
            raise Wrong(f"has {has} bytes (the official file: {self.size})")
        if (found := hashlib.sha256(data).hexdigest()) != self.sha256:
            raise Wrong(f"has SHA-256 {found} (the official file: {self.sha256})")
        return data


class Patience(NamedTuple):
    """How long a mirror may take: seconds, and bytes a second."""

    connect: float = 3.0
    read: float = 10.0  # from one byte to the next
    start: float = 10.0  # for everything (a name server too) before `speed` is asked for
    speed: float = 20_000.0  # on average, from then on


PATIENCE = Patience()


def download(
    files: Iterable[Official], cache: Path, mirrors: Sequence[str], report: Report, patience: Patience
) -> tuple[list[bytes], str]:
    """The bytes of each file, as `fetch` gives them, and where they came from."""
    data, origins = [], []
    for file in files:
        one, origin = fetch(file, cache, mirrors, report, patience)
        data.append(one)
        origins.append(origin)
        mirrors = sorted(mirrors, key=lambda mirror: mirror != origins[-1])  # who served serves first
    return data, " and ".join(dict.fromkeys(origins))


def fetch(
    file: Official, cache: Path, mirrors: Sequence[str], report: Report, patience: Patience
) -> tuple[bytes, str]:
    """The bytes of an official file and where they came from: `cache`, or else the first mirror that serves.

    A file gets its name in `cache` when its checksum held, and is checked again at each use. A transfer
    that broke leaves a `.part` there, with which the next mirror or run goes on.
    """
    path, part = cache / file.name, cache / f"{file.name}.part"
    failures: list[str] = []
    try:
        with _alone(cache):
            if path.exists():
                try:
                    return file.read_from(path), f"the download in {cache}"
                except Wrong as fault:
                    report(f"{path}: {fault}; it is fetched again")
                    path.unlink()
            for mirror in mirrors:
                if failures:
                    report(f"{file.name}: {failures[-1]}; next is {mirror}")
                try:
                    data = _obtain(mirror, file, part, report, patience)
                    part.replace(path)
                    return data, mirror
                except Failed as failure:
                    failures.append(f"{mirror} {failure}")
    except OSError as error:  # of the disk: those of the network are failures
        raise Error(f"{error.filename or part}: {error.strerror or error}") from None
    raise Unserved(f"no mirror served {file.name} ({'; '.join(failures) or 'none is named'})")


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One download at a time: the process that comes second finds the files of the first."""
    cache.mkdir(parents=True, exist_ok=True)
    with cache.with_name(f"{cache.name}.lock").open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _obtain(mirror: str, file: Official, part: Path, report: Report, patience: Patience) -> bytes:
    """The file from one mirror, checked; it goes on with what an earlier transfer left, if that is good."""
    while True:
        resumed = part.exists()
        try:
            _transfer(mirror, file, part, report, patience)
            return file.read_from(part)
        except Wrong:
            part.unlink(missing_ok=True)
            if not resumed:  # otherwise the fault may be in what was there before: once more, from the start
                raise


def _transfer(mirror: str, file: Official, part: Path, report: Report, patience: Patience) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= file.size:
        return
    tenths = 0
    for position, chunk in _patiently(_stream(f"{mirror}{file.name}", have, file.size, patience), patience):
        with part.open("ab") as out:
            out.truncate(position)  # a mirror that does not resume starts again
            out.write(chunk)
        done = 10 * (position + len(chunk)) // file.size
        if done > tenths:
            tenths = done
            report(f"{file.name}: {10 * tenths} % of {file.size:,} bytes from {mirror}")


def _patiently(stream: Pieces, patience: Patience) -> Pieces:
    """What `stream` yields, unless it is too slow.

    A thread waits for it, since nothing else ends a name server that does not answer or a header that
    comes byte by byte: the time limits of requests are for one byte and the next. A thread that waits in
    vain is left behind and ends with its connection, or with the process.
    """
    items: SimpleQueue[tuple[int, bytes] | Exception | None] = SimpleQueue()
    given_up = Event()

    def run() -> None:
        try:
            with closing(stream):
                for item in stream:
                    items.put(item)
                    if given_up.is_set():
                        return
            items.put(None)
        except Exception as error:  # whatever a strange answer provokes is that mirror's failure
            items.put(error)

    Thread(target=run, daemon=True).start()
    deadline = time.monotonic() + patience.start
    try:
        while True:
            item = items.get(timeout=max(0.0, deadline - time.monotonic()))
            if item is None:
                return
            if isinstance(item, Exception):
                raise item if isinstance(item, Failed) else Failed(f"failed: {_reason(item)}")
            deadline += len(item[1]) / patience.speed
            yield item
    except Empty:
        raise Failed(f"is too slow (less than {patience.speed:,.0f} bytes a second)") from None
    finally:
        given_up.set()


def _stream(url: str, have: int, size: int, patience: Patience) -> Pieces:
    """The bytes from `have` on, or all where the server does not resume; each piece after its place."""
    import requests  # here alone: every process imports this module, and one downloads

    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        session.hooks["response"].append(_without_body)
        with session.get(
            url, headers=headers, stream=True, timeout=(patience.connect, patience.read)
        ) as response:
            position = _start(response, have, size)
            while position <= size:
                try:  # `raw`, since a Content-Encoding may unpack into any number of bytes
                    chunk = response.raw.read(min(CHUNK, size + 1 - position), decode_content=False)
                except Exception as error:
                    raise Failed(f"broke off after {position} of {size} bytes: {_reason(error)}") from None
                if not chunk:
                    break
                yield position, chunk
                position += len(chunk)
    if position < size:
        raise Failed(f"broke off after {position} of {size} bytes")
    if position > size:
        raise Wrong(f"sends more than the file's {size} bytes")


def _without_body(response: "Response", *args: object, **kwargs: object) -> None:
    """Close a redirect: requests would read its body to the end, and it may have none."""
    if response.is_redirect:
        response.close()


def _start(response: "Response", have: int, size: int) -> int:
    """Where in the file the body of an answer starts; refuses what cannot be the file."""
    status = response.status_code
    if status == HTTPStatus.OK:
        start = 0
    elif have and status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        start = have
        span = response.headers.get("Content-Range", "")
        if not re.fullmatch(rf"bytes {have}-{size - 1}/({size}|\*)", span):  # as with 416
            raise Wrong(f"does not go on after {have} of {size} bytes")
    else:
        raise Failed(f"answers {status} {responses.get(status, '')}".rstrip())
    length = response.headers.get("Content-Length", str(size - start))
    if length != str(size - start):
        raise Failed(f"offers {_plain(length)} bytes (expected: {size - start})")
    return start


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words; requests, urllib3 and http.client each wrap it once more."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, IncompleteRead):
        return "the connection was closed"
    return _plain(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _plain(text: str) -> str:
    """Text from a server, fit for one line."""
    return "".join(c if c.isprintable() else " " for c in text)[:120]
