"""How one enterprise behaves: loads, plants, battery, water, fuels, waste (part of a scenario)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Shape = Literal["flat", "three_shifts", "two_shifts", "day_shift"]


class ScenarioModel(BaseModel):
    """A part of a scenario file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Load(ScenarioModel):
    """Electric load of an enterprise, without its pot lines and truck chargers.

    Attributes:
        mean_kw: yearly mean in a year without holidays.
        base_ratio: part of the mean that runs whether something is produced or not.
        sunday_ratio: activity on Sundays.
        noise_ratio: standard deviation of the hourly noise.
    """

    mean_kw: float = Field(gt=0)
    shape: Shape = "three_shifts"
    base_ratio: float = Field(default=0.15, ge=0, lt=1)
    sunday_ratio: float = Field(default=1.0, ge=0, le=1)
    noise_ratio: float = Field(default=0.02, ge=0, le=0.2)


class Furnaces(ScenarioModel):
    """Furnaces that work batch by batch: melting at full power, then holding the melt.

    Each has a rhythm of its own; the load's mean over a year does not change.

    Attributes:
        batch_h: mean length of a batch, charging included; single ones differ by up to 15 %.
        melt_ratio: part of it at full power.
        hold_ratio: power while holding, part of the full power.
    """

    count: int = Field(ge=1, le=200)
    batch_h: float = Field(default=4, ge=0.25, le=48)
    melt_ratio: float = Field(default=0.6, gt=0, le=1)
    hold_ratio: float = Field(default=0.25, ge=0, le=1)


class PotLines(ScenarioModel):
    """Electrolysis of aluminium: lines of cells in series that share one current.

    Attributes:
        cells: of each line.
        cell_v: mean voltage of a cell, with its bus bars, without anode effects.
        current_efficiency_ratio: metal made, part of what Faraday's law allows.
        rectifier_ratio: direct current from alternating current.
        drift_ratio: standard deviation of the voltage over weeks (bath, anodes, age of the cells);
            production does not follow it, so the specific consumption drifts.
        anode_effects_per_cell_day, anode_effect_v, anode_effect_s: how often a cell runs out of
            alumina, the voltage and the time until it is quenched.
        stops_per_line_year, stop_h: how often a line trips and how long it stands, mean and at
            most three times as long; longer outages are events of the scenario.
    """

    lines: int = Field(ge=1, le=20)
    cells: int = Field(ge=1, le=1000)
    current_ka: float = Field(gt=0, le=1000)
    cell_v: float = Field(default=3.95, ge=3, le=6)
    current_efficiency_ratio: float = Field(default=0.925, gt=0, le=1)
    rectifier_ratio: float = Field(default=0.98, gt=0, le=1)
    drift_ratio: float = Field(default=0.004, ge=0, le=0.05)
    anode_effects_per_cell_day: float = Field(default=0.05, ge=0, le=10)
    anode_effect_v: float = Field(default=30, ge=5, le=100)
    anode_effect_s: float = Field(default=120, ge=1, le=900)
    stops_per_line_year: float = Field(default=1, ge=0, le=100)
    stop_h: float = Field(default=2, gt=0, le=24)


class TruckCharging(ScenarioModel):
    """Charging of electric heavy trucks: they come through the day and wait for a free charger.

    Attributes:
        power_kw: of a charger.
        sessions_per_day: mean; fewer on Sundays and holidays, as the plant works less.
        session_kwh: mean of a charge; single ones differ, standard deviation 25 %.
    """

    chargers: int = Field(ge=1, le=500)
    power_kw: float = Field(gt=0, le=2000)
    sessions_per_day: float = Field(gt=0, le=5000)
    session_kwh: float = Field(default=280, gt=0, le=2000)


