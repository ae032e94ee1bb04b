"""What the simulator has to know of a park beyond park.yaml: the scenario file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from models.errors import ConfigError
from simulators.enterprise_model import EnterpriseModel, ScenarioModel, SubstationModel
from simulators.events import Event
from simulators.flows import Part
from simulators.meter_models import MeterModels
from simulators.scenario_document import read_scenario_document


class Site(ScenarioModel):
    """Where sun and wind are computed.

    Attributes:
        roof_tilt_deg: tilt of the modules, towards the equator.
        dc_ac_ratio: module rating over inverter rating; above 1 the inverter clips at noon.
        temperature_mean_degc: yearly mean of the air; warmest and coldest month lie
            `temperature_season_k` above and below it.
        wind_scale_m_s: Weibull scale of the wind at hub height, over a usual year.
        turbine: a type of windpowerlib's turbine library.
        weather_file: measured weather (see `weather_file.py`) instead of a synthetic year.
        weather_wind_height_m: height at which the wind of `weather_file` was measured.
    """

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude_m: float = Field(default=0, ge=-400, le=6000)
    roof_tilt_deg: float = Field(default=30, ge=0, le=90)
    dc_ac_ratio: float = Field(default=1.1, ge=0.8, le=2)
    temperature_mean_degc: float = Field(default=7.0, ge=-30, le=40)
    temperature_season_k: float = Field(default=17.5, ge=0, le=40)
    wind_scale_m_s: float = Field(default=7.6, gt=0, le=20)
    hub_height_m: float = Field(default=100, ge=10, le=250)
    turbine: str = "V126/3450"
    weather_file: Path | None = None
    weather_wind_height_m: float = Field(default=10, ge=1, le=250)


class Holiday(ScenarioModel):
    """Days of reduced work; `last` is included."""

    first: date
    last: date
    activity_ratio: float = Field(ge=0, le=1)


class Scenario(ScenarioModel):
    """A whole scenario file.

    Attributes:
        first_year: registers begin on 1 January of it.
        substations: keyed by meter.
        start_registers: raw reading on 1 January of `first_year`, keyed `meter/channel`; the
            others are drawn from the seed.
        shows: what a channel without a role shows, keyed `meter/channel`, where its quantity does
            not tell.
        batch_sizes: mean amount of an event of a batch channel, canonical unit, keyed
            `meter/channel`; the others 20.
        meters: how far meters are from ideal: class, clock, jitter, replacements, mistakes.
        formats: how the meters of an enterprise that have no source send: each for itself
            (native), or all together by a gateway (list).
        events: what happens to flows, meters and messages; see docs/simulator.md.
    """

    park: str
    first_year: int = Field(ge=2000, le=2100)
    site: Site
    holidays: tuple[Holiday, ...] = ()
    enterprises: dict[str, EnterpriseModel] = Field(min_length=1)
    substations: dict[str, SubstationModel] = Field(default_factory=dict)
    start_registers: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    shows: dict[str, Part] = Field(default_factory=dict)
    batch_sizes: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    meters: MeterModels = MeterModels()
    formats: dict[str, Literal["native", "list"]] = Field(default_factory=dict)
    events: tuple[Event, ...] = ()


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ConfigError: with every fault and the place of each.
    """
    try:
        return Scenario.model_validate(read_scenario_document(path))
    except ValidationError as exc:
        raise ConfigError(
            str(path),
            [f"{'.'.join(map(str, e['loc'])) or 'scenario'}: {e['msg']}" for e in exc.errors()],
        ) from exc
