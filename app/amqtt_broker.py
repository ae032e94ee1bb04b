"""Run the pure-Python amqtt broker on loopback: `python -m app.amqtt_broker PORT [FOLDER]`.

With the folder `broker` that broker-config made, it speaks TLS, asks for a password and knows the
access list; without it, everybody may do everything. One gap of amqtt 0.12 stays: it sends
retained messages to clients whose subscription it has refused.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import warnings
from pathlib import Path
from typing import Any


def broker_config(port: int, folder: Path | None) -> dict[str, Any]:
    """Configuration of amqtt."""
    listener: dict[str, Any] = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    plugins: dict[str, Any] = {
        "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
    }
    if folder is not None:
        listener |= {
            "ssl": True,
            "certfile": str(folder / "server.crt"),
            "keyfile": str(folder / "server.key"),
        }
        plugins = {
            "app.amqtt_security.PasswordFile": {"path": str(folder / "passwords")},
            "app.amqtt_security.AccessList": {"path": str(folder / "acl")},
        }
    return {"listeners": {"default": listener}, "plugins": plugins}


async def serve(port: int, folder: Path | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from amqtt.broker import Broker

    broker = Broker(broker_config(port, folder))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
