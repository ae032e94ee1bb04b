"""Modbus TCP meters: one connection per address, its meters asked one after the other."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from gateway.reading import Clock, Reading, epoch_ms
from gateway.registers import Block, decode
from gateway.sources import ModbusDevice

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what fails is reported by the poller


class ReadError(Exception):
    """A meter gave nothing, or not everything; the message says what and why."""


@dataclass
class Line:
    """The connection to one host and port; RS-485 gateways take few connections, often one."""

    host: str
    port: int
    timeout_s: float
    _client: ModbusTcpClient | None = field(default=None, repr=False)

    def words(self, device: ModbusDevice, block: Block) -> list[int]:
        """Registers of one request.

        Raises:
            ReadError: no connection, no answer, or an answer that says no.
        """
        if self._client is None:
            self._client = ModbusTcpClient(
                self.host, port=self.port, timeout=self.timeout_s, retries=1
            )
        read = (
            self._client.read_holding_registers
            if block.function == 3
            else self._client.read_input_registers
        )
        what = f"registers {block.address} to {block.address + block.length - 1}"
        try:
            answer = read(block.address, count=block.length, device_id=device.unit_id)
        except (ModbusException, OSError) as exc:
            self.close()
            raise ReadError(f"{self.host}:{self.port} unit {device.unit_id}: {exc}") from exc
        if answer.isError() or len(answer.registers) != block.length:
            raise ReadError(f"unit {device.unit_id} refuses {what}: {answer}")
        return list(answer.registers)

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]
            self._client = None


def read_registers(line: Line, device: ModbusDevice) -> tuple[dict[str, float], list[str]]:
    """Values by register name, and what could not be read; one block costs no other."""
    template = device.device_type
    order = device.word_order or template.word_order
    values: dict[str, float] = {}
    faults: list[str] = []
    for block in template.blocks(device.channels):
        try:
            values |= decode(block, line.words(device, block), order)
        except ReadError as exc:
            faults.append(str(exc))
            if line._client is None:
                break  # nobody answers: the other blocks would wait for nothing
    if not faults and (without := [n for n in device.channels if n not in values]):
        faults.append(f"no value in {', '.join(without)}")
    return values, faults


def read_meter(line: Line, device: ModbusDevice, clock: Clock) -> tuple[Reading | None, list[str]]:
    """One reading at the clock's time, None when there is no value at all."""
    at_ms = epoch_ms(clock.now())
    values, faults = read_registers(line, device)
    named = {device.channels[name]: value for name, value in values.items()}
    return (Reading(device.meter, at_ms, named) if named else None), faults
