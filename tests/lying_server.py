"""An HTTP server on loopback that misbehaves on request.

`<server.url>/<lie>/<name>` answers for the file `name` as the lie says: each public method of `Lies` is one.
"""

import gzip
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LyingServer(ThreadingHTTPServer):
    """Serves `files` while it is a context; `requests` lists (lie, name, Range header) of each request."""

    daemon_threads = False  # leaving the context waits for every answer to end
    block_on_close = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requests: list[tuple[str, str, str | None]] = []
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def mirror(self, lie: str) -> str:
        """The address of a mirror that lies so."""
        return f"{self.url}/{lie}/"

    def __enter__(self) -> "LyingServer":
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class Lies:
    """Ways to answer a GET for `self.body`; each sends status, headers and body by itself."""

    # Honest ones, to compare with.

    def honest(self) -> None:
        """The file, from where a Range header asks for it."""
        start = self.asked_from()
        if start is None:
            return self.no_resume()
        last = len(self.body) - 1
        self.head(206, len(self.body) - start, {"Content-Range": f"bytes {start}-{last}/{len(self.body)}"})
        self.wfile.write(self.body[start:])
        return None

    def no_resume(self) -> None:
        """The whole file, whatever the Range."""
        self.head(200, len(self.body))
        self.wfile.write(self.body)

    def late(self) -> None:
        """Honest after a while."""
        self.server.stopping.wait(0.5)
        self.honest()

    def chunked(self) -> None:
        """The file in chunks, without a length."""
        self.head(200, None, {"Transfer-Encoding": "chunked"})
        for start in range(0, len(self.body), 50_000):
            self.chunk(self.body[start : start + 50_000])
        self.chunk(b"")

    def labelled_gzip(self) -> None:
        """The file, called a gzip encoding of something, as some servers do with .gz files."""
        self.head(200, len(self.body), {"Content-Encoding": "gzip"})
        self.wfile.write(self.body)

    def packed(self) -> None:
        """The file, packed once more for a client that says it would unpack it."""
        if "gzip" not in self.headers.get("Accept-Encoding", ""):
            return self.no_resume()
        data = gzip.compress(self.body)
        self.head(200, len(data), {"Content-Encoding": "gzip"})
        self.wfile.write(data)
        return None

    def trickle(self) -> None:
        """The file at 80 kB a second, from where a Range header asks for it."""
        start, size = self.asked_from() or 0, len(self.body)
        if start:
            self.head(206, size - start, {"Content-Range": f"bytes {start}-{size - 1}/{size}"})
        else:
            self.head(200, size)
        for at in range(start, size, 8_000):
            self.wfile.write(self.body[at : at + 8_000])
            self.server.stopping.wait(0.1)

    def moved(self) -> None:
        """Sent on to who is honest."""
        self.head(302, 0, {"Location": self.path.replace("/moved/", "/honest/")})

    # Wrong bytes, or too few, or too many.

    def wrong_bytes(self) -> None:
        self.head(200, len(self.body))
        self.wfile.write(bytes(len(self.body)))

    def short(self) -> None:
        """Half of what the length promises, then the end; goes on from there if asked."""
        start = self.asked_from() or 0
        if start:
            return self.honest()
        self.head(200, len(self.body))
        self.wfile.write(self.body[: len(self.body) // 2])
        return None

    def short_always(self) -> None:
        """As short, and without resuming."""
        self.head(200, len(self.body))
        self.wfile.write(self.body[: len(self.body) // 2])

    def short_lengthless(self) -> None:
        """Half of the file and a proper end of the connection."""
        self.head(200, None)
        self.wfile.write(self.body[: len(self.body) // 2])

    def wrong_half(self) -> None:
        """Half of a file that is another."""
        self.head(200, len(self.body))
        self.wfile.write(bytes(len(self.body) // 2))

    def empty(self) -> None:
        self.head(200, 0)

    def endless(self) -> None:
        """The file and more and more, without a length."""
        self.head(200, None)
        self.wfile.write(self.body)
        self.for_ever(bytes(10_000))

    def length_too_large(self) -> None:
        self.head(200, 10 * len(self.body))
        self.wfile.write(self.body)

    def length_too_small(self) -> None:
        self.head(200, len(self.body) // 2)
        self.wfile.write(self.body)

    def length_nonsense(self) -> None:
        self.head(200, None, {"Content-Length": "lots\x1b[31m"})
        self.wfile.write(self.body)

    def login_page(self) -> None:
        """What a hotel's network answers, whatever the question."""
        self.head(200, 27, {"Content-Type": "text/html"})
        self.wfile.write(b"<html>Your room no.?</html>")

    # Connections that end, or do not.

    def reset(self) -> None:
        """Half of the file, then a reset."""
        self.head(200, len(self.body))
        self.wfile.write(self.body[: len(self.body) // 2])
        self.wfile.flush()
        self.server.stopping.wait(0.1)  # a reset overtakes what is still on its way
        self.reset_at_once()

    def reset_at_once(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        """No answer at all."""
        self.server.stopping.wait(30)

    def hang_up(self) -> None:
        """The end, instead of an answer."""

    def stall(self) -> None:
        """Half of the file, then nothing."""
        self.head(200, len(self.body))
        self.wfile.write(self.body[: len(self.body) // 2])
        self.server.stopping.wait(30)

    def drip(self) -> None:
        """The file, a byte at a time."""
        self.head(200, len(self.body))
        for byte in self.body:
            if self.server.stopping.wait(0.05):
                return
            self.wfile.write(bytes([byte]))

    def drip_header(self) -> None:
        """A header that never ends, a byte at a time."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.for_ever(b"x", 0.05)

    def nonsense(self) -> None:
        """Something that is not HTTP."""
        self.wfile.write(b"\x00\xff220 mail.example ESMTP\r\n\r\n")

    # Other answers.

    def forbidden(self) -> None:
        self.head(403, 0)

    def missing(self) -> None:
        self.head(404, 0)

    def broken(self) -> None:
        self.head(500, 0)

    def partial_unasked(self) -> None:
        """206 to a request for everything."""
        self.head(206, 10, {"Content-Range": f"bytes 0-9/{len(self.body)}"})
        self.wfile.write(self.body[:10])

    def redirect_loop(self) -> None:
        self.head(302, 0, {"Location": self.path})

    def redirect_endless(self) -> None:
        """A redirect to who is honest, with a body that never ends."""
        self.head(302, None, {"Location": self.path.replace("/redirect_endless/", "/honest/")})
        self.for_ever(bytes(10_000))

    def redirect_to_file(self) -> None:
        self.head(302, 0, {"Location": "file:///etc/hostname"})

    # Answers to a Range that do not fit it; without one they are honest.

    def range_refused(self) -> None:
        return self.no_resume() if self.asked_from() is None else self.head(416, 0)

    def range_elsewhere(self) -> None:
        """Right bytes of the wrong place, and the header says so."""
        if self.asked_from() is None:
            return self.no_resume()
        self.head(206, len(self.body), {"Content-Range": f"bytes 0-{len(self.body) - 1}/{len(self.body)}"})
        self.wfile.write(self.body)
        return None

    def range_wrong_bytes(self) -> None:
        """The header is right and the bytes are not."""
        start = self.asked_from()
        if start is None:
            return self.no_resume()
        size = len(self.body)
        self.head(206, size - start, {"Content-Range": f"bytes {start}-{size - 1}/{size}"})
        self.wfile.write(bytes(size - start))
        return None


class Handler(Lies, BaseHTTPRequestHandler):
    """Leads a request to its lie."""

    server: LyingServer
    protocol_version = "HTTP/1.1"
    timeout = 5.0

    def do_GET(self) -> None:
        _, lie, name = self.path.split("/")
        self.server.requests.append((lie, name, self.headers.get("Range")))
        self.body = self.server.files[name]
        self.close_connection = True
        with suppress(OSError):  # the client has heard enough
            getattr(self, lie)()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def head(self, status: int, length: int | None, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def asked_from(self) -> int | None:
        """Where the Range header asks to start."""
        span = self.headers.get("Range")
        return int(span.removeprefix("bytes=").removesuffix("-")) if span else None

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def for_ever(self, data: bytes, pause: float = 0.0) -> None:
        while not self.server.stopping.wait(pause):
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Silence."""
