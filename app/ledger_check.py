"""Is the ledger what was written: chain of hashes, numbers, states, curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from models.ledger import SERIAL_WH
from models.serials import Serials, happen
from storage.claims import curve_rows, ledger_log
from storage.db import Conn
from storage.ledger import event_of, piece_of
from storage.ledger_row import chained, curve_digest


def checked(conn: Conn, park_id: int) -> tuple[list[dict[str, Any]], str]:
    """Every fault with the number of its entry, and what was looked at, in a line.

    A serial that is in force twice would be a fault of its state: it would have to be cancelled
    after it was cancelled.
    """
    log = ledger_log(conn, park_id)
    faults = [*_chain(log), *_states(log), *_curves(conn, park_id, log)]
    serials = sum(r["serial_last"] - r["serial_first"] + 1 for r in log if r["series"])
    head = log[-1]["hash"].hex()[:16] if log else "none"
    summary = (
        f"{len(log)} entries, {serials:,} serials told of, "
        f"{sum(r['event'] == 'settled' for r in log)} settlements: sound; head {head}"
    )
    return [
        {"seq": seq, "fault": fault} for seq, fault in sorted(faults, key=lambda f: f[0])
    ], summary


def _chain(log: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    previous, expected = b"", 1
    for row in log:
        if row["seq"] != expected:
            yield row["seq"], f"entry {expected} is missing before it"
        if row["previous_hash"] != previous:
            yield row["seq"], "does not follow the entry before it: its previous hash is another"
        if chained(row["previous_hash"], row) != row["hash"]:
            yield row["seq"], "was changed after it was written: its hash is that of another text"
        previous, expected = row["hash"], row["seq"] + 1


def _states(log: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Replay through the rules: what an entry says was before it must be so."""
    series: dict[str, Serials] = defaultdict(Serials)
    for row in log:
        if not row["series"]:
            continue
        serials, first, last = series[row["series"]], row["serial_first"], row["serial_last"]
        if row["energy_wh"] != (last - first + 1) * SERIAL_WH:
            yield row["seq"], f"{row['energy_wh']} Wh are not {last - first + 1} serials"
        before = list(serials.within(first, last))
        states = {piece.state if piece else None for _, _, piece in before}
        if states != {row["from_state"]}:
            was = ", ".join(str(s or "unknown") for s in states)
            yield row["seq"], f"says that its serials were {row['from_state']}, they were {was}"
        holders = {piece.holder for _, _, piece in before if piece}
        event = event_of(row)
        if event.event == "transferred" and holders:  # told of by the one who gave them
            event = replace(event, enterprise=next(iter(holders)), to_enterprise=row["enterprise"])
        entries, violations = happen(serials, event, strict_same_year=False)
        yield from ((row["seq"], str(v).removeprefix("line 0: ")) for v in violations)
        if not entries:
            serials.put(piece_of(row))


def _curves(conn: Conn, park_id: int, log: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    for row in log:
        if row["event"] == "curve":
            hours = curve_rows(conn, park_id, row["seq"])
            if curve_digest(hours) != row["curve_sha256"]:
                yield row["seq"], "hours of its curve were changed after they were written"
            if sum(wh for _, wh in hours) != row["energy_wh"]:
                yield row["seq"], "hours of its curve do not add up to it"
