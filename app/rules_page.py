"""The table of rules as a page for people: docs/rules.md is generated from it."""

from __future__ import annotations

from models.rules import RuleDefinition, rule_definitions

START, END = "<!-- rules -->\n", "<!-- /rules -->"


def rules_table() -> str:
    """Markdown: a line per rule with its defaults."""
    lines = [
        "| rule | what | unit | warning | critical | for / resolve [h] | muted by | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(rule) for rule in rule_definitions().values()]
    return "\n".join(lines) + "\n"


def _line(rule: RuleDefinition) -> str:
    sign = "<" if rule.sense == "min" else ">"
    watched = rule.unit or rule.warn is not None
    unset = "from target, plan or indicator" if watched else "any"
    cells = (
        f"`{rule.code}`" + ("" if rule.enabled else " (off)"),
        f"{rule.name.zh} / {rule.name.en}",
        rule.unit or "-",
        unset if rule.warn is None else f"{sign} {rule.warn:g}",
        "-" if rule.critical is None else f"{sign} {rule.critical:g}",
        f"{rule.for_hours:g} / {rule.resolve_hours:g}",
        ", ".join(f"`{code}`" for code in rule.inhibited_by) or "-",
        rule.source,
    )
    return f"| {' | '.join(cells)} |"


def with_rules_table(page: str) -> str:
    """The page with the table between its markers renewed."""
    before, rest = page.split(START)
    return before + START + rules_table() + END + rest.split(END, 1)[1]
