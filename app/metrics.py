"""Prometheus metrics and health of a collector over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as MetricsSource

from app.httpd import by_path, serve_http
from collectors.health import OUTCOMES
from collectors.service import Collector

_STALE_S = 60.0


class CollectorMetrics(MetricsSource):
    """Reads one consistent state of the collector at each scrape."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterable[Metric]:
        """The metrics; `received` equals the sum of the outcomes."""
        health = self._collector.health
        counters, snapshot = health.counters, health.snapshot()
        yield CounterMetricFamily(
            "greenpark_readings_received", "readings received", value=counters["received"]
        )
        outcome = CounterMetricFamily(
            "greenpark_readings", "what became of the readings", labels=["outcome"]
        )
        for name in OUTCOMES[:-1]:
            outcome.add_metric([name], counters[name])
        yield outcome
        for name, text in (
            ("messages", "messages taken from the broker"),
            ("retries", "tries that failed because the database was away"),
            ("sessions_lost", "reconnects at which the broker had lost our session"),
        ):
            yield CounterMetricFamily(f"greenpark_{name}", text, value=counters[name])
        for label, name, text in (
            ("reason", "refused", "refused values by reason"),
            ("source", "ignored", "values that no channel wants, by source"),
        ):
            family = CounterMetricFamily(f"greenpark_{name}", text, labels=[label])
            for key, number in snapshot[name].items():
                family.add_metric([key], number)
            yield family
        yield from _gauges(counters["pending"], snapshot)
        last = GaugeMetricFamily(
            "greenpark_last_message_timestamp_seconds",
            "arrival of the newest message",
            labels=["enterprise"],
        )
        for enterprise, at in health.last_message.items():
            last.add_metric([enterprise], at.timestamp())
        yield last


def _gauges(pending: int, snapshot: dict[str, Any]) -> Iterator[Metric]:
    for name, value, text in (
        ("readings_pending", pending, "readings judged and not yet committed"),
        ("messages_queued", snapshot["queued"], "messages waiting for the writer"),
        ("messages_in_flight", snapshot["in_flight"], "messages delivered, not acknowledged"),
        ("commit_lag_seconds", snapshot["commit_lag_s"], "arrival to commit, oldest of a batch"),
        ("broker_connected", snapshot["connected"], "1: connected to the broker"),
        ("filters_kept", snapshot["kept_filters"], "subscriptions that nobody has taken over"),
    ):
        yield GaugeMetricFamily(f"greenpark_{name}", text, value=value)


def health_of(collector: Collector) -> tuple[bool, dict[str, Any]]:
    """Whether the collector does its work, and why not."""
    gauges = collector.health.gauges()
    idle_s = time.monotonic() - collector.health.committed_at
    wrong = [
        text
        for text, bad in (
            ("not connected to the broker", not gauges["connected"]),
            (f"no commit for {idle_s:.0f} s: is the database away?", idle_s > _STALE_S),
        )
        if bad
    ]
    return not wrong, {"ok": not wrong, "problems": wrong, **gauges}


@contextmanager
def serve_metrics(collector: Collector, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """`/metrics` and `/health` while the collector runs; port 0 serves nothing."""
    registry = CollectorRegistry()
    registry.register(CollectorMetrics(collector))

    def health(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        ok, facts = health_of(collector)
        start("200 OK" if ok else "503 Unavailable", [("Content-Type", "application/json")])
        return [json.dumps(facts).encode()]

    pages = by_path({"/metrics": make_wsgi_app(registry), "/health": health})
    with serve_http(pages, port, host, "GREENPARK_METRICS_PORT") as served:
        yield served
