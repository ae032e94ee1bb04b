"""Published factors: versions, scopes, what holds for a year."""

from __future__ import annotations

from models.co2_factors import electricity_factors, factor_of


def test_every_factor_is_there_once_with_its_source() -> None:
    known = electricity_factors()
    assert len({(f.year, f.scope) for f in known}) == len(known) == 15
    assert all(0.4 < f.kg_per_kwh < 0.9 and f.source for f in known)
    for year in (2021, 2022, 2023):  # the residual mix is dirtier than the whole
        by_scope = {f.scope: f.kg_per_kwh for f in known if f.year == year}
        assert by_scope["national"] < by_scope["national_residual"] < by_scope["fossil"]


def test_the_factor_of_a_year_is_that_of_the_year_or_the_newest_before() -> None:
    for year, expected in ((2022, 0.6849), (2023, 0.6479), (2026, 0.6479)):
        factor = factor_of("inner_mongolia", year)
        assert factor is not None
        assert factor.kg_per_kwh == expected
    assert factor_of("inner_mongolia", 2020) is None
    assert factor_of("nowhere", 2026) is None
    newest = factor_of("national_residual", 2026)
    assert newest is not None
    assert "2023" in newest.note
    assert "0.6096" in newest.note
