"""Downloads: right bytes from the first mirror that has them, whatever the others do."""

import hashlib
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pooch  # noqa: F401  # now, so that no download below is timed with the imports
import pytest
import requests  # noqa: F401
from lying_server import LyingServer

from zdl import Error
from zdl.data import download
from zdl.data.download import TIMEOUTS, DownloadError, Timeouts

BODY = random.Random(1).randbytes(100_000)
FILE = ("images.gz", hashlib.sha256(BODY).hexdigest(), len(BODY))
NAME = FILE[0]
SHORT = Timeouts(connect=1.0, read=0.3, total=0.6)


@pytest.fixture
def server() -> Iterator[LyingServer]:
    """Serves one file of random bytes."""
    with LyingServer({NAME: BODY}) as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def fetch(cache: Path, *mirrors: str, timeouts: Timeouts = TIMEOUTS, lines: list[str] | None = None) -> bytes:
    """The file as `fetch` returns it; what it reports is added to `lines`."""
    report = ([] if lines is None else lines).append
    data, _ = download.fetch(*FILE, cache=cache, mirrors=mirrors, report=report, timeouts=timeouts)
    assert names(cache) == [NAME] and (cache / NAME).read_bytes() == data
    return data


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def one_line(error: pytest.ExceptionInfo[Error]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


# Mirrors, honest and otherwise.


@pytest.mark.parametrize("honest", ["honest", "chunked", "moved", "late"])
def test_honest_mirrors_serve(tmp_path: Path, server: LyingServer, honest: str) -> None:
    assert fetch(tmp_path / "cache", server.mirror(honest)) == BODY


LIES = {  # the reason that is given for each
    "wrong_bytes": "SHA256 hash of downloaded file .* does not match the known hash",
    "short": r"IncompleteRead\(50000 bytes read, 50000 more expected\)",
    "endless": "sends more than 100,000 bytes",
    "length_nonsense": r"invalid literal .* 'lots\\x1b\[31m'",
    "reset": "Connection reset by peer",
    "hang": "timed out",
    "hang_up": "Remote end closed connection without response",
    "stall": "timed out",
    "trickle": r"is too slow \([\d,]+ of 100,000 bytes when its time was up\)",
    "nonsense": "220 mail.example ESMTP",
    "broken": "500 Server Error: Internal Server Error",
    "redirect_loop": "Exceeded 30 redirects",
    "redirect_to_file": "No connection adapters were found for 'file:",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_mirror_is_named_and_the_next_one_serves(
    tmp_path: Path, server: LyingServer, lie: str
) -> None:
    cache, lines, timeouts = tmp_path / "cache", list[str](), TIMEOUTS
    if lie in {"hang", "stall", "trickle"}:
        timeouts = SHORT
    with pytest.raises(
        DownloadError, match=rf"no mirror served {NAME} \(.*/{lie}/{NAME}: .*{LIES[lie]}"
    ) as error:
        fetch(cache, server.mirror(lie), timeouts=timeouts)
    one_line(error)
    assert names(cache) == []
    assert fetch(cache, server.mirror(lie), server.mirror("honest"), timeouts=timeouts, lines=lines) == BODY
    assert f"/{lie}/{NAME}: " in lines[0] and lines[0].endswith(f"; trying {server.url}/honest/")


def test_the_error_names_every_mirror(tmp_path: Path, server: LyingServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        refused = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(DownloadError) as error:
        fetch(tmp_path / "cache", server.mirror("broken"), server.mirror("hang_up"), refused)
    line = one_line(error)
    assert f"{server.url}/broken/{NAME}: 500 Server Error" in line
    assert f"{server.url}/hang_up/{NAME}: Remote end closed connection" in line
    assert f"{refused}{NAME}: " in line and line.endswith("Connection refused)")


def test_each_megabyte_is_reported(tmp_path: Path) -> None:
    body, lines = bytes(2_500_000), list[str]()
    file = ("zeros", hashlib.sha256(body).hexdigest(), len(body))
    with LyingServer({"zeros": body}) as server:
        mirrors = [server.mirror("honest")]
        download.fetch(*file, cache=tmp_path / "cache", mirrors=mirrors, report=lines.append)
    counts = [int(line.removeprefix("zeros: ").split()[0].replace(",", "")) for line in lines]
    assert [count // 1_000_000 for count in counts] == [1, 2]
    assert all(line.endswith(" of 2,500,000 bytes") for line in lines)


# The cache.


def test_a_cached_file_is_verified_at_each_use(tmp_path: Path, server: LyingServer) -> None:
    cache, lines = tmp_path / "cache", list[str]()
    fetch(cache, server.mirror("honest"))
    assert fetch(cache) == BODY  # no mirror needed
    for damaged in (BODY[:-1] + bytes([BODY[-1] ^ 1]), BODY[:-1], BODY + b"\0", b""):
        (cache / NAME).write_bytes(damaged)
        assert fetch(cache, server.mirror("honest"), lines=lines) == BODY
        assert lines.pop() == f"{cache / NAME}: is damaged (its SHA-256 differs); it is downloaded again"
    assert len(server.requests) == 5


def fetching(cache: Path, mirror: str, before: str = "") -> "subprocess.Popen[str]":
    """A process that fetches the file; its last line is the error, if there is one."""
    code = f"""
import sys
from pathlib import Path
from zdl.data.download import fetch
{before}
fetch(*{FILE!r}, cache=Path(sys.argv[1]), mirrors=sys.argv[2:], report=print)
print({{"filelock", "pooch", "requests"}} & {{*sys.modules}})
"""
    command = [sys.executable, "-c", code, str(cache), mirror]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_download_once(tmp_path: Path, server: LyingServer) -> None:
    both = [fetching(tmp_path / "cache", server.mirror("late")) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert errors == ["", ""]  # pooch, which logs to stderr, is silent
    assert server.requests == ["late"]
    assert fetch(tmp_path / "cache") == BODY


def test_a_cached_file_needs_no_library_that_downloads(tmp_path: Path, server: LyingServer) -> None:
    fetch(tmp_path / "cache", server.mirror("honest"))
    output, _ = fetching(tmp_path / "cache", server.mirror("honest")).communicate()
    assert output == "{'filelock'}\n" and len(server.requests) == 1


def test_a_full_disk_is_one_line(tmp_path: Path, server: LyingServer) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    process = fetching(tmp_path / "cache", server.mirror("honest"), limit)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.splitlines()[-1] == f"zdl.Error: {tmp_path / 'cache' / NAME}: File too large"
    assert names(tmp_path / "cache") == []
    assert fetch(tmp_path / "cache", server.mirror("honest")) == BODY


def test_a_cache_that_cannot_be_made_is_one_line(tmp_path: Path, server: LyingServer) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Error, match=r"file.*: (Not a directory|File exists)") as error:
        fetch(tmp_path / "file" / "cache", server.mirror("honest"))
    one_line(error)
