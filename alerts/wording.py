"""The sentences of each rule, as English gettext messages; translations are in locale/.

A rule that is not listed is described in general terms with its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alerts.language import N_


@dataclass(frozen=True)
class RuleWording:
    """Texts of one rule; placeholders: subject, rule, value, target.

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
                N_(
                    "Look for base load: furnaces held hot, compressed air, pumps and fans that "
                    "run while nothing is produced."
                ),
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

_OTHER = RuleWording(
    indicator=N_("Value"),
    target=N_("Target"),
    opened=N_("%(rule)s: %(value)s, target %(target)s"),
    resolved=N_("back to normal, %(rule)s: %(value)s, target %(target)s"),
    opened_lead=N_("%(subject)s: the rule %(rule)s found %(value)s, the target is %(target)s."),
    resolved_lead=N_(
        "%(subject)s: the rule %(rule)s is satisfied again with %(value)s, the target is "
        "%(target)s."
    ),
    advice=(_CHECK_DATA,),
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

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "contact": N_(
            "You receive this mail because you are a contact of %(subject)s. To change this, write"
            " to the energy management of %(park)s."
        ),
        "park_contact": N_("You receive this mail because you are a contact of %(park)s."),
        "no_contact": N_(
            "No contact is configured for %(subject)s, so this mail goes to the contacts of "
            "%(park)s. Please pass it on and add a contact to the configuration."
        ),
    }
)


def wording(rule: str) -> RuleWording:
    """The texts of a rule."""
    return _RULES.get(rule, _OTHER)
