"""Pauses, with a chance that is not one."""

from __future__ import annotations

import random

from gateway.config import Resend
from gateway.pace import Backoff, Slices


class Always(random.Random):
    """The given part of every span."""

    def __init__(self, part: float) -> None:
        super().__init__(1)
        self.part = part

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.part


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(5, 60, Always(1))
    assert [backoff.pause_s() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    backoff.succeeded()
    assert backoff.pause_s() == 5


def test_even_without_spread_a_second_try_waits() -> None:
    backoff = Backoff(0, 60, Always(1))
    assert [backoff.pause_s() for _ in range(3)] == [0, 1, 2]


def test_a_refusal_waits_half_a_minute_once() -> None:
    backoff = Backoff(5, 60, Always(0))
    backoff.refused()
    assert [backoff.pause_s(), backoff.pause_s()] == [30, 0]


def test_many_gateways_spread() -> None:
    first = [Backoff(5, 60, random.Random(n)).pause_s() for n in range(2000)]
    assert max(sum(1 for p in first if s <= p < s + 0.5) for s in range(5)) < 300


def test_the_backlog_waits_a_random_time_then_goes_in_slices() -> None:
    slices = Slices(Resend(slice_items=8, slices_per_s=4, start_delay_max_s=60), Always(0.5))
    slices.connected(100.0)
    assert not slices.due(129.9)
    assert slices.due(130.0)
    slices.sent(130.0)
    assert not slices.due(130.24)
    assert slices.due(130.25)


def test_a_slice_shrinks_when_the_connection_breaks_under_it() -> None:
    slices = Slices(Resend(slice_items=5), Always(0))
    sizes = []
    for _ in range(4):
        slices.failed()
        sizes.append(slices.items)
    for _ in range(4):
        slices.succeeded()
        sizes.append(slices.items)
    assert sizes == [2, 1, 1, 1, 2, 4, 5, 5]
