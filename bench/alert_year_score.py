"""What was said against what had to be said: missed, false, twice, late, to whom; and its table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.table import Table

from bench.alert_year_script import CONTACTS, EXPECTED, PARK, QUIET, ZONE, Expected, Quiet

FAULTS = (
    "missed",
    "false",
    "duplicates",
    "said_twice",
    "late",
    "ends_missed",
    "ends_early",
    "ends_late",
    "ends_unheard",
    "ends_of_unsaid",
    "unheard",
    "misdirected",
    "escalations_wrong",
    "nagged",
    "woken",
)
"""What can be wrong with what was said; `docs/alert-year.md` explains each."""
_HOUR = timedelta(hours=1)
_EVENING, _MORNING = 21, 7
_A_DIGEST = timedelta(hours=24)  # who reads digests hears of the end within this


@dataclass(frozen=True)
class Said:
    """One alert in one message to one recipient.

    Attributes:
        instance: which alert: a new one of the same rule, enterprise and object is another.
        change: opened, worse, escalated, reminder or resolved; repeat: said before; open: listed.
    """

    at: datetime
    recipient: str
    rule: str
    enterprise: str
    about: str
    instance: str
    severity: str
    change: str
    in_digest: bool = False


@dataclass
class Line:
    """What became of one expected alert."""

    row: Expected
    instances: int = 0
    first_at: datetime | None = None
    ended_at: datetime | None = None
    faults: list[str] = field(default_factory=list)


@dataclass
class Score:
    """Lines of the expected, what nobody expected, and the figures."""

    lines: list[Line] = field(default_factory=list)
    false: list[Said] = field(default_factory=list)
    temptations: list[tuple[Quiet, int]] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)


def expected(start: datetime, stop: datetime) -> list[Expected]:
    """Rows of the script that begin in a part of it."""
    return [row for row in EXPECTED if start <= row.start < stop]


def people(enterprise: str, *, escalated: bool = False) -> set[str]:
    """Who has to hear of an enterprise, at once or in a digest; the boss of what is escalated."""

    def awake(key: str) -> set[str]:
        return {str(c["email"]) for c in CONTACTS[key] if not c.get("only_escalated")}

    park = {str(c["email"]) for c in CONTACTS[PARK]} if escalated else set()
    return (awake(enterprise) or awake(PARK)) | park


def morning(at: datetime, severity: str) -> datetime:
    """When something is to be said: at once, or a warning of the night in the morning."""
    local = at.astimezone(ZONE)
    if severity == "critical" or _MORNING <= local.hour < _EVENING:
        return at
    day = local.replace(hour=_MORNING, minute=0)
    return day if local.hour < _MORNING else day + timedelta(days=1)


def judge(
    said: Sequence[Said],
    start: datetime,
    stop: datetime,
    *,
    late_h: float = 1.0,
    hold_h: float = 0.0,
    escalates: bool = True,
    acknowledged: Callable[[str], datetime | None] = lambda _: None,
) -> Score:
    """Compare everything that was said with the script of `[start, stop)`.

    Args:
        late_h: later than this is late, beginning and end alike.
        hold_h: ends may be this much later, for the calm that whoever is measured waits for.
        escalates: False: whoever is measured cannot; nobody is missed for it.
        acknowledged: when an alert was acknowledged.
    """
    score = Score()
    instances: dict[str, list[Said]] = defaultdict(list)
    for s in sorted(said, key=lambda s: s.at):
        instances[s.instance].append(s)
    rows = expected(start, stop)
    matched: dict[int, list[list[Said]]] = defaultdict(list)
    for group in instances.values():
        number = _matching(group[0], rows)
        if number is None and group[0].change == "resolved" and not group[0].in_digest:
            score.figures["ends_of_unsaid"] += 1  # harmless, but nobody knows what it means
        elif number is None:
            score.false.append(group[0])
        else:
            matched[number].append(group)
        _count_repetitions(group, acknowledged(group[0].instance), score.figures)
    for number, row in enumerate(rows):
        score.lines.append(
            _line(row, matched[number], stop, (late_h, hold_h), escalates, score.figures)
        )
    for quiet in QUIET:
        if start <= quiet.start and quiet.stop <= stop:
            score.temptations.append((quiet, sum(_breaks(quiet, s) for s in score.false)))
    score.figures["woken"] = _woken(said)
    score.figures["expected"] = len(rows)
    score.figures["raised"] = len(instances) - score.figures["ends_of_unsaid"]
    score.figures["false"] = len(score.false)
    for name in FAULTS:
        score.figures[name] += 0
    return score


def _matching(first: Said, rows: Sequence[Expected]) -> int | None:
    for number, row in enumerate(rows):
        if (row.rule, row.enterprise, row.about) == (first.rule, first.enterprise, first.about):
            over = row.end + (row.hold_h + 24) * _HOUR if row.end else None
            if row.start <= first.at and (over is None or first.at <= over):
                return number
    return None


def _breaks(quiet: Quiet, said: Said) -> bool:
    if quiet.rules and said.rule not in quiet.rules:
        return False
    here = said.enterprise in quiet.enterprises or (said.enterprise == PARK and not quiet.rules)
    return here and quiet.start <= said.at < quiet.stop


def _count_repetitions(
    group: Sequence[Said], acked_at: datetime | None, figures: Counter[str]
) -> None:
    """The same thing said twice to somebody, and reminders after somebody reacted."""
    seen = Counter((s.recipient, s.change) for s in group if s.change in ("opened", "resolved"))
    figures["said_twice"] += sum(count - 1 for count in seen.values())
    if acked_at is not None:
        late = [s for s in group if s.at > acked_at and s.change in ("reminder", "escalated")]
        figures["nagged"] += len(late)


def _woken(said: Sequence[Said]) -> int:
    """Messages at night that were about warnings only."""
    worst: dict[tuple[str, datetime], bool] = defaultdict(bool)
    for s in said:
        if not s.in_digest and morning(s.at, "warning") != s.at:
            worst[(s.recipient, s.at)] |= s.severity == "critical"
    return sum(not critical for critical in worst.values())


def _line(
    row: Expected,
    groups: Sequence[Sequence[Said]],
    stop: datetime,
    slack_h: tuple[float, float],
    escalates: bool,
    figures: Counter[str],
) -> Line:
    line = Line(row, len(groups))

    def fault(name: str, count: int = 1) -> None:
        figures[name] += count
        line.faults.append(name)

    everything = sorted((s for group in groups for s in group), key=lambda s: s.at)
    if not everything:
        fault("missed")
        return line
    by_severity = Counter(group[0].severity for group in groups)
    twice = sum(max(count - row.alerts, 0) for count in by_severity.values())
    if twice:
        fault("duplicates", twice)
    line.first_at = min((s.at for s in everything if not s.in_digest), default=everything[0].at)
    if line.first_at > morning(row.start, row.severity) + slack_h[0] * _HOUR:
        fault("late")
    _end(line, everything, stop, slack_h, fault)
    heard = {s.recipient for s in everything}
    told = people(row.enterprise, escalated=row.escalates and escalates)
    if unheard := people(row.enterprise) - heard:
        fault("unheard", len(unheard))
    if too_many := heard - told:
        fault("misdirected", len(too_many))
    if escalates and any(s.change == "escalated" for s in everything) != row.escalates:
        fault("escalations_wrong")
    return line


def _end(
    line: Line,
    everything: Sequence[Said],
    stop: datetime,
    slack_h: tuple[float, float],
    fault: Callable[..., None],
) -> None:
    """The end has to be said to who heard the beginning, not before it is good."""
    row = line.row
    ends = [s for s in everything if s.change == "resolved"]
    if row.end is None:
        if ends:
            fault("ends_early")
        return
    severity = everything[-1].severity
    hold_h = max(slack_h[1], row.hold_h)
    due = morning(row.end + hold_h * _HOUR, severity) + slack_h[0] * _HOUR
    if due + _A_DIGEST >= stop:
        return
    if not any(s.at >= row.end for s in ends):
        fault("ends_missed")
        return
    if alone := {s.recipient for s in everything} - {s.recipient for s in ends}:
        fault("ends_unheard", len(alone))
    line.ended_at = next(s.at for s in ends if s.at >= row.end)
    if line.ended_at > due:
        fault("ends_late")


def busiest(messages: Iterable[tuple[str, datetime]]) -> tuple[str, int, int]:
    """The day with most messages (recipient, time), their number, and most to one recipient."""
    by_day: dict[str, Counter[str]] = defaultdict(Counter)
    for recipient, at in messages:
        by_day[at.astimezone(ZONE).date().isoformat()][recipient] += 1
    if not by_day:
        return "", 0, 0
    day = max(by_day, key=lambda d: by_day[d].total())
    return day, by_day[day].total(), max(max(c.values()) for c in by_day.values())


def table(score: Score, title: str) -> Table:
    """Expected alerts with what became of them, the false ones, the temptations."""
    out = Table(title=title, title_justify="left")
    for name in ("what", "rule", "of", "to be said", "said", "end", "end said"):
        out.add_column(name, no_wrap=name != "what")
    out.add_column("alerts", justify="right")
    out.add_column("fault", style="red")
    for line in score.lines:
        row = line.row
        of = "/".join(filter(None, (row.enterprise, row.about.split(":")[-1])))
        out.add_row(row.what, row.rule, of, _short(row.start), _short(line.first_at),
                    _short(row.end), _short(line.ended_at), str(line.instances),
                    " ".join(line.faults))  # fmt: skip
    for said in score.false:
        out.add_row("-", said.rule, "/".join((said.enterprise, said.about)), "never",
                    _short(said.at), "", "", "1", "false")  # fmt: skip
    for quiet, count in score.temptations:
        out.add_row(f"[dim]{quiet.what}[/dim]", ", ".join(quiet.rules) or "all", quiet.enterprises,
                    "never", "-" if not count else "said", "", "", str(count), "")  # fmt: skip
    return out


def _short(at: datetime | None) -> str:
    return at.astimezone(ZONE).strftime("%m-%d %H:%M") if at else "-"
