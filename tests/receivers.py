"""HTTP servers that keep what they are sent and answer what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Got:
    """A request as it arrived; `headers` by lower-case name."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes POSTs; answers the next of `answers`, then 200 with `usual`."""

    def __init__(self, usual: Any = None) -> None:
        self.got: list[Got] = []
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.usual = usual if usual is not None else {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k.lower(): v for k, v in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body))
                status, answer, more = (
                    receiver.answers.pop(0) if receiver.answers else (200, receiver.usual, {})
                )
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**more, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, status: int, answer: Any = b"", **headers: str) -> None:
        """The next answer; a header's `_` is a `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, answer, more))
