"""A small HTTP server for health, metrics and single pages; not for the open internet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from models.errors import ConfigError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Handler(WSGIRequestHandler):
    timeout = 15  # seconds; a client that says nothing does not hold a thread for ever

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape every few seconds is no news, and a link is a permission."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def serve_http(app: WsgiApp, port: int, host: str, setting: str) -> Iterator[int]:
    """Serve `app` until the block ends; port 0 serves nothing.

    Raises:
        ConfigError: the address cannot be used; names `setting`.
    """
    if not port:
        yield 0
        return
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_Handler)
    except OSError as exc:
        fault = f"{setting}: {host}:{port} cannot be used: {exc.strerror}; choose another port"
        raise ConfigError("settings", [fault]) from exc
    Thread(target=server.serve_forever, name="http", daemon=True).start()
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()


def by_path(pages: Mapping[str, WsgiApp]) -> WsgiApp:
    """One application out of several: `/x` answers /x and what is below it; else 404."""

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        page = pages.get("/" + str(environ.get("PATH_INFO", "")).lstrip("/").split("/")[0])
        if page is not None:
            return page(environ, start)
        start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"not found; there is: {', '.join(sorted(pages))}\n".encode()]

    return app
