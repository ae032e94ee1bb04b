"""The likely cause of an alert, said only where its own evidence tells one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Any

from alerts.context import Item, Trend
from alerts.language import N_, Speech

_WEEK = 7
_FEWEST = 21
_MOST_OF = 0.7
_SHAPES = ("energy_saving", "energy_drift", "water_saving", "water_drift")
_SILENT = ("meter_silent", "enterprise_silent")

# Enhanced status codes of mail servers. Source: RFC 3463, sections 3.2, 3.3 and 3.8.
_MAIL_CODES: Mapping[str, str] = MappingProxyType(
    {
        "5.1.1": N_("The mailbox does not exist: correct the address of the contact."),
        "5.1.2": N_("The domain of the address does not exist or takes no mail."),
        "5.2.1": N_("The mailbox is closed: name another contact."),
        "5.2.2": N_("The mailbox is full: the recipient has to make room."),
        "5.7.": N_(
            "The server of the recipient refuses mail of this sender: check SPF and DKIM of the "
            "sender's domain."
        ),
    }
)


def likely_causes(say: Speech, item: Item, others: Sequence[Item] = ()) -> tuple[str, ...]:
    """Sentences in the reader's language, the likeliest first; nothing known: none.

    Args:
        others: alerts of the same message; a silent meter explains incomplete data.
    """
    if item.change == "resolved":
        return ()
    tellers = (_data, _silence, _shape, _forecast, _required, _together, _leak, _uncertain, _mail)
    return tuple(text for tell in tellers if (text := tell(say, item, others)))


def number(evidence: Mapping[str, Any], key: str) -> float | None:
    """A number of the evidence, if there is one."""
    value = evidence.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _data(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """Missing and estimated data are at least as large as the gap that they could explain."""
    evidence = item.evidence
    value, target = number(evidence, "value"), number(evidence, "target")
    complete = number(evidence, "completeness_ratio")
    if "status" not in evidence or item.rule == "completeness":
        return ""
    if value is None or not target or complete is None:
        return ""
    missing, estimated = 1 - complete, number(evidence, "estimated_ratio") or 0.0
    gap = value if item.rule == "daily_monthly_gap" else abs(value / target - 1)
    if missing + estimated < max(gap, 0.01):
        return ""
    return say.text(
        N_(
            "The data: %(missing)s of the readings are missing and %(estimated)s are estimated, "
            "enough to explain the whole deviation."
        ),
        missing=say.percent(missing),
        estimated=say.percent(estimated),
    )


def _silence(say: Speech, item: Item, others: Sequence[Item]) -> str:
    """Incomplete data beside silent meters of the same enterprise."""
    if item.rule != "completeness":
        return ""
    silent = [
        other.object_name.get(say.language) if other.object_name else other.object_key
        for other in others
        if other.rule in _SILENT
        and other.change != "resolved"
        and other.enterprise == item.enterprise
    ]
    if not (names := [name for name in silent if name]):
        return ""
    return say.text(
        N_("Silent meters, see the other alerts of this mail: %(names)s."), names=", ".join(names)
    )


def _shape(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """Whether the 7-day value has risen within a week or has crept up.

    Compares the largest rise within seven days with the whole rise over the median of what was
    before. House rule: 70 % of it is a sudden change.
    """
    if item.rule not in _SHAPES or item.trend is None:
        return ""
    known = _unbroken(item.trend)
    if len(known) < _FEWEST:
        return ""
    now, usual = known[-1][1], median(v for _, v in known[: -2 * _WEEK])
    if now <= usual:
        return ""
    weeks = [(b[1] - a[1], a, b) for a, b in zip(known, known[_WEEK:], strict=False)]
    largest, before, after = max(weeks[-_FEWEST:], key=lambda w: w[0])
    unit = str(item.evidence.get("unit") or "")
    if largest >= _MOST_OF * (now - usual):
        text = N_(
            "A sudden change: from %(before)s on %(first)s to %(after)s on %(last)s. Look for what "
            "was switched, changed or repaired in that week."
        )
    else:
        before, after = known[0], known[-1]
        text = N_(
            "A slow change: from %(before)s on %(first)s to %(after)s on %(last)s without a jump. "
            "Look for what wears, fouls or leaks rather than for one event."
        )
    return say.text(
        text,
        before=say.amount(before[1], unit, after[1]),
        first=say.day(before[0]),
        after=say.amount(after[1], unit, before[1]),
        last=say.day(after[0]),
    )


def _unbroken(trend: Trend) -> list[tuple[date, float]]:
    """The newest values day by day, back to the first gap."""
    points = list(zip(trend.days, trend.values, strict=True))
    known = [(d, v) for d, v in points[-1:] if v is not None]
    for earlier, later in reversed(list(pairwise(points))):
        if earlier[1] is None or (later[0] - earlier[0]).days != 1 or not known:
            break
        known.append((earlier[0], earlier[1]))
    return known[::-1]


def _forecast(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """Even the middle scenario, with all trades and certificates, misses the goal."""
    expected = number(item.evidence, "expected_share")
    goal = number(item.evidence, "year_end_target")
    if item.rule != "green_forecast" or expected is None or goal is None or expected >= goal:
        return ""
    return say.text(
        N_(
            "What is contracted is not enough: with all trades and certificates the middle "
            "scenario of the forecast ends the year at %(expected)s, the goal is %(goal)s."
        ),
        expected=say.percent(expected),
        goal=say.percent(goal),
    )


def _required(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """More than all of the remaining use would have to be green."""
    value = number(item.evidence, "value")
    certificates = number(item.evidence, "certificates_mwh")
    if item.rule != "green_required_rate" or value is None or value <= 1 or not certificates:
        return ""
    return say.text(
        N_(
            "Green power alone no longer reaches the goal: more than all of the remaining use would"
            " have to be green. Certificates of about %(amount)s would close the gap."
        ),
        amount=say.amount(certificates, "MWh"),
    )


def _together(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """All meters of an enterprise went silent."""
    meters = number(item.evidence, "meters")
    if item.rule != "enterprise_silent" or meters is None:
        return ""
    return say.text(
        N_(
            "What all %(count)s meters share: the gateway of the enterprise, its power supply or "
            "its network, rather than a single meter."
        ),
        count=f"{meters:.0f}",
    )


def _leak(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """Size and onset that the night flow tells."""
    found = item.evidence.get("found")
    if item.rule != "water_leak" or not isinstance(found, dict):
        return ""
    size, onset = number(found, "size_m3_per_h"), found.get("onset")
    if size is None or not isinstance(onset, str):
        return ""
    return say.text(
        N_(
            "A leak, or a new use at night: the night flow has been higher by %(size)s since "
            "%(onset)s."
        ),
        onset=say.day(date.fromisoformat(onset)),
        size=say.amount(size, "m3/h"),
    )


def _uncertain(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """The promised saving lies within the uncertainty of the verified one."""
    evidence = item.evidence
    low, target, high = (number(evidence, key) for key in ("low", "target", "high"))
    if item.rule != "saving_behind" or low is None or target is None or high is None:
        return ""
    if not low <= target <= high:
        return ""
    unit = str(evidence.get("unit") or "")
    return say.text(
        N_(
            "The uncertainty of the measurement: the promised saving still lies within it "
            "(%(low)s to %(high)s)."
        ),
        low=say.amount(low, unit, high),
        high=say.amount(high, unit, low),
    )


def _mail(say: Speech, item: Item, _: Sequence[Item]) -> str:
    """What the status code of the mail server means."""
    found = item.evidence.get("found")
    if item.rule != "mail_undeliverable" or not isinstance(found, dict):
        return ""
    words = [word.strip("();:,") for word in str(found.get("error", "")).split()]
    for code, text in _MAIL_CODES.items():
        if any(word.startswith(code) if code.endswith(".") else word == code for word in words):
            return say.text(text)
    return ""
