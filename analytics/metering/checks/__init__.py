"""Validation of finished local days (VEE, "V"): one small pure module per family of checks.

`days.Days` holds one channel: a row per local day, a column per quarter-hour (92, 96 or 100), and
says which rows are checked; the others are there to compare with. A check takes `Days` and the
park's `ValidationSettings` and yields findings without the channel; it never looks beyond
`LOOK_BACK_DAYS` before the first checked row, and no value reaches further than `REACH_DAYS`
ahead, so checking a part of history gives what checking all of it gives.

    spikes        highest against third highest quarter-hour of a day
    levels        day against the like days before it: high, low, zero
    stuck         stretches without change on a load that runs
    ratios        a lasting constant ratio: undeclared change of the multiplier
    completeness  quarter-hours of the day that have a value; silent stretches
    sums          quarter-hours against the raw register
    clocks        steady lag between device clock and arrival
    reactive      reactive energy without active energy
    parents       parent meter against its children

Add a check: a module here, its codes in docs/operations.md, its text in docs/validation.md, a line
in app/jobs/validation.py, a test with numbers worked out by hand.
Source: domain facts 7.2; CPUC VEE rules; Oracle MDM rule list.
"""

LOOK_BACK_DAYS = 24
"""Days before the first checked one that a check can look at."""
REACH_DAYS = 22
"""A changed day can decide checks of this many days after it, and of the day before."""
