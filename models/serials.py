"""What may happen to a certificate: states of ranges of serials, and the rules they obey.

Source: 绿证管理实施细则, 发改能源〔2026〕622号 (domain facts 1.2 and 8, row 13): no serial counts
twice, year of generation = year of the claim, certificates of own generation are not tradable; the
claim year of a late cancellation is convention 11.7.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.ledger import SERIAL_WH, Basis, SerialEvent, SerialEventName, State, Violation

AFTER: dict[SerialEventName, State] = {
    "issued": "held",
    "received": "held",
    "transferred": "held",
    "reserved": "reserved",
    "released": "held",
    "cancelled": "cancelled",
    "expired": "expired",
    "withdrawn": "withdrawn",
}
BEFORE: dict[SerialEventName, tuple[State | None, ...]] = {
    "issued": (None,),
    "received": (None,),
    "transferred": ("held",),
    "reserved": ("held",),
    "released": ("reserved",),
    "cancelled": (None, "held", "reserved"),
    "expired": ("held", "reserved"),
    "withdrawn": ("held", "reserved", "cancelled"),
}
"""States from which an event is possible; None: nothing is known of the serials."""


@dataclass(frozen=True)
class Piece:
    """Serials `[first, last]` that are in one state; `last_event`, `on`: what made it so."""

    first: int
    last: int
    state: State
    holder: str
    month: date
    basis: Basis
    last_event: SerialEventName
    on: date


@dataclass(frozen=True)
class Entry:
    """What goes into the log: an event over serials that all were in one state before."""

    event: SerialEvent
    first: int
    last: int
    basis: Basis
    before: Piece | None

    @property
    def holder(self) -> str:
        """Who has the serials afterwards."""
        return self.event.to_enterprise or self.event.enterprise


class Serials:
    """Present state of the serials of one series, as pieces in order that never overlap."""

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self._pieces = sorted(pieces, key=lambda p: p.first)

    @property
    def pieces(self) -> Sequence[Piece]:
        """All pieces, ascending."""
        return tuple(self._pieces)

    def within(self, first: int, last: int) -> Iterator[tuple[int, int, Piece | None]]:
        """`[first, last]` cut where the state changes; None where nothing is known."""
        at = first
        for piece in self._overlapping(first, last):
            if piece.first > at:
                yield at, piece.first - 1, None
            low, high = max(piece.first, at), min(piece.last, last)
            yield low, high, piece
            at = high + 1
        if at <= last:
            yield at, last, None

    def put(self, piece: Piece) -> None:
        """Overwrite what is known of the serials of a piece."""
        old = self._overlapping(piece.first, piece.last)
        start = bisect_right([p.last for p in self._pieces], piece.first - 1)
        kept = [replace(p, last=piece.first - 1) for p in old[:1] if p.first < piece.first]
        rest = [replace(p, first=piece.last + 1) for p in old[-1:] if p.last > piece.last]
        self._pieces[start : start + len(old)] = [*kept, piece, *rest]

    def _overlapping(self, first: int, last: int) -> list[Piece]:
        start = bisect_right([p.last for p in self._pieces], first - 1)
        out = []
        for piece in self._pieces[start:]:
            if piece.first > last:
                break
            out.append(piece)
        return out


def happen(
    serials: Serials, event: SerialEvent, *, strict_same_year: bool
) -> tuple[list[Entry], list[Violation]]:
    """Entries that an event makes, and the rules that it breaks; `serials` goes on.

    An event over serials in several states becomes an entry for each piece. What happened in just
    this way before makes no entry. A piece that breaks a rule is left as it is.
    """
    entries: list[Entry] = []
    faults = list(_whole(event, strict_same_year=strict_same_year))
    if faults:
        return entries, faults
    for first, last, piece in list(serials.within(event.first, event.last)):
        if piece is not None and _same(piece, event):
            continue
        fault = _piece_fault(event, piece)
        if fault:
            faults.append(Violation(fault[0], event, first, last, fault[1]))
            continue
        entry = Entry(
            event, first, last, piece.basis if piece else event.basis or "standalone", piece
        )
        entries.append(entry)
        serials.put(after(entry))
    return entries, faults


def after(entry: Entry) -> Piece:
    """The serials of an entry once it happened."""
    event = entry.event
    return Piece(
        entry.first,
        entry.last,
        AFTER[event.event],
        entry.holder,
        event.month,
        entry.basis,
        event.event,
        event.on,
    )


def _same(piece: Piece, event: SerialEvent) -> bool:
    told = (event.event, event.to_enterprise or event.enterprise, event.month, event.on)
    return (piece.last_event, piece.holder, piece.month, piece.on) == told


def _whole(event: SerialEvent, *, strict_same_year: bool) -> Iterator[Violation]:
    """Rules that do not depend on the state."""
    year = event.month.year

    def broken(code: str, reason: str) -> Violation:
        return Violation(code, event, event.first, event.last, reason)

    if event.claim_year is not None and event.claim_year != year:
        yield broken(
            "ledger.year",
            f"are claimed for {event.claim_year}, generated in {event.month:%Y-%m}; a certificate "
            "counts for the year in which the power was generated",
        )
    if strict_same_year and event.event == "cancelled" and event.on.year != year:
        yield broken(
            "ledger.year",
            f"were cancelled on {event.on}, generated in {event.month:%Y-%m}; this park counts "
            "only what is cancelled in the year of generation (ledger.strict_same_year)",
        )
    if (event.event == "transferred") != (event.to_enterprise is not None):
        yield broken("ledger.state", "expected `to` for a transfer, and for a transfer only")


def _piece_fault(event: SerialEvent, piece: Piece | None) -> tuple[str, str] | None:
    """Code and reason if the event cannot happen to the piece."""
    state = piece.state if piece else None
    if piece is not None:
        told = (
            f"{piece.first}-{piece.last}, {piece.state} by {piece.holder} for {piece.month:%Y-%m}"
        )
        if piece.state == "cancelled" and event.event != "withdrawn":
            return (
                "ledger.double_count",
                f"overlap {told.replace('cancelled by', 'claimed by')}; a certificate counts once",
            )
        if piece.holder != event.enterprise and event.event != "withdrawn":
            code = "ledger.not_tradable" if piece.basis == "self_use" else "ledger.double_count"
            return code, f"belong to {piece.holder} ({told}); only the holder can use them"
        if piece.month != event.month:
            return "ledger.year", f"were generated in {piece.month:%Y-%m}, got {event.month:%Y-%m}"
    basis = piece.basis if piece else event.basis
    if basis == "self_use" and event.event in ("transferred", "received"):
        return (
            "ledger.not_tradable",
            "belong to self-used generation, which is not tradable: it counts as physical",
        )
    if state not in BEFORE[event.event]:
        wanted = ", ".join(s or "unknown" for s in BEFORE[event.event])
        return (
            "ledger.state",
            f"are {state or 'unknown'}, so they cannot be {event.event}; expected: {wanted}",
        )
    return None


def settlements(basis_wh: Sequence[tuple[date, int]]) -> dict[date, int]:
    """Settled whole MWh of each month [Wh]: the remainder rolls into the next month of the year.

    Args:
        basis_wh: month, least of contracted, generated and used energy of it [Wh].

    Source: three-way minimum 三者取小, domain facts 1.2 (confidence M); that the remainder ends
    with the year is ours: a claim belongs to its year.
    """
    out: dict[date, int] = {}
    total: dict[int, int] = {}
    for month, energy_wh in sorted(basis_wh):
        before = total.get(month.year, 0)
        total[month.year] = before + energy_wh
        out[month] = (total[month.year] // SERIAL_WH - before // SERIAL_WH) * SERIAL_WH
    return out
