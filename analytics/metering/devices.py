"""The devices behind a channel: readings cut at replacements, and the facts that hold when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.metering.buckets import Floats, Starts
from models.installations import Installation


@dataclass(frozen=True)
class Facts:
    """What holds from which instant on: the first column before any record.

    Attributes:
        at_s: epoch seconds of the records.
        factor, modulus, rated_per_h: one value more than records; NaN: not known.
    """

    at_s: Floats
    factor: Floats
    modulus: Floats
    rated_per_h: Floats

    @classmethod
    def of(
        cls,
        first: tuple[float, float | None, float | None],
        records: Sequence[Installation],
    ) -> Facts:
        """Facts before the first record, and the records."""
        rows = [first, *((r.factor, r.modulus, r.rated_per_h) for r in records)]
        table = np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)
        return cls(np.array([r.at_s for r in records], dtype=float), *table.T)

    def before(self, t: Floats) -> Starts:
        """Number of the facts that hold until each instant."""
        return np.searchsorted(self.at_s, t, side="left").astype(np.int64)

    def since(self, t: Floats) -> Starts:
        """Number of the facts that hold from each instant on."""
        return np.searchsorted(self.at_s, t, side="right").astype(np.int64)


def split(
    at_s: Floats, raw: Floats, records: Sequence[Installation]
) -> Iterator[tuple[Floats, Floats]]:
    """Readings of each device in turn, with what the records say of its first and last moment.

    A reading at the very instant of a replacement is the new device's, unless it shows what the
    record calls the final reading of the old one.
    """
    begin: Installation | None = None
    for end in [*(r for r in records if r.replaced), None]:
        first = 0 if begin is None else int(np.searchsorted(at_s, begin.at_s, side="left"))
        stop = len(at_s) if end is None else int(np.searchsorted(at_s, end.at_s, side="left"))
        t, x = at_s[first:stop], raw[first:stop]
        if begin is not None and len(t) and t[0] == begin.at_s:
            final = begin.final_reading is not None and x[0] == begin.final_reading
            if final or begin.start_reading is not None:
                t, x = t[1:], x[1:]
        if begin is not None and begin.start_reading is not None:
            t, x = np.r_[begin.at_s, t], np.r_[begin.start_reading, x]
        if end is not None and end.final_reading is not None:
            t, x = np.r_[t, end.at_s], np.r_[x, end.final_reading]
        if len(t):
            yield t, x
        begin = end