class Water(ScenarioModel):
    """Water: a part with the product, one that always runs, cooling, people, and reclaimed water.

    Attributes:
        m3_per_t: process water.
        base_m3_per_h: what always runs, at night too; leaks of a scenario come on top.
        cooling_m3_per_mwh: make-up water of the cooling towers per MWh of load, at 20 degC.
        cooling_per_k: more of it per kelvin of warmer air, part of that at 20 degC (invented; the
            evaporation coefficient of GB/T 50050 rises about as much).
        sanitary_m3_per_h: mean of people's use; by day, with peaks when shifts end.
        reclaimed_ratio: part of process and cooling water that is reclaimed, not fresh.
    """

    m3_per_t: float = Field(default=0, ge=0)
    base_m3_per_h: float = Field(default=0, ge=0)
    cooling_m3_per_mwh: float = Field(default=0, ge=0)
    cooling_per_k: float = Field(default=0.015, ge=0, le=0.1)
    sanitary_m3_per_h: float = Field(default=0, ge=0)
    reclaimed_ratio: float = Field(default=0, ge=0, le=1)


class Demand(ScenarioModel):
    """Gas [m3] or steam [t]: a part with the product, one that always runs, one for heating.

    Attributes:
        heating_per_k_h: per hour and kelvin that the air is colder than `heating_below_degc`.
    """

    per_t: float = Field(default=0, ge=0)
    base_per_h: float = Field(default=0, ge=0)
    heating_per_k_h: float = Field(default=0, ge=0)
    heating_below_degc: float = Field(default=10, ge=-30, le=30)


class Pv(ScenarioModel):
    """A photovoltaic plant."""

    kind: Literal["pv"]
    kwp: float = Field(gt=0)


class Wind(ScenarioModel):
    """Wind turbines."""

    kind: Literal["wind"]
    rated_kw: float = Field(gt=0)


Generator = Annotated[Pv | Wind, Field(discriminator="kind")]


class Battery(ScenarioModel):
    """A battery that shifts energy by the tariff: charged in the valley, discharged at the peak.

    Both windows last as long as a full charge takes at `power_kw`. It never gives more than the
    load takes, and keeps between `lowest_ratio` and `highest_ratio` of its energy.

    Attributes:
        round_trip_ratio: of charging and discharging, half of the loss in each.
        self_discharge_per_day: part of what is stored that is lost in a day.
    """

    power_kw: float = Field(gt=0)
    energy_kwh: float = Field(gt=0)
    round_trip_ratio: float = Field(default=0.88, gt=0, le=1)
    self_discharge_per_day: float = Field(default=0.001, ge=0, le=0.1)
    lowest_ratio: float = Field(default=0.1, ge=0, lt=0.5)
    highest_ratio: float = Field(default=0.95, gt=0.5, le=1)
    charge_from_h: float = Field(default=11, ge=0, lt=24)
    discharge_from_h: float = Field(default=18, ge=0, lt=24)


class EnterpriseModel(ScenarioModel):
    """How one enterprise behaves; `generators` is keyed by meter.

    Attributes:
        kwh_per_t: product follows the load's work; pot lines make theirs by themselves.
        waste_t_per_t: solid waste per tonne of product, carried away by day.
    """

    load: Load
    furnaces: Furnaces | None = None
    pot_lines: PotLines | None = None
    truck_charging: TruckCharging | None = None
    kwh_per_t: float | None = Field(default=None, gt=0)
    water: Water = Water()
    gas: Demand = Demand()
    steam: Demand = Demand()
    waste_t_per_t: float = Field(default=0, ge=0)
    generators: dict[str, Generator] = {}
    battery: Battery | None = None
    power_factor: float = Field(default=0.93, gt=0, le=1)


class SubstationModel(ScenarioModel):
    """A substation meter sees the net import of those it feeds, and the losses.

    Attributes:
        loss_ratio: load loss as part of what is fed; of `rated_kw` when that is given: then the
            loss grows with the square of the load, as in a transformer.
        no_load_kw: iron loss, day and night.
    """

    feeds: tuple[str, ...] = Field(min_length=1)
    loss_ratio: float = Field(default=0.01, ge=0, lt=0.2)
    rated_kw: float | None = Field(default=None, gt=0)
    no_load_kw: float = Field(default=0, ge=0)
