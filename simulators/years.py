"""The truth of a park, year by year: totals and states of every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.errors import ConfigError
from models.park import Park
from simulators.flows import Flows
from simulators.plant import park_flows, park_year, points
from simulators.scenario import Scenario
from simulators.timegrid import STEP_H, STEP_S, Floats, Ints, YearGrid, generator

_BATCH_SIZE = 20.0  # canonical unit, where the scenario says nothing
_BATCH_UNEVEN = 0.15  # single ones differ from the mean by up to this part


@dataclass(frozen=True)
class _Year:
    """A register at every edge of a year, counted from 1 January of the first year."""

    grid: YearGrid
    total: Mapping[str, Floats]
    amounts: Mapping[str, Floats]
    states: Mapping[str, Floats]


class Years:
    """Truth of any instant; a year is made as a whole when it is first asked for."""

    def __init__(self, park: Park, scenario: Scenario, seed: int) -> None:
        self._park, self._scenario, self._seed = park, scenario, seed
        self._years: dict[int, _Year] = {}

    @property
    def start_s(self) -> int:
        """Epoch second at which registers begin to count."""
        return YearGrid(self._scenario.first_year, self._park.zone).start_s

    def stop_s(self, at_s: int) -> int:
        """Epoch second at which the local year of an instant ends."""
        return self._year(self._number(at_s)).grid.stop_s

    def total(self, path: str, at_s: Floats) -> Floats:
        """Amount since 1 January of the first year [canonical] at instants in order."""
        out = np.zeros(len(at_s))
        for year, part in self._parts(at_s):
            position = (at_s[part] - year.grid.start_s) / STEP_S
            series = year.total[path]
            out[part] = np.interp(position, np.arange(len(series)), series)
        return out

    def state(self, path: str, at_s: Floats) -> Floats:
        """State of a gauge, or flow per hour of a rate, at instants in order."""
        out = np.zeros(len(at_s))
        for year, part in self._parts(at_s):
            position = ((at_s[part] - year.grid.start_s) // STEP_S).astype(np.int64)
            last = len(year.grid) - 1
            if path in year.states:
                out[part] = year.states[path][np.clip(position, 0, last)]
            else:
                out[part] = year.amounts[path][np.clip(position, 0, last)] / STEP_H
        return out

    def batches(self, path: str, low_s: int, high_s: int) -> tuple[Ints, Floats]:
        """Events of a batch channel in `[low_s, high_s)`: epoch seconds, amounts [canonical].

        A batch leaves when enough has come together; its size follows from seed and number.
        """
        found: list[tuple[Ints, Floats]] = []
        for year in self._span(low_s, high_s):
            total, grid = year.total[path], year.grid
            limits = self._limits(path, float(total[-1]))
            first, last = np.searchsorted(limits, (total[0], total[-1]), side="right").tolist()
            edges_s = np.append(grid.edges_s, grid.stop_s)
            at_s = np.ceil(np.interp(limits[first:last], total, edges_s)).astype(np.int64)
            inside = (at_s >= low_s) & (at_s < high_s)
            amounts = np.diff(limits, prepend=0.0)[first:last]
            found.append((at_s[inside], amounts[inside]))
        at, sizes = zip(*found, strict=True) if found else ([], [])
        return np.concatenate([np.empty(0, np.int64), *at]), np.concatenate([np.empty(0), *sizes])

    def flows(self, year: int, instead: Scenario | None = None) -> dict[str, Flows]:
        """What truly flows at every enterprise, mean of each step of a local year.

        Args:
            instead: of the scenario, e.g. the same without one of its events.
        """
        grid = YearGrid(year, self._park.zone)
        return park_flows(self._park, instead or self._scenario, self._seed, grid)

    def _limits(self, path: str, most: float) -> Floats:
        """Totals at which a batch leaves, beyond `most`; more of them never change the first."""
        mean = self._scenario.batch_sizes.get(path, _BATCH_SIZE)
        count = int(most / mean / (1 - _BATCH_UNEVEN)) + 2
        drawn = generator(self._seed, "batch", path).uniform(-_BATCH_UNEVEN, _BATCH_UNEVEN, count)
        return np.cumsum(mean * (1 + drawn))

    def _span(self, low_s: int, high_s: int) -> list[_Year]:
        """The years that a range touches."""
        first = max(self._number(low_s), self._scenario.first_year)
        return [self._year(y) for y in range(first, self._number(high_s - 1) + 1)]

    def _number(self, at_s: float) -> int:
        return datetime.fromtimestamp(at_s, self._park.zone).year

    def _parts(self, at_s: Floats) -> list[tuple[_Year, slice]]:
        """The years that instants in order are in; what is before the first counts as its start."""
        if not len(at_s):
            return []
        first, last = self._number(at_s[0]), self._number(at_s[-1])
        first, last = (max(y, self._scenario.first_year) for y in (first, last))
        if first == last:
            return [(self._year(first), slice(0, len(at_s)))]
        years = [self._year(y) for y in range(first, last + 1)]
        cuts = [0, *np.searchsorted(at_s, [y.grid.start_s for y in years[1:]]), len(at_s)]
        return [(y, slice(a, b)) for y, a, b in zip(years, cuts, cuts[1:], strict=False)]

    def _year(self, year: int) -> _Year:
        first = self._scenario.first_year
        if year < first:
            raise ConfigError(
                "simulation",
                [f"the scenario begins in {first}, got {year}; set first_year in the scenario"],
            )
        if year not in self._years:
            before = self._year(year - 1) if year > first else None
            self._years[year] = self._make(YearGrid(year, self._park.zone), before)
        return self._years[year]

    def _make(self, grid: YearGrid, before: _Year | None) -> _Year:
        made = park_year(self._park, self._scenario, self._seed, grid)
        gauges = {p.path for p in points(self._park) if p.channel.kind == "gauge"}
        amounts = {path: series for path, series in made.items() if path not in gauges}
        total = {}
        for path, series in amounts.items():
            carried = before.total[path][-1] if before else 0.0
            total[path] = carried + np.concatenate([[0.0], np.cumsum(series)])
        return _Year(grid, total, amounts, {path: made[path] for path in gauges})
