"""An edge node made with pysparkplug, run by the Python of its own environment.

    python sparkplug_node.py HOST PORT GROUP EDGE

Reads steps from standard input and answers each with `done <step>`; a command from a host
application is answered with `command <name> <value>` and, if it asks so, with births. `DEVICE`,
`TEXT`, `BORN` and `STEPS` are also for the tests, which do not have pysparkplug.
"""

from __future__ import annotations

import os
import sys
from typing import Any

DEVICE = "em1"
START_MS = 1_772_324_100_000  # 2026-03-01T00:15:00Z

# name -> data type of pysparkplug, value in the birth; the alias is the place in the table.
BORN: dict[str, tuple[str, Any]] = {
    "import_kwh": ("DOUBLE", 12345.678),
    "power_kw": ("FLOAT", -12.5),
    "pulses": ("UINT64", 2**53 - 1),
    "balance": ("INT64", -(2**40)),
    "tiny": ("INT8", -5),
    "temperature": ("INT16", -40),
    "offset": ("INT32", -70_000),
    "byte": ("UINT8", 200),
    "word": ("UINT16", 60_000),
    "register": ("UINT32", 4_000_000_000),
}
TEXT = "state"
NODE = ("load_kw", "FLOAT", 0.5)
ALIASES = {name: number for number, name in enumerate(BORN, 1)}

# step -> milliseconds after the start, values; `names` sends names, the others aliases only.
STEPS: dict[str, tuple[int, dict[str, Any]]] = {
    "names": (60_000, {"import_kwh": 12345.9, "temperature": -41}),
    "alias": (120_000, {"import_kwh": 12346.25, "tiny": -128, "offset": -(2**31)}),
    "old": (-3_600_000, {"import_kwh": 12340.0}),
    "gap": (180_000, {"import_kwh": 12347.5}),
    "node": (60_000, {"load_kw": 0.75}),
}


def expected(step: str) -> list[tuple[str | None, str, int, float]]:
    """Device (None: the node itself), name, time [ms], value of a step's readings."""
    device = None if step == "node" else DEVICE
    after_ms, values = STEPS[step]
    return [(device, name, START_MS + after_ms, float(v)) for name, v in values.items()]


def expected_birth() -> list[tuple[str | None, str, int, float]]:
    """The same of both birth certificates."""
    device = [(DEVICE, name, START_MS, float(value)) for name, (_, value) in BORN.items()]
    return [(None, NODE[0], START_MS, NODE[2]), *device]


class Peer:
    """The edge node; pysparkplug is imported here only."""

    def __init__(self, host: str, port: int, group: str, edge: str) -> None:
        import pysparkplug as sp

        self.sp, self.address = sp, (host, port)
        self.node = sp.EdgeNode(group, edge, [self.metric(*NODE)], cmd_callback=self.command)
        self.node.register(sp.Device(DEVICE, self.born()))

    def metric(self, name: str | None, kind: str, value: Any, at_ms: int = 0, **more: Any) -> Any:
        datatype = self.sp.DataType[kind]
        return self.sp.Metric(START_MS + at_ms, name, datatype, value=value, **more)

    def born(self) -> list[Any]:
        metrics = [
            self.metric(name, kind, value, alias=ALIASES[name])
            for name, (kind, value) in BORN.items()
        ]
        return [*metrics, self.metric(TEXT, "STRING", "正常", alias=99)]

    def send(self, kind: str, payload: Any, device: str | None = None) -> None:
        topic = self.sp.Topic(
            message_type=self.sp.MessageType[kind],
            group_id=self.node.group_id,
            edge_node_id=self.node.edge_node_id,
            device_id=device,
        )
        message = self.sp.Message(topic=topic, payload=payload, qos=self.sp.QoS(0), retain=False)
        self.node._client.publish(message)

    def command(self, node: Any, message: Any) -> None:
        for metric in message.payload.metrics:
            print("command", metric.name, metric.value, flush=True)
            if metric.name == "Node Control/Rebirth" and metric.value:
                # the library has no rebirth; the will of this connection carries bdSeq 0
                metrics = (*node.metrics.values(), self.metric("bdSeq", "INT64", 0))
                self.send("NBIRTH", self.sp.NBirth(START_MS, node._seq, metrics))
                birth = self.sp.DBirth(START_MS, node._seq, tuple(self.born()))
                self.send("DBIRTH", birth, DEVICE)

    def step(self, step: str) -> None:
        if step == "birth":
            self.node.connect(self.address[0], port=self.address[1])
        elif step == "die":
            os._exit(0)  # without a DISCONNECT: the broker sends the will
        elif step == "node":
            self.node.update([self.metric(NODE[0], NODE[1], STEPS[step][1][NODE[0]], 60_000)])
        elif step == "names":
            after_ms, values = STEPS[step]
            metrics = [self.metric(n, BORN[n][0], v, after_ms) for n, v in values.items()]
            self.node.update_device(DEVICE, metrics)
        else:
            self.aliases(step)

    def aliases(self, step: str) -> None:
        after_ms, values = STEPS[step]
        if step == "gap":
            _ = self.node._seq, self.node._seq  # two messages that never were
        metrics = tuple(
            self.metric(
                None, BORN[n][0], v, after_ms, alias=ALIASES[n], is_historical=step == "old"
            )
            for n, v in values.items()
        )
        self.send(
            "DDATA", self.sp.DData(START_MS + max(after_ms, 0), self.node._seq, metrics), DEVICE
        )


def main() -> None:
    """Do the steps that come on standard input."""
    host, port, group, edge = sys.argv[1:]
    peer = Peer(host, int(port), group, edge)
    for line in sys.stdin:
        peer.step(line.strip())
        print("done", line.strip(), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
