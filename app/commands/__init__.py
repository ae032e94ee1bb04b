"""Commands: parse, call, report; no logic here."""
