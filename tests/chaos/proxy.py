"""TCP proxies that can cut (RST) and stall (no bytes, no close) the connections through them."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s: close sends RST


class Wire:
    """One listening port in front of one server; faults are asked for from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, target: int) -> None:
        self.name, self.target = name, target
        self.port = 0
        self.connections = 0
        self._loop = loop
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def cut(self) -> None:
        """Reset all connections; new ones are possible at once."""
        self._loop.call_soon_threadsafe(self._reset)

    def stall(self) -> None:
        """Let no byte pass; connections stay open, new ones are accepted and hang as well."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def resume(self) -> None:
        """Let what was held back pass."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    async def listen(self) -> None:
        """Open the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Close the port and all connections; in the thread of the loop."""
        if self._server is not None:
            self._server.close()
        self._reset()

    def _reset(self) -> None:
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            upstream, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(back)
        await asyncio.gather(self._pump(reader, back), self._pump(upstream, writer))
        self._writers -= {writer, back}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes of one direction, in order, until one side ends."""
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        await self._flowing.wait()  # the end is held back as well
        writer.close()


class Wires:
    """All proxies of a run, in one thread of their own."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._thread.start()

    def add(self, name: str, target: int) -> Wire:
        """A proxy in front of a port of this machine."""
        wire = Wire(self._loop, name, target)
        self._run(wire.listen())
        self._wires.append(wire)
        return wire

    def close(self) -> None:
        """End all connections and the thread."""
        self._run(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _cancel(self) -> None:
        for wire in self._wires:
            wire.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
