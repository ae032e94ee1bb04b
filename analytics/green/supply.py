"""Where the energy of a quarter-hour goes: own sources and the grid over load, charging, export.

The order is a convention where the rules leave room (domain facts 11.1 and 11.2):

1. Grid import serves load and charging; it is exported only if nothing else can explain an export.
2. Own supply is used in the order on-site, direct line, storage discharge.
3. It serves the load first, then charging, then export; charging and export change places by a
   setting of the park.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
UseOrder = Literal["load_charge_export", "load_export_charge"]

SOURCES = ("onsite", "direct", "storage", "grid")
USES = ("load", "charge", "export")
FLOWS = tuple(f"{source}_to_{use}_kwh" for source in SOURCES for use in USES)


@dataclass(frozen=True)
class Metered:
    """What the meters of one enterprise say of each quarter-hour [kWh]; equal lengths, no gaps.

    What an enterprise has not got is zero. Values are what the meters measured, so a coarse
    register may make the load come out slightly negative.
    """

    onsite: Floats
    direct: Floats
    discharge: Floats
    imported: Floats
    charge: Floats
    exported: Floats

    @property
    def load(self) -> Floats:
        """End use: on-site + direct + discharge + import - charge - export (11.1)."""
        return (
            self.onsite + self.direct + self.discharge + self.imported - self.charge - self.exported
        )


def attribute(metered: Metered, order: UseOrder = "load_charge_export") -> dict[str, Floats]:
    """Split every source over its uses.

    Returns:
        `FLOWS`, `load_kwh` (never negative) and `unbalanced_kwh`: what charging and export took
        beyond all supply, because meters disagree; it has no source and is green nowhere. In
        every interval each source equals the sum of its flows, and each use the sum of its flows
        plus, for charging and export, its part of `unbalanced_kwh`.

    Source: domain facts 11.1 and 11.2; the order of charging and export is a setting.
    """
    balance = metered.load
    load, missing = np.maximum(balance, 0.0), np.maximum(-balance, 0.0)
    kept_import = np.minimum(metered.imported, load + metered.charge)
    own = metered.onsite + metered.direct + metered.discharge
    # what own sources have to give to load and charging; a shortfall has no source
    inside = np.minimum(own, load + metered.charge - kept_import)
    to_load = np.minimum(load, inside)
    to = {"load": to_load, "charge": inside - to_load, "export": own - inside}
    flows = _stacked(
        {"onsite": metered.onsite, "direct": metered.direct, "storage": metered.discharge},
        to,
        order.split("_"),
    )
    flows["grid_to_load_kwh"] = np.minimum(load - to["load"], kept_import)
    flows["grid_to_charge_kwh"] = kept_import - flows["grid_to_load_kwh"]
    flows["grid_to_export_kwh"] = metered.imported - kept_import
    return flows | {"load_kwh": load, "unbalanced_kwh": missing}


def _stacked(
    sources: Mapping[str, Floats], uses: Mapping[str, Floats], order: list[str]
) -> dict[str, Floats]:
    """Sources in their order laid along uses in theirs: the overlap is the flow."""
    flows: dict[str, Floats] = {}
    left = {use: uses[use] for use in order}
    for source, amount in sources.items():
        rest = amount
        for use in order:
            # the last source and the last use take what is left: nothing is lost to rounding
            taken = np.minimum(rest, left[use])
            flows[f"{source}_to_{use}_kwh"] = taken
            rest, left[use] = rest - taken, left[use] - taken
        flows[f"{source}_to_{order[-1]}_kwh"] = flows[f"{source}_to_{order[-1]}_kwh"] + rest
    return flows
