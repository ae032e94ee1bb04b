"""Random courses of a register with everything that goes wrong with one."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Buckets, Floats
from analytics.metering.registers import Installation, RegisterSpec

T0 = 1_772_323_200.0  # 2026-03-01 00:00 UTC, on a bucket boundary


def series(seed: int, n: int) -> tuple[Floats, Floats, RegisterSpec]:
    """Times, readings and facts: glitches, resets, roll-overs, standstills, gaps, records."""
    rng = np.random.default_rng(seed)
    usual_s = float(rng.choice([60, 300, 900, 900, 3600]))
    step_s = np.full(n, usual_s)
    step_s += rng.integers(-20, 20, n) * (rng.random() < 0.5)
    step_s[rng.random(n) < 0.02] *= rng.integers(2, 40)
    at_s = T0 + np.cumsum(step_s)
    coarse = float(rng.choice([0.01, 1.0, 5.0]))
    rise = np.round(rng.random(n) * rng.choice([0.3, 2, 10]) / coarse) * coarse
    for _ in range(rng.integers(0, 4)):  # standstills, some of them caught up
        a = int(rng.integers(0, n))
        b = min(a + int(rng.integers(2, 30)), n)
        total = rise[a:b].sum()
        rise[a:b] = 0
        if b < n and rng.random() < 0.6:
            rise[b] += total * rng.choice([1, 1, 5])
    modulus = float(rng.choice([0, 100, 1000]))
    raw = rng.integers(0, 900) + np.cumsum(rise)
    if modulus:
        raw %= modulus
    for _ in range(rng.integers(0, 6)):
        a = int(rng.integers(0, n))
        b = a + int(rng.choice([1, 1, 2, 3, 4, 14]))
        kind = rng.integers(0, 5)
        if kind < 2:
            raw[a:b] = 0
        elif kind == 2:
            raw[a:b] += 500
        elif kind == 3:
            raw[a:b] -= min(raw[a:b].min(), 2 * coarse)
        else:
            raw[a:] -= raw[a] * rng.random()  # an undeclared reset
    raw = np.round(np.maximum(raw, 0), 2)
    rated = float(rng.choice([0, 40])) * 3600 / usual_s
    spec = RegisterSpec(
        1.7, modulus or None, int(usual_s), rated or None, installations=_records(rng, at_s, rated)
    )
    return at_s, raw, spec


def _records(rng: np.random.Generator, at_s: Floats, rated: float) -> tuple[Installation, ...]:
    count = int(rng.choice([0, 0, 1, 3]))
    instants = sorted({float(rng.choice(at_s) + rng.choice([0, 17, 450])) for _ in range(count)})
    return tuple(
        Installation(
            at,
            bool(rng.random() < 0.6),
            float(rng.integers(0, 900)) if rng.random() < 0.5 else None,
            float(rng.integers(0, 900)) if rng.random() < 0.5 else None,
            float(rng.choice([1.7, 3.4])),
            None,
            rated or None,
        )
        for at in instants
    )


def rows(got: Buckets, low_s: float, high_s: float) -> list[tuple[float, float, int]]:
    """What is stored of the buckets of a range."""
    return [
        (s, v, m)
        for s, v, m in zip(
            got.start_s.tolist(), got.value.tolist(), got.method.tolist(), strict=True
        )
        if low_s <= s < high_s
    ]


def noted(got: Buckets, low_s: float, high_s: float) -> list[tuple[object, ...]]:
    """What is noticed and begins in a range."""
    return sorted(
        (f.code, f.start, f.stop, str(f.evidence))
        for f in got.findings
        if low_s <= f.start.timestamp() < high_s
    )
