"""A meter on Modbus TCP: a real pymodbus server in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from app.embedded import free_port


class ModbusMeter:
    """Serves registers of one function code until `stop`; can be started again on its port."""

    def __init__(self, words: Mapping[int, int], function: int = 3, unit_id: int = 1) -> None:
        self.port = free_port()
        self.requests: list[tuple[int, int, int]] = []
        self.answering = True
        runs: list[tuple[int, list[int]]] = []
        for address, word in sorted(words.items()):
            if runs and runs[-1][0] + len(runs[-1][1]) == address:
                runs[-1][1].append(word)
            else:
                runs.append((address, [word]))
        data = [SimData(start, values=run, datatype=DataType.REGISTERS) for start, run in runs]
        other = [SimData(0, values=0, datatype=DataType.REGISTERS)]
        bits = [SimData(0, values=False, datatype=DataType.BITS)]
        holding, inputs = (data, other) if function == 3 else (other, data)
        self._device = SimDevice(unit_id, (bits, bits, holding, inputs), action=self._seen)

    async def _seen(
        self, function: int, _start: int, address: int, count: int, _now: object, _new: object
    ) -> ExcCodes | None:
        self.requests.append((function, address, count))
        return None if self.answering else ExcCodes.DEVICE_BUSY

    def start(self) -> ModbusMeter:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = ModbusTcpServer(self._device, address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)
        self._ended = asyncio.Event()
        self._ready.set()
        await self._ended.wait()
        await self._server.shutdown()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)
            assert not self._thread.is_alive()
