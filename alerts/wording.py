"""The sentences of each rule, as English gettext messages; translations are in locale/.

A rule that is not listed is described in general terms with its name from the table of rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from alerts.language import N_
from models.rules import rule_definitions


@dataclass(frozen=True)
class RuleWording:
    """Texts of one rule; placeholders: subject, name, object, value, target.

    Attributes:
        opened, resolved: end of the mail's subject line.
        opened_lead, resolved_lead: first sentence of the mail.
        advice: suggested next steps, the first one first.
    """

    indicator: str
    target: str
    opened: str
    resolved: str
    opened_lead: str
    resolved_lead: str
    advice: tuple[str, ...]


_CHECK_DATA = N_(
    "Check the data first: open the dashboard and look for missing or estimated meter readings in "
    "this period."
)
_MOVE_LOAD = N_(
    "Move flexible load (batch furnaces, charging, compressed air) to hours with high wind and "
    "solar output."
)
_IDLE = N_(
    "Look for base load: furnaces held hot, compressed air, pumps and fans that run while nothing "
    "is produced."
)

GREEN_ADVICE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "S1": (
            _CHECK_DATA,
            _MOVE_LOAD,
            N_(
                "Ask the park's energy management about more directly connected green power or on-"
                "site solar; green trades and certificates do not count for the physical share."
            ),
        ),
        "S3": (
            _CHECK_DATA,
            _MOVE_LOAD,
            N_(
                "Close the rest of the gap with additional green-power trades for the coming "
                "months, or buy and cancel green certificates generated this year."
            ),
        ),
    }
)

GREEN_DEFINITION: Mapping[str, str] = MappingProxyType(
    {
        "S1": N_(
            "S1: physical green power (on-site and directly connected) / total electricity use, "
            "calendar year to date"
        ),
        "S3": N_(
            "S3: (physical green power + green-power trades + cancelled certificates) / total "
            "electricity use, calendar year to date"
        ),
    }
)

_RULES: Mapping[str, RuleWording] = MappingProxyType(
    {
        "green_share_ytd": RuleWording(
            indicator=N_("Green share, year to date"),
            target=N_("Path value"),
            opened=N_("green share %(value)s, below the path %(target)s"),
            resolved=N_("back on course, green share %(value)s (path %(target)s)"),
            opened_lead=N_(
                "The green share of %(subject)s this year is %(value)s. On the path to the year-"
                "end goal it should be %(target)s by now."
            ),
            resolved_lead=N_(
                "The green share of %(subject)s is back on course for the year-end goal: %(value)s"
                " this year, path %(target)s."
            ),
            advice=GREEN_ADVICE["S3"],
        ),
        "energy_saving": RuleWording(
            indicator=N_("Electricity use per tonne of product"),
            target=N_("Target"),
            opened=N_("electricity use per tonne %(value)s, above the target %(target)s"),
            resolved=N_("back in range, electricity use per tonne %(value)s (target %(target)s)"),
            opened_lead=N_(
                "The electricity use of %(subject)s per tonne of product is %(value)s, above the "
                "target of %(target)s."
            ),
            resolved_lead=N_(
                "The electricity use of %(subject)s per tonne of product is back in range: "
                "%(value)s, target %(target)s."
            ),
            advice=(
                N_(
                    "Check the data first: are all electricity readings and the production figures"
                    " of this period complete?"
                ),
                _IDLE,
                N_(
                    "Compare shifts and production lines with their best week, and check the "
                    "progress of the planned energy-saving retrofit."
                ),
            ),
        ),
        "water_saving": RuleWording(
            indicator=N_("Water intake per tonne of product"),
            target=N_("Target"),
            opened=N_("water intake per tonne %(value)s, above the target %(target)s"),
            resolved=N_("back in range, water intake per tonne %(value)s (target %(target)s)"),
            opened_lead=N_(
                "The water intake of %(subject)s per tonne of product is %(value)s, above the "
                "target of %(target)s."
            ),
            resolved_lead=N_(
                "The water intake of %(subject)s per tonne of product is back in range: %(value)s,"
                " target %(target)s."
            ),
            advice=(
                N_(
                    "Check the data first: are all water readings and the production figures of "
                    "this period complete?"
                ),
                N_(
                    "Look at the flow between 02:00 and 04:00: a constant night flow points to a "
                    "leak."
                ),
                N_(
                    "Check blow-down and make-up of the cooling circuits, and whether reclaimed "
                    "water can replace fresh water."
                ),
            ),
        ),
    }
)

_ABOVE = RuleWording(
    indicator="",
    target=N_("Limit"),
    opened=N_("%(name)s %(value)s, above the limit %(target)s"),
    resolved=N_("back to normal, %(name)s %(value)s (limit %(target)s)"),
    opened_lead=N_("%(subject)s: %(name)s is %(value)s, above the limit of %(target)s."),
    resolved_lead=N_("%(subject)s: %(name)s is back to normal: %(value)s, limit %(target)s."),
    advice=(_CHECK_DATA,),
)
_BELOW = replace(
    _ABOVE,
    opened=N_("%(name)s %(value)s, below the limit %(target)s"),
    opened_lead=N_("%(subject)s: %(name)s is %(value)s, below the limit of %(target)s."),
)
_FOUND = RuleWording(
    indicator="",
    target="",
    opened=N_("%(name)s: %(object)s"),
    resolved=N_("back to normal: %(name)s, %(object)s"),
    opened_lead=N_("%(subject)s: %(name)s (%(object)s). Details are below."),
    resolved_lead=N_("%(subject)s: %(name)s (%(object)s) no longer stands."),
    advice=(
        N_(
            "See the details with: greenpark findings, greenpark alerts show. What each code means"
            " is in docs/operations.md."
        ),
    ),
)
_SILENT = RuleWording(
    indicator=N_("Silent for"),
    target=N_("Limit"),
    opened=N_("no data from %(object)s for %(value)s"),
    resolved=N_("data from %(object)s again"),
    opened_lead=N_(
        "%(subject)s: no reading of %(object)s has arrived for %(value)s. What depends on it "
        "cannot be told until it speaks again; registers lose nothing, the gap is filled "
        "afterwards."
    ),
    resolved_lead=N_("%(subject)s: readings of %(object)s arrive again."),
    advice=(
        N_("Check the power supply and the network of the meter and its gateway."),
        N_("If it is being exchanged, record it: greenpark meter replace."),
    ),
)
_LOST = replace(
    _SILENT,
    indicator=N_("Silent part of the meters"),
    opened=N_("%(value)s of the meters are silent: broker or network?"),
    resolved=N_("the meters speak again"),
    opened_lead=N_(
        "%(subject)s: %(value)s of the meters have fallen silent together. That points to the "
        "broker, the network or the collector, not to the meters; single alerts are held back."
    ),
    resolved_lead=N_("%(subject)s: the meters speak again."),
    advice=(
        N_("Check broker, network and collector: greenpark doctor names what is out of reach."),
    ),
)
_SPECIAL: Mapping[str, RuleWording] = MappingProxyType(
    {
        "channel_test": replace(
            _FOUND,
            opened=N_("test of a channel"),
            opened_lead=N_("This is a test of the channel. Nothing is wrong: please do nothing."),
            advice=(),
        ),
        "idle_load": replace(_ABOVE, advice=(_CHECK_DATA, _IDLE)),
        "curtailment_while_importing": replace(
            _ABOVE,
            target=N_("Size that is told"),
            advice=(
                _CHECK_DATA,
                _MOVE_LOAD,
                N_(
                    "Ask the operator of the plant why it was limited in these hours, and let the "
                    "storages charge then."
                ),
            ),
        ),
        "co2_budget_year": replace(
            _ABOVE,
            target=N_("Budget so far"),
            opened=N_("%(name)s: %(value)s, budget so far %(target)s"),
            opened_lead=N_(
                "%(subject)s: %(name)s: the finished months of this year have emitted %(value)s, "
                "their budget is %(target)s."
            ),
            resolved=N_("%(name)s: back within the budget, %(value)s of %(target)s"),
            resolved_lead=N_(
                "%(subject)s: %(name)s: emissions are back within the budget: %(value)s, budget so "
                "far %(target)s."
            ),
            advice=(
                _CHECK_DATA,
                N_(
                    "See which months and sources exceed their plan: greenpark indicators, "
                    "electricity drawn from the grid and fuels first."
                ),
                N_(
                    "Take up measures of the plan earlier, or ask the park whether the budget can "
                    "be shared differently."
                ),
            ),
        ),
        "restatement_large": replace(
            _ABOVE,
            indicator=N_("Changed part"),
            opened=N_("%(name)s: %(object)s by %(value)s"),
            opened_lead=N_(
                "%(subject)s: %(name)s: the energy of %(object)s on days that were over has changed"
                " by %(value)s. What was reported for these days no longer holds."
            ),
            resolved=N_("%(name)s: %(object)s is unchanged for a week"),
            resolved_lead=N_(
                "%(subject)s: %(name)s: the past energy of %(object)s has not changed much in the "
                "last seven days."
            ),
            advice=(
                N_("See what changed and why: greenpark restatements --meter."),
                N_(
                    "If figures of these days were passed on, send the new ones; greenpark "
                    "intervals --as-of shows what was known at a time."
                ),
            ),
        ),
        "collector_silent": replace(
            _SILENT,
            opened=N_("the collector is silent for %(value)s"),
            opened_lead=N_(
                "%(subject)s: a collector has given no sign of life for %(value)s. No reading is "
                "stored meanwhile; the broker keeps the messages. Single alerts about silent meters"
                " are held back."
            ),
            resolved=N_("the collector works again"),
            resolved_lead=N_("%(subject)s: all collectors work again."),
            advice=(
                N_("Start it again: greenpark collect. Its log and greenpark doctor say more."),
                N_("If it is meant to be gone, end it with: greenpark collect --retire."),
            ),
        ),
        "meter_silent": _SILENT,
        "enterprise_silent": replace(
            _SILENT,
            opened=N_("no data at all for %(value)s"),
            resolved=N_("data arrives again"),
        ),
        "park_silent": _LOST,
    }
)

SEVERITIES: Mapping[str, str] = MappingProxyType(
    {"info": N_("Information"), "warning": N_("Warning"), "critical": N_("Critical")}
)

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "provisional": N_(
            "Provisional: changes when late readings, trade settlements or certificates arrive"
        ),
        "final": N_("Final"),
    }
)

BADGES: Mapping[str, str] = MappingProxyType(
    {
        "resolved": N_("Resolved"),
        "reminder": N_("Reminder"),
        "escalated": N_("Not acknowledged"),
        "digest": N_("Digest"),
        "summary": N_("Summary"),
    }
)

PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "worse": N_("now worse: %(headline)s"),
        "reminder": N_("reminder: %(headline)s"),
        "escalated": N_("not acknowledged: %(headline)s"),
    }
)

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "contact": N_(
            "You receive this mail because you are a contact of %(subject)s. To change this, write"
            " to the energy management of %(park)s."
        ),
        "park_contact": N_("You receive this mail because you are a contact of %(park)s."),
        "escalated": N_(
            "You receive this mail because nobody at %(subject)s has acknowledged the alert in "
            "time."
        ),
        "no_contact": N_(
            "No contact is configured for %(subject)s, so this mail goes to the contacts of "
            "%(park)s. Please pass it on and add a contact to the configuration."
        ),
    }
)


def wording(rule: str, *, has_value: bool = True) -> RuleWording:
    """The texts of a rule; one without its own is described by its name, value and limit."""
    if own := _RULES.get(rule) or _SPECIAL.get(rule):
        return own
    if not has_value:
        return _FOUND
    definition = rule_definitions().get(rule)
    return _BELOW if definition is not None and definition.sense == "min" else _ABOVE
