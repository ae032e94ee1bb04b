"""The scorecard: what the chain says against the exact truth, figure by figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from app.score.chain import Observed
from app.score.expected import breaches
from models.park import Park


@dataclass(frozen=True)
class EnterpriseScore:
    """One line of the scorecard; None means that the figure does not exist.

    Attributes:
        energy_error_ratio: consumption of the complete days, told / true - 1.
        complete_ratio: days with a complete balance / days.
        estimated_ratio: estimated part of the metered energy of those days.
        share_error_points: physical green share of the complete days, told - true [percentage
            points].
        water_error_ratio: intake of the complete days, told / true - 1.
        saving_error_ratio: verified saving against the true one; None: a run of weeks has no
            baseline (`saving_true_kwh` says what there is to find).
        leak_delay_days: first water alert after the leak began; None without a leak; `inf` when
            it was not told.
        alerts_expected, alerts_raised, alerts_both: of (rule) that ever breach by the truth, that
            were ever opened, and both.
        readings_sent: by the simulator; `readings_twice` repeat a message, `readings_refused` are
            in quarantine, `readings_lost` are in none of these and not in the database either.
            (Two readings that say the same for the same time, as of a clock that is set back,
            count as one kept and one lost; no event of the simulator makes such.)
    """

    enterprise: str
    energy_error_ratio: float | None
    complete_ratio: float
    estimated_ratio: float | None
    share_error_points: float | None
    water_error_ratio: float | None
    saving_true_kwh: float | None
    saving_error_ratio: float | None
    leak_delay_days: float | None
    alerts_expected: int
    alerts_raised: int
    alerts_both: int
    readings_sent: int
    readings_twice: int
    readings_refused: int
    readings_lost: int


@dataclass(frozen=True)
class EventScore:
    """Whether the chain noticed an event: one of the expected codes on its meter in its time."""

    kind: str
    subject: str
    expected: tuple[str, ...]
    raised: tuple[str, ...]

    @property
    def noticed(self) -> bool:
        """True when nothing was expected, or one of it was raised."""
        return not self.expected or bool(set(self.expected) & set(self.raised))


def enterprise_scores(
    park: Park,
    truth: pd.DataFrame,
    seen: Observed,
    *,
    leaks: Mapping[str, datetime],
    savings_kwh: Mapping[str, float],
) -> list[EnterpriseScore]:
    """One line per enterprise with meters.

    Args:
        truth: index (enterprise, local day); import_kwh, export_kwh, generation_kwh, water_m3,
            product_t.
        leaks: beginning of the first leak by enterprise.
        savings_kwh: true savings by enterprise.
    """
    due = breaches(park, truth)
    out = []
    for key in truth.index.unique("enterprise"):
        raised = {a["rule"] for a in seen.alerts if a["enterprise"] == key}
        expected = due.get(key, set())
        energy, share, complete, estimated = _energy(truth.loc[key], _part(seen.energy, key))
        out.append(
            EnterpriseScore(
                key,
                energy,
                complete,
                estimated,
                share,
                _water(truth.loc[key], _part(seen.amounts, key)),
                savings_kwh.get(key),
                None,
                _delay(seen.alerts, key, leaks.get(key)),
                len(expected),
                len(raised),
                len(expected & raised),
                *_readings(seen, key),
            )
        )
    return out


def _readings(seen: Observed, key: str) -> tuple[int, int, int, int]:
    """Sent, twice, refused, lost."""
    refused = 0
    for found in seen.findings:
        if found["code"].startswith("quarantine."):
            evidence = found["evidence"]
            if seen.sent.owner.get(evidence["topic"]) == key:
                more = found["code"] == "quarantine.more"
                refused += int(evidence["got"]) if more else 1
    sent, twice = seen.sent.readings[key], seen.sent.twice[key]
    return sent, twice, refused, sent - twice - refused - seen.kept.get(key, 0)


def _part(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    mine = frame.index.get_level_values("enterprise") == key
    return frame[mine].droplevel("enterprise")


def _energy(
    truth: pd.DataFrame, seen: pd.DataFrame
) -> tuple[float | None, float | None, float, float | None]:
    """Energy error, share error [points], complete days, estimated share."""
    whole = seen[seen["buckets"] >= seen["expected_buckets"]]
    complete = len(whole) / len(truth)
    true = truth.loc[[d for d in truth.index if d in set(whole.index)]]
    true_kwh = float((true["import_kwh"] + true["generation_kwh"] - true["export_kwh"]).sum())
    told_kwh = float(whole["consumption_kwh"].sum())
    if not true_kwh or not told_kwh:
        return None, None, complete, None
    metered = float(
        whole[["import_kwh", "direct_kwh", "onsite_kwh", "export_kwh"]].to_numpy().sum()
    )
    true_share = float((true["generation_kwh"] - true["export_kwh"]).sum()) / true_kwh
    told_share = float(whole["physical_green_kwh"].sum()) / told_kwh
    return (
        told_kwh / true_kwh - 1,
        (told_share - true_share) * 100,
        complete,
        float(whole["estimated_kwh"].sum()) / metered if metered else None,
    )


def _water(truth: pd.DataFrame, seen: pd.DataFrame) -> float | None:
    if "water_m3" not in seen:
        return None
    told = seen["water_m3"].dropna()
    true = float(truth.loc[[d for d in truth.index if d in set(told.index)], "water_m3"].sum())
    return float(told.sum()) / true - 1 if true else None


def _delay(alerts: Sequence[Mapping[str, Any]], key: str, since: datetime | None) -> float | None:
    if since is None:
        return None
    after = [
        a["opened_at"]
        for a in alerts
        if a["enterprise"] == key and a["rule"].startswith("water") and a["opened_at"] >= since
    ]
    return (min(after) - since).total_seconds() / 86_400 if after else math.inf


def event_scores(events: Sequence[Mapping[str, Any]], seen: Observed) -> list[EventScore]:
    """One line per event that a finding should tell of, or that should stay unnoticed.

    Args:
        events: `kind`, `subject`, `meters` (those it touches), `start`, `stop` (None: an instant),
            `expected` finding codes.
    """
    return [
        EventScore(
            event["kind"],
            event["subject"],
            tuple(event["expected"]),
            tuple(sorted(_codes(event, seen.findings))),
        )
        for event in events
    ]


def _codes(event: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> set[str]:
    low, high = event["start"].date(), (event["stop"] or event["start"]).date()
    return {f["code"] for f in findings if f["meter"] in event["meters"] and _touches(f, low, high)}


def _touches(finding: Mapping[str, Any], low: date, high: date) -> bool:
    """Findings of whole days begin at midnight, those of a pause end after it: compare days."""
    start, stop = finding["period_start"], finding["period_stop"]
    return start is None or (start.date() <= high and (stop or start).date() >= low)
