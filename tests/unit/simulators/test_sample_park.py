"""The sample park: valid, as the report says, and its claims fit its simulated volumes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from models.claims import CertificateRow, read_certificates, read_trades
from models.roles import Role
from tests.unit.simulators.sample import DONGHE, amount, grid, park

OCTOBER_ENDS = date(2026, 11, 1)
MONTHS = [date(2026, m, 1) for m in range(1, 11)]
GREEN = (Role.DIRECT_SUPPLY, Role.ONSITE_PV, Role.ONSITE_WIND)


def certificates(name: str = "certificates.csv") -> list[CertificateRow]:
    return read_certificates((DONGHE / name).read_bytes(), name)


def claims_kwh() -> dict[str, dict[date, float]]:
    out: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for trade in read_trades((DONGHE / "trades.csv").read_bytes(), "trades.csv"):
        out[trade.enterprise][trade.month] += trade.settled_wh / 1000
    for row in certificates():
        out[row.enterprise][row.month] += (row.serial_last - row.serial_first + 1) * 1000
    return out


def physical_and_draw(key: str) -> tuple[np.ndarray, np.ndarray]:
    """P and D of every quarter-hour [kWh]."""
    green, export = amount(key, *GREEN), amount(key, Role.GRID_EXPORT)
    away = np.minimum(export, green)
    return green - away, amount(key, Role.GRID_IMPORT) - (export - away)


def share(key: str, extra_kwh: float = 0.0) -> float:
    """S3 of January to October."""
    so_far = grid().day < (OCTOBER_ENDS - date(2026, 1, 1)).days
    physical, draw = (x[so_far].sum() for x in physical_and_draw(key))
    claims = sum(claims_kwh()[key].values()) + extra_kwh
    return float((physical + claims) / (physical + draw))


def path(key: str) -> float:
    end = park().enterprise(key).targets.green_share_ratio
    assert end is not None
    elapsed = (OCTOBER_ENDS - date(2026, 1, 1)).days / 365
    return park().goal.start_ratio + (end - park().goal.start_ratio) * elapsed


def test_what_the_report_says() -> None:
    assert park().simulated
    assert park().goal.year_end_ratio == 0.5
    assert [s.key for s in park().substations] == ["taotu", "yongzhen", "fengchuan"]
    retrofits = {e.key for e in park().enterprises if e.retrofit_2026}
    assert len(retrofits) == 7
    assert retrofits >= {"shengtai", "fengchuan", "huize"}  # named in the report
    assert len([e for e in park().enterprises if e.kind != "utility"]) == 12


def test_nobody_real_gets_mail() -> None:
    contacts = [*park().contacts, *(c for e in park().enterprises for c in e.contacts)]
    assert all(c.email.endswith(".example") for c in contacts)
    assert {c.language for c in contacts} == {"zh-CN", "en"}


def test_history_stays_small() -> None:
    channels = [c for e in park().enterprises for m in e.meters for c in m.channels.values()]
    assert len(channels) <= 90
    assert sum(326 * 86_400 // c.period_s for c in channels) < 1_550_000


@pytest.mark.parametrize("key", [e.key for e in park().enterprises])
def test_claims_stay_below_the_energy_drawn_from_the_grid(key: str) -> None:
    """T + C <= D in every month, and each of January to October is settled."""
    claims, (_, draw) = claims_kwh()[key], physical_and_draw(key)
    assert sorted(claims) == MONTHS
    month = np.asarray(grid().middles.month)
    for at, kwh in claims.items():
        assert kwh <= draw[month == at.month].sum(), at


def test_the_shares_tell_the_story() -> None:
    below = {e.key: round(share(e.key) - path(e.key), 3) for e in park().enterprises}
    print(below)
    alerts = {key for key, gap in below.items() if gap < -park().rules.green_tolerance_ratio}
    assert alerts == {"shengtai", "fengchuan", "huaxiang"}
    assert below["huaxiang"] < -park().rules.green_critical_ratio
    # nobody is so near to a limit that another platform's last digit would tip it
    limits = (-park().rules.green_tolerance_ratio, -park().rules.green_critical_ratio)
    assert all(abs(gap - limit) > 0.005 for gap in below.values() for limit in limits)


def test_the_november_certificates_lift_one_enterprise() -> None:
    (row,) = certificates("certificates-november.csv")
    assert (row.enterprise, row.month) == ("shengtai", date(2026, 10, 1))
    assert row.cancelled_on.month == 11
    lifted = share("shengtai", (row.serial_last - row.serial_first + 1) * 1000)
    assert lifted > path("shengtai") > share("shengtai") + park().rules.green_tolerance_ratio
    october = np.asarray(grid().middles.month) == 10
    drawn = physical_and_draw("shengtai")[1][october].sum()
    claimed = claims_kwh()["shengtai"][date(2026, 10, 1)]
    assert claimed + (row.serial_last - row.serial_first + 1) * 1000 <= drawn


def test_no_certificate_counts_twice() -> None:
    rows = sorted(
        certificates() + certificates("certificates-november.csv"),
        key=lambda r: (r.series, r.serial_first),
    )
    for one, other in itertools.pairwise(rows):
        assert one.series != other.series or one.serial_last < other.serial_first


def weekly_excess(key: str, role: Role, target: float) -> np.ndarray:
    """Specific consumption of the seven days before each day of November, against the target."""
    used = sum(physical_and_draw(key)) if role == Role.GRID_IMPORT else amount(key, role)
    product = amount(key, Role.PRODUCTION)
    out = []
    for day in range(304, 330):
        week = (grid().day >= day - 7) & (grid().day < day)
        out.append(used[week].sum() / product[week].sum() / target - 1)
    return np.array(out)


@pytest.mark.parametrize("key", [e.key for e in park().enterprises if e.kind != "utility"])
def test_only_two_use_too_much_per_tonne(key: str) -> None:
    targets = park().enterprise(key).targets
    assert targets.energy_intensity_kwh_per_t is not None
    assert targets.water_intensity_m3_per_t is not None
    energy = weekly_excess(key, Role.GRID_IMPORT, targets.energy_intensity_kwh_per_t)
    water = weekly_excess(key, Role.WATER_INTAKE, targets.water_intensity_m3_per_t)
    for excess, culprit in ((energy, "yunzhengsheng"), (water, "ketian")):
        if key == culprit:
            assert excess.min() > 0.05
            assert excess.max() < park().rules.intensity_critical_ratio  # a warning
        else:
            assert excess.max() < 0.01  # quiet, with room to spare
