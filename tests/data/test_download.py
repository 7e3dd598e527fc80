"""A file from every mirror, whatever the mirror may do."""

import hashlib
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests  # noqa: F401  # now, so that no download below is timed with the import
from lying_server import LyingServer

from zdl import Error
from zdl.data import download
from zdl.data.download import PATIENCE, Official, Patience

BODY = random.Random(1).randbytes(100_000)
FILE = Official("images.gz", hashlib.sha256(BODY).hexdigest(), len(BODY))
HASTE = Patience(connect=1.0, read=0.4, start=0.8, speed=1e5)


def one_line(error: pytest.ExceptionInfo[Error]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


@pytest.fixture
def server() -> Iterator[LyingServer]:
    """Serves one file of random bytes, FILE."""
    with LyingServer({FILE.name: BODY}) as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def fetch(cache: Path, *urls: str, patience: Patience = PATIENCE, said: list[str] | None = None) -> bytes:
    """The file as `fetch` gives it, with what it says put into `said`."""
    said = [] if said is None else said
    data, _ = download.fetch(FILE, cache, urls, said.append, patience)
    assert (cache / FILE.name).read_bytes() == data
    return data


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


# Mirrors, honest and otherwise.


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
    both, patience = (server.mirror(lie), server.mirror("honest")), HASTE if lie in SLOW else PATIENCE
    assert fetch(tmp_path / "cache", *both, patience=patience, said=said) == BODY
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
        "import sys; from pathlib import Path; from zdl.data.download import PATIENCE, Official, fetch\n"
        f"{before}\nfetch({FILE!r}, Path(sys.argv[1]), sys.argv[2:], print, PATIENCE)"
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
