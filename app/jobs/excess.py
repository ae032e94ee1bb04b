"""Claims above the energy drawn from the grid: they count nowhere, and are said so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.jobs.green_members import GreenMember
from app.jobs.green_values import Subject, Window
from models.findings import Finding, Severity
from models.periods import day_start
from storage.claims import newest_cancelled
from storage.db import Conn
from storage.findings import save_findings, withdraw_findings
from storage.parks import AppliedPark

_EXCESS = "green.claims_above_grid_draw"
_NOTHING_KWH = 0.5


def report_excess(
    conn: Conn,
    applied: AppliedPark,
    member: GreenMember,
    subject: Subject,
    windows: Sequence[Window],
    now: datetime,
) -> None:
    """A critical finding for every year in which T + C > D, with the serials that are too many.

    Certificates fill the cap last, so the last cancelled ones are named. Computed anew, an excess
    that is none any more is withdrawn. Source: 发改能源〔2026〕622号, domain facts 8, row 14.
    """
    zone = applied.park.zone
    for n, (kind, start, stop) in enumerate(windows):
        if kind != "year":
            continue
        begin, excess_kwh = day_start(start, zone), float(subject.amounts["excess_kwh"][n])
        withdraw_findings(conn, _EXCESS, member.enterprise_id, begin, now)
        if excess_kwh <= _NOTHING_KWH:
            continue
        of_certificates = min(excess_kwh, float(subject.amounts["certificate_claimed_kwh"][n]))
        serials = newest_cancelled(conn, applied.park_id, member.key, start.year, of_certificates)
        finding = Finding(
            _EXCESS,
            Severity.CRITICAL,
            begin,
            day_start(stop, zone),
            enterprise_id=member.enterprise_id,
            evidence={
                "excess_kwh": excess_kwh,
                "grid_draw_kwh": float(subject.amounts["grid_draw_kwh"][n]),
                "certificates": serials,
                "rule": "T + C <= D, 发改能源〔2026〕622号",
            },
        )
        save_findings(conn, [finding], now)
