"""All channels of a park for one year, from the flows of its enterprises."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np

from models.errors import ConfigError
from models.meters import Channel, Meter
from models.park import Enterprise, Park
from models.roles import Role
from simulators.disturbance import disturbance, wind_speed_ratio
from simulators.enterprise_model import Pv, SubstationModel, Wind
from simulators.flows import BY_QUANTITY, PARTS, QUANTITY, Flows, Part, Supply, parts_of
from simulators.physics import enterprise_flows
from simulators.scenario import Scenario
from simulators.timegrid import STEP_H, Floats, YearGrid, generator
from simulators.weather import pv_ratio, temperature_degc, wind_ratio

_GENERATION = (Role.ONSITE_PV, Role.ONSITE_WIND, Role.DIRECT_SUPPLY)
_MODELLED = (
    *_GENERATION,
    *(Role.GRID_IMPORT, Role.GRID_EXPORT, Role.STORAGE_CHARGE, Role.STORAGE_DISCHARGE),
    *(Role.WATER_INTAKE, Role.PRODUCTION, Role.SUBSTATION_IN),
)
_UNBALANCED = ("reactive_energy", "active_power", "state_of_charge")


@dataclass(frozen=True)
class Point:
    """One channel with its place."""

    enterprise: Enterprise
    meter: Meter
    key: str
    channel: Channel

    @property
    def path(self) -> str:
        """Name in scenario files: meter/channel."""
        return f"{self.meter.key}/{self.key}"


def points(park: Park) -> Iterator[Point]:
    """Every channel, in the order of park.yaml."""
    for enterprise in park.enterprises:
        for meter in enterprise.meters:
            for key, channel in meter.channels.items():
                yield Point(enterprise, meter, key, channel)


def scenario_faults(park: Park, scenario: Scenario) -> Iterator[str]:
    """What does not fit between a park and a scenario."""
    if scenario.park != park.key:
        yield f"the scenario is for park {scenario.park!r}, the park file for {park.key!r}"
    yield from _unknown("enterprise", scenario.enterprises, {e.key for e in park.enterprises})
    paths = {p.path: p for p in points(park)}
    for what in ("start_registers", "shows", "batch_sizes"):
        yield from _unknown(f"{what}: channel", getattr(scenario, what), paths)
    for path in scenario.batch_sizes:
        if path in paths and paths[path].channel.kind != "batch":
            yield f"batch_sizes: {path} is of kind {paths[path].channel.kind}, expected batch"
    for station in scenario.substations.values():
        yield from _unknown("fed enterprise", station.feeds, scenario.enterprises)
    for point in points(park):
        model = scenario.enterprises.get(point.enterprise.key)
        role = point.channel.role
        if model is None:
            yield (
                f"enterprise {point.enterprise.key!r} has meters but no model; add it under "
                "enterprises of the scenario"
            )
        elif role in _GENERATION and point.meter.key not in model.generators:
            yield f"{point.path} has role {role} but {point.meter.key!r} is no generator"
        elif role == Role.SUBSTATION_IN and point.meter.key not in scenario.substations:
            yield f"{point.path} has role {role} but {point.meter.key!r} is no substation"
        elif role in (Role.STORAGE_CHARGE, Role.STORAGE_DISCHARGE) and model.battery is None:
            yield f"{point.path} has role {role} but {point.enterprise.key!r} has no battery"
        elif role not in _MODELLED:
            yield from _part_faults(point, scenario, parts_of(model))


def _part_faults(point: Point, scenario: Scenario, present: set[Part]) -> Iterator[str]:
    """What is wrong with a channel that shows a part of its enterprise."""
    part, quantity = _part(point, scenario), point.channel.quantity
    if part is None:
        if quantity not in _UNBALANCED:
            fitting = (
                ", ".join(p for p in PARTS if p in present and QUANTITY[p] == quantity) or "nothing"
            )
            yield (
                f"{point.path} is in no balance; say under shows of the scenario what it shows "
                f"({quantity} of this enterprise: {fitting})"
            )
    elif QUANTITY[part] != quantity:
        yield f"shows: {point.path} measures {quantity}, but {part} is {QUANTITY[part]}"
    elif part not in present:
        yield f"{point.path} shows {part}, but enterprise {point.enterprise.key!r} has none"


def _part(point: Point, scenario: Scenario) -> Part | None:
    return scenario.shows.get(point.path, BY_QUANTITY.get(point.channel.quantity))


def _unknown(what: str, got: Iterable[str], known: Container[str]) -> Iterator[str]:
    return (f"{what} {key!r} is not known" for key in got if key not in known)


def park_flows(park: Park, scenario: Scenario, seed: int, grid: YearGrid) -> dict[str, Flows]:
    """What truly flows at every enterprise, mean of each step, events included."""
    sun = pv_ratio(grid, scenario.site, seed)
    calm = wind_speed_ratio(scenario.events, grid)
    return {
        e.key: _flows(e, scenario, seed, grid, sun, calm)
        for e in park.enterprises
        if e.key in scenario.enterprises
    }


def park_year(park: Park, scenario: Scenario, seed: int, grid: YearGrid) -> dict[str, Floats]:
    """Every channel by path: amount of each step, or its state at a gauge.

    Canonical units of the quantity catalogue.
    """
    flows = park_flows(park, scenario, seed, grid)
    feeds = {}
    for meter, station in scenario.substations.items():
        net = sum(
            (flows[e].import_kw - flows[e].export_kw for e in station.feeds), np.zeros(len(grid))
        )
        feeds[meter] = with_losses(station, np.maximum(net, 0.0))
    out = {}
    for point in points(park):
        series = _series(point, flows[point.enterprise.key], feeds, scenario)
        out[point.path] = series if point.channel.kind == "gauge" else series * STEP_H
    return out


def _flows(
    enterprise: Enterprise,
    scenario: Scenario,
    seed: int,
    grid: YearGrid,
    sun: Floats,
    calm: Floats | None,
) -> Flows:
    events = disturbance(scenario.events, enterprise, grid)
    model = scenario.enterprises[enterprise.key]
    own: dict[str, Floats] = {}
    direct: dict[str, Floats] = {}
    exports = False
    for meter in enterprise.meters:
        for channel in meter.channels.values():
            exports = exports or channel.role == Role.GRID_EXPORT
            if channel.role not in _GENERATION:
                continue
            plant = model.generators[meter.key]
            power = _available_kw(meter.key, scenario, plant, seed, grid, sun, calm)
            if channel.in_service_from is not None:
                start = datetime.combine(channel.in_service_from, time(), grid.zone)
                power = np.where(grid.edges_s >= start.timestamp(), power, 0.0)
            (direct if channel.role == Role.DIRECT_SUPPLY else own)[meter.key] = power
    rng = generator(seed, "enterprise", enterprise.key, grid.year)
    supply = Supply(own, direct, exports, events.allowed_ratio)
    air = temperature_degc(grid, scenario.site, seed)
    return enterprise_flows(model, grid, supply, scenario.holidays, rng, air, events)


def _available_kw(
    meter: str,
    scenario: Scenario,
    plant: Pv | Wind,
    seed: int,
    grid: YearGrid,
    sun: Floats,
    calm: Floats | None,
) -> Floats:
    if isinstance(plant, Pv):
        return plant.kwp * sun * generator(seed, "pv", meter).uniform(0.96, 1.02)
    return plant.rated_kw * wind_ratio(grid, scenario.site, seed, meter, calm)


def with_losses(station: SubstationModel, net_kw: Floats) -> Floats:
    """What a substation takes [kW]: iron loss always, load loss with the load or its square."""
    load_loss = station.loss_ratio * net_kw
    if station.rated_kw is not None:
        load_loss = load_loss * net_kw / station.rated_kw
    return net_kw + load_loss + station.no_load_kw


def _series(point: Point, flows: Flows, feeds: dict[str, Floats], scenario: Scenario) -> Floats:
    """Power [kW], flow [1/h] or state of a channel."""
    role, meter, quantity = point.channel.role, point.meter.key, point.channel.quantity
    if role in _GENERATION:
        return flows.generation_kw[meter]
    by_role = {
        Role.GRID_IMPORT: flows.import_kw,
        Role.GRID_EXPORT: flows.export_kw,
        Role.STORAGE_CHARGE: flows.charge_kw,
        Role.STORAGE_DISCHARGE: flows.discharge_kw,
        Role.WATER_INTAKE: flows.water_m3_per_h,
        Role.PRODUCTION: flows.product_t_per_h,
    }
    if role in by_role:
        return by_role[role]
    if role == Role.SUBSTATION_IN:
        return feeds[meter]
    part = _part(point, scenario)
    if part is not None:
        return flows.parts[part]
    if quantity == "active_power":
        return feeds.get(meter, flows.import_kw - flows.export_kw)
    if quantity == "reactive_energy":
        return flows.reactive_kvar
    if quantity == "state_of_charge":
        return flows.charge_level_ratio
    raise ConfigError(f"channel {point.path}", [f"{quantity} without a role is not simulated"])
