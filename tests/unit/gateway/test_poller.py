"""When devices are asked, and what is said about those in trouble."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from gateway.history import status
from gateway.poller import Intake, Job, Poller
from gateway.queue import Queue
from tests.unit.gateway.conftest import NOON, HandClock, reading


def test_polls_fall_on_whole_multiples_of_the_period(clock: HandClock) -> None:
    clock.forward(minutes=7)
    job = Job("d", 900, list)
    assert job.take(clock.now())  # the first at once
    assert job.due == NOON + timedelta(minutes=15)
    assert not job.take(clock.forward(minutes=7))
    assert job.take(clock.forward(minutes=1))
    assert job.take(clock.forward(hours=2, minutes=1))  # what was missed is not made up
    assert job.due == NOON + timedelta(hours=2, minutes=30)


def test_a_clock_that_is_set_back_does_not_stop_a_device(clock: HandClock) -> None:
    job = Job("d", 60, list)
    assert job.take(clock.now())
    assert job.take(clock.forward(hours=-1))
    assert job.due == NOON - timedelta(minutes=59)


class Trouble:
    """A device whose answers are set by hand."""

    def __init__(self, queue: Queue, clock: HandClock) -> None:
        self.faults: list[str] = []
        self.queue = queue
        self.job = Job("d", 60, self.read)
        self.poller = Poller([self.job], queue, clock, threading.Event())

    def read(self) -> list[str]:
        if self.faults == ["defect"]:
            msg = "a defect of ours"
            raise ValueError(msg)
        return self.faults

    def poll(self, *faults: str) -> dict[str, object]:
        self.faults = list(faults)
        self.poller.poll(self.job)
        return {r["name"]: r["value"] for r in status(self.queue)}


def test_a_state_is_said_when_it_changes_and_counted_always(
    queue: Queue, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    device = Trouble(queue, clock)
    device.poll()
    device.poll("no answer")
    device.poll("no answer", "again")
    device.poll()
    told = device.poll("no answer")
    assert [r.getMessage() for r in caplog.records] == [
        "device d: no answer",
        "device d is well again",
        "device d: no answer",
    ]
    assert told["device.d.failures"] == 3
    assert told["device.d.failing_since"] == NOON


def test_the_first_good_poll_after_a_restart_ends_an_old_failure(
    queue: Queue, clock: HandClock
) -> None:
    Trouble(queue, clock).poll("no answer")
    told = Trouble(queue, clock).poll()  # a new process
    assert told["device.d.failing_since"] is None


def test_a_defect_of_ours_stops_one_device_only(queue: Queue, clock: HandClock) -> None:
    told = Trouble(queue, clock).poll("defect")
    assert told["device.d.reason"] == "internal error, see the log"


def test_the_network_thread_is_woken_after_the_commit(queue: Queue, clock: HandClock) -> None:
    seen: list[int] = []
    intake = Intake(queue, clock, lambda: seen.append(len(queue.waiting(10, live=False))))
    intake.put("d", reading())
    assert seen == [1]
