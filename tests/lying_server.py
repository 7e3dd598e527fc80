"""An HTTP server on loopback that misbehaves on request.

`<server.url>/<lie>/<name>` answers for the file `name` as the lie says: each public method of `Lies` is one.
"""

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LyingServer(ThreadingHTTPServer):
    """Serves `files` while it is a context; `requests` lists the lie of each request."""

    daemon_threads = False  # leaving the context waits for every answer to end
    block_on_close = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requests: list[str] = []
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
        """A client may hang up."""


class Lies:
    """Ways to answer a GET for `self.body`; each sends status, headers and body by itself."""

    # Honest answers.

    def honest(self) -> None:
        self.head(200, len(self.body))
        self.wfile.write(self.body)

    def late(self) -> None:
        """The file, after a while."""
        self.server.stopping.wait(0.5)
        self.honest()

    def chunked(self) -> None:
        """The file in chunks, without a length."""
        self.head(200, None, {"Transfer-Encoding": "chunked"})
        for start in range(0, len(self.body), 50_000):
            data = self.body[start : start + 50_000]
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def moved(self) -> None:
        """A redirect to an honest answer."""
        self.head(302, 0, {"Location": self.path.replace("/moved/", "/honest/")})

    # Wrong bytes, or too few, or too many.

    def wrong_bytes(self) -> None:
        self.head(200, len(self.body))
        self.wfile.write(bytes(len(self.body)))

    def short(self) -> None:
        """Half of what the length promises."""
        self.head(200, len(self.body))
        self.wfile.write(self.body[: len(self.body) // 2])

    def endless(self) -> None:
        self.head(200, None)
        while not self.server.stopping.is_set():
            self.wfile.write(bytes(10_000))

    def length_nonsense(self) -> None:
        self.head(200, None, {"Content-Length": "lots\x1b[31m"})
        self.wfile.write(self.body)

    # Connections that end, or do not.

    def reset(self) -> None:
        """Half of the file, then a reset."""
        self.short()
        self.wfile.flush()
        self.server.stopping.wait(0.1)  # a reset overtakes what is still on its way
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        """No answer at all."""
        self.server.stopping.wait(30)

    def hang_up(self) -> None:
        """The end of the connection instead of an answer."""

    def stall(self) -> None:
        """Half of the file, then nothing."""
        self.short()
        self.server.stopping.wait(30)

    def trickle(self) -> None:
        """The file, 2 kB at a time."""
        self.head(200, len(self.body))
        for start in range(0, len(self.body), 2_000):
            self.wfile.write(self.body[start : start + 2_000])
            if self.server.stopping.wait(0.05):
                return

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

    def redirect_loop(self) -> None:
        self.head(302, 0, {"Location": self.path})

    def redirect_to_file(self) -> None:
        self.head(302, 0, {"Location": "file:///etc/hostname"})


class Handler(Lies, BaseHTTPRequestHandler):
    """Passes a request to its lie."""

    server: LyingServer
    protocol_version = "HTTP/1.1"
    timeout = 5.0

    def do_GET(self) -> None:
        _, lie, name = self.path.split("/")
        self.server.requests.append(lie)
        self.body = self.server.files[name]
        self.close_connection = True
        with suppress(OSError):  # the client hung up
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

    def log_message(self, *_: Any) -> None:
        """Silence."""
