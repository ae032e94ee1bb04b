"""The year-end forecast against simulated years that it has not seen."""

from __future__ import annotations

from bench.forecast import back_test


def test_the_band_holds_about_eight_of_ten_outcomes() -> None:
    table = back_test(30)
    held = [found["coverage"] for shares in table.values() for found in shares.values()]
    assert 0.72 <= sum(held) / len(held) <= 0.93
    assert min(held) >= 0.60
    for name, shares in table.items():
        limit = {"1 April": 4.0, "1 July": 2.0, "1 October": 1.2}[name.split(",")[0]]
        assert shares["s1"]["mae_pt"] <= limit, name
        assert shares["s3"]["mae_pt"] <= limit, name
        assert abs(shares["s3"]["bias_pt"]) <= limit, name
