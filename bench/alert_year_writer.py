"""Puts the numbers of the script where the jobs before the rules put theirs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bench.alert_year_script import ALL, FOUND, GAPS, PARK, SUBJECTS, ZONE, Found, Level
from bench.alert_year_world import HOUR, is_outage, level, published, value
from models.findings import Finding, Severity
from models.indicators import GREEN_SHARE_CLAIM
from models.periods import days, local_day, month_start, next_month
from storage.db import Conn
from storage.findings import save_findings
from storage.forecasts import save_forecast
from storage.jobs import finish_job, start_job
from storage.parks import channels

_READINGS = """
INSERT INTO reading (channel_id, ts, value, received_at)
SELECT c, t, 0, t FROM unnest(%s::int[]) c, generate_series(%s::timestamptz, %s, '1 hour') t
"""
_UPSERT = """
INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind, period_start,
    period_stop, value, numerator, denominator, unit, completeness_ratio, estimated_ratio, status,
    computed_at)
VALUES (%s, 1, %s, %s, %s, %s, %s, %s, 1, %s, %s, 0, %s, now())
ON CONFLICT (park_id, enterprise_id, indicator, period_kind, period_start, period_stop) DO UPDATE
SET value = excluded.value, numerator = excluded.numerator,
    completeness_ratio = excluded.completeness_ratio, computed_at = now()
"""
_INTENSITIES = {
    "energy": ("energy_intensity", "kWh/t"),
    "water": ("water_intensity", "m3/t"),
}
_TARGET = 100.0
_BEST_MONTH = 0.60
_KNOWN_RATIO = 0.3


class Writer:
    """Writes what changes, hour by hour."""

    def __init__(self, conn: Conn, ids: dict[str, int]) -> None:
        self.conn, self.ids = conn, ids
        self._channels = {f"{c.meter_key}/{c.key}": c.channel_id for c in channels(conn)}
        self._written: dict[tuple[str, str], tuple[date, float, float]] = {}
        self._rewritten: set[Level] = set()

    def fill(self, before: datetime, start: datetime, stop: datetime) -> None:
        """Readings of the whole time (rules see those up to their hour), values until the start."""
        with self.conn.transaction():
            self.conn.execute(_READINGS, (list(self._channels.values()), before, stop))
            for gap in GAPS:
                numbers = [n for k, n in self._channels.items() if k.split("/")[0] in gap.meters]
                self.conn.execute(
                    "DELETE FROM reading WHERE channel_id = ANY (%s) AND ts >= %s AND ts < %s",
                    (numbers, gap.start, gap.stop),
                )
            for day in days(local_day(before, ZONE), local_day(start, ZONE)):
                noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)
                self._intensities(noon)
            for day in days(local_day(before, ZONE), local_day(start, ZONE)):
                for n in range(24):
                    known_at = datetime(day.year, day.month, day.day, n, tzinfo=ZONE)
                    self._published(known_at)
        self.conn.execute("ANALYZE")

    def step(self, now: datetime) -> None:
        """Everything that is new at an hour."""
        with self.conn.transaction():
            if not is_outage(now):
                self._intensities(now)
                self._demand(now)
            self._published(now)
            if now.astimezone(ZONE).hour == 0:
                self._forecasts(now)
            for entry in FOUND:
                if now in (entry.start, entry.stop):
                    self._found(entry, now)

    def _value(self, indicator: str, subject: str, kind: str, period: tuple[date, date],
               amount: float, unit: str = "ratio", complete: float = 1.0,
               status: str = "final") -> None:  # fmt: skip
        number = self.ids.get(subject)
        self.conn.execute(
            _UPSERT,
            (indicator, number, kind, *period, amount, amount, unit, complete, status),
        )

    def _intensities(self, now: datetime) -> None:
        """The seven days up to this morning; a correction rewrites the days before as well."""
        today = local_day(now, ZONE)
        for signal in _INTENSITIES:
            for subject in ALL:
                amount, complete = value(signal, subject, now), value("complete", subject, now)
                if self._written.get((signal, subject)) != (today, amount, complete):
                    self._intensity(signal, subject, today, amount, complete)
                    self._written[(signal, subject)] = (today, amount, complete)
                said = level(signal, subject, now)
                if said and said.since and said not in self._rewritten:
                    for day in days(said.since, today):
                        self._intensity(signal, subject, day, amount, complete)
                    self._rewritten.add(said)

    def _intensity(
        self, signal: str, subject: str, today: date, amount: float, complete: float
    ) -> None:
        indicator, unit = _INTENSITIES[signal]
        week = (today - timedelta(days=7), today)
        self._value(indicator, subject, "rolling_7d", week, _TARGET * amount, unit, complete,
                    "provisional")  # fmt: skip

    def _demand(self, now: datetime) -> None:
        first = month_start(local_day(now, ZONE))
        for subject in ALL:
            amount = value("demand", subject, now)
            if self._written.get(("demand", subject)) != (first, amount, 1.0):
                month = (first, next_month(first))
                self._value("demand_ratio", subject, "month", month, amount, status="provisional")
                self._written[("demand", subject)] = (first, amount, 1.0)

    def _published(self, now: datetime) -> None:
        for news in published(now):
            month = (news.month, next_month(news.month))
            if news.signal == "power_factor":
                self._value("power_factor", news.subject, "month", month, news.value)
            else:
                year = (date(news.month.year, 1, 1), month[1])
                self._value(GREEN_SHARE_CLAIM, news.subject, "ytd", year, news.value)
                self._value(GREEN_SHARE_CLAIM, news.subject, "month", month, _BEST_MONTH)

    def _forecasts(self, now: datetime) -> None:
        columns = ("s1_p10_ratio", "s1_p50_ratio", "s1_p90_ratio", "s3_p10_ratio", "s3_p50_ratio",
                   "s3_p90_ratio", "s1_probability_ratio", "consumption_p10_kwh",
                   "consumption_p50_kwh", "consumption_p90_kwh")  # fmt: skip
        counts = ("certificates_p50_mwh", "certificates_p10_mwh", "certificates_room_mwh")
        for subject in SUBJECTS:
            row = dict.fromkeys(columns, 0.5) | dict.fromkeys(counts, 0) | {
                "target_ratio": 0.5,
                "s3_probability_ratio": value("prob", subject, now),
                "required_ratio": value("need", subject, now),
                "known_ratio": _KNOWN_RATIO,
                "notes": "",
            }  # fmt: skip
            number = None if subject == PARK else self.ids[subject]
            save_forecast(self.conn, 1, number, local_day(now, ZONE), row, now)

    def _found(self, entry: Found, now: datetime) -> None:
        if entry.code == "job_failed":
            start_job(self.conn, entry.channel, now, now)
            error = "StorageError: disk full" if now == entry.start else None
            finish_job(self.conn, entry.channel, now, {}, error)
        elif now == entry.start:
            finding = Finding(
                entry.code,
                Severity(entry.severity),
                entry.start - HOUR,
                entry.stop,
                self._channels[entry.channel],
                evidence={"night_flow_m3_h": 3.2},
            )
            save_findings(self.conn, [finding], now)
        else:
            self.conn.execute(
                "UPDATE finding SET withdrawn_at = %s WHERE channel_id = %s AND code = %s",
                (now, self._channels[entry.channel], entry.code),
            )
