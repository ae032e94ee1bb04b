"""collect: the collector process. Imports no more than it needs: it runs for months, and lean."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from app.metrics import serve_metrics
from app.settings import Settings, settings
from app.wiring import broker_address, clock_of, database
from collectors.service import Collector, CollectorSettings
from collectors.shards import parse_shard


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(collect)


def collect(
    retire: Annotated[
        bool,
        typer.Option("--retire", help="hand everything to the other collectors, drain, then end"),
    ] = False,
) -> None:
    """Collect readings from the broker until told to stop (SIGTERM, Ctrl-C).

    A second one with the same client id waits as a standby and takes over when the first is gone.
    GREENPARK_SHARD=1/2 makes it the first of two that share the work.

    Examples: GREENPARK_MQTT_HOST=broker greenpark collect
    --- GREENPARK_SHARD=3/3 greenpark collect --retire
    """
    config = settings()
    clock = clock_of(config)
    with database(patient=True) as connect:
        collector = Collector(
            broker_address(config), connect, clock, collector_settings(config, retire=retire)
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _n, _f: collector.stop())
        with serve_metrics(collector, config.metrics_port, config.metrics_host):
            collector.run()


def collector_settings(config: Settings, *, retire: bool = False) -> CollectorSettings:
    """How the collector of the deployment works."""
    return CollectorSettings(
        client_id=config.mqtt_client_id,
        topic=config.mqtt_topic,
        shard=parse_shard(config.shard),
        batch=config.collector_batch,
        linger_s=config.collector_linger_s,
        window=config.collector_window,
        max_payload_bytes=config.max_payload_bytes,
        future_tolerance_s=config.future_tolerance_s,
        retire=retire,
        sparkplug_host_id=config.sparkplug_host_id,
    )
