"""Amounts along the course of one register: straight between readings, shaped in long pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics.metering.buckets import Bools, Codes, Floats
from analytics.metering.devices import Facts
from models.periods import BUCKET_S
from models.quality import FLAT, LIKE_DAYS, LINEAR

Shapes = Mapping[tuple[float, float], Floats]


@dataclass(frozen=True)
class Course:
    """Readings of one segment, and which steps between them are pauses.

    Attributes:
        t, x: epoch seconds and register, raw unit.
        wraps: roll-overs up to each reading.
        modulus: per reading, 0 without one.
        pause: per step: its shape is an estimate.
    """

    t: Floats
    x: Floats
    wraps: Floats
    modulus: Floats
    pause: Bools


@dataclass(frozen=True)
class Pieces:
    """Amounts of pieces of time, none of which crosses a bucket border; canonical unit."""

    start_s: Floats
    stop_s: Floats
    value: Floats
    method: Codes


def course_pieces(
    course: Course, facts: Facts, span: tuple[float, float], straight_s: float, shapes: Shapes
) -> Pieces | None:
    """Amounts between bucket borders, ends of the course and changes of the facts.

    The register at an edge depends on the two readings around it and the shape between them, so
    that any part of history, computed again alone, gives the same bits.
    """
    t = course.t
    low, high = max(float(t[0]), span[0]), min(float(t[-1]), span[1])
    if low >= high:
        return None
    edges = np.arange(np.ceil(low / BUCKET_S) * BUCKET_S, high + 1e-9, BUCKET_S)
    if len(edges) == 0 or edges[0] != low or edges[-1] != high or len(facts.at_s):
        inner = facts.at_s[(facts.at_s > low) & (facts.at_s < high)]
        edges = np.unique(np.concatenate([[low], edges, inner, [high]]))
    before = np.minimum(np.searchsorted(t, edges, side="right") - 1, len(t) - 1)
    after = np.minimum(before + 1, len(t) - 1)
    span_s = np.where(after > before, t[after] - t[before], 1.0)
    part = (edges - t[before]) / span_s
    method = np.zeros(len(edges), dtype=np.uint8)
    inside = (after > before) & (edges > t[before])
    inside[inside] = course.pause[before[inside]]
    if inside.any():
        _estimate(course, edges, before, inside, part, method, straight_s, shapes)
    rise = course.x[after] - course.x[before]
    rise += course.modulus[after] * (course.wraps[after] - course.wraps[before])
    register = course.x[before] + rise * part
    steps = np.diff(register) + course.modulus[before[1:]] * np.diff(course.wraps[before])
    factor = facts.factor[facts.since(edges[:-1])]
    value = np.maximum(steps, 0.0) * factor
    return Pieces(edges[:-1], edges[1:], value, np.maximum(method[:-1], method[1:]))


def _estimate(
    course: Course,
    edges: Floats,
    before: Floats,
    inside: Bools,
    part: Floats,
    method: Codes,
    straight_s: float,
    shapes: Shapes,
) -> None:
    """How the edges inside of pauses are estimated, and the shape of the shaped ones."""
    length = course.t[before[inside] + 1] - course.t[before[inside]]
    method[inside] = np.where(length <= straight_s, LINEAR, FLAT)
    if not shapes:
        return
    for step in np.unique(before[inside][length > straight_s]):
        start, stop = float(course.t[step]), float(course.t[step + 1])
        weights = shapes.get((start, stop))
        if weights is not None and weights.sum() > 0:
            mine = inside & (before == step)
            part[mine] = _shaped(edges[mine], start, stop, weights)
            method[mine] = LIKE_DAYS


def _shaped(edges: Floats, start: float, stop: float, weights: Floats) -> Floats:
    """Share of a pause's amount that flowed until each edge; weights per quarter-hour."""
    first = np.floor(start / BUCKET_S) * BUCKET_S
    borders = first + BUCKET_S * np.arange(len(weights) + 1)
    covered = np.minimum(borders[1:], stop) - np.maximum(borders[:-1], start)
    flow = np.concatenate([[0.0], np.cumsum(weights * covered)])
    if not flow[-1] > 0:
        return (edges - start) / (stop - start)
    known = np.concatenate([[start], borders[1:-1], [stop]])
    return np.asarray(np.interp(edges, known, flow / flow[-1]), dtype=np.float64)
