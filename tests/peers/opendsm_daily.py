"""Savings by OpenDSM's daily model, run by the Python of its own environment.

    python opendsm_daily.py METER.csv.gz TEMPERATURE.csv.gz {electricity|gas}

Prints one JSON object. Baseline, blackout and reporting are those of the samples; `PINS` and
`PERIODS` are also for the tests, which do not have opendsm.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

# multimethod 2.1 breaks scikit-fda 0.10.1, hence 2.0.2; the rest as resolved on Python 3.11.
PINS = (
    "opendsm==1.2.7",
    "annotated-types==0.8.0",
    "array-api-compat==1.16.0",
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "cloudpickle==3.1.2",
    "contourpy==1.3.3",
    "cycler==0.12.1",
    "Cython==3.3.1",
    "dcor==0.7",
    "fdasrsf==2.7.3",
    "findiff==0.16.0",
    "fonttools==4.68.0",
    "formulaic==1.2.2",
    "highspy==1.13.1",
    "idna==3.20",
    "interface_meta==2.0.1",
    "joblib==1.6.0",
    "kiwisolver==1.5.1",
    "lazy-loader==0.6",
    "llvmlite==0.50.0",
    "matplotlib==3.11.2",
    "mpmath==1.3.0",
    "multimethod==2.0.2",
    "narwhals==2.29.0",
    "nlopt==2.11.0",
    "numba==0.68.1",
    "numpy==2.4.6",
    "packaging==26.3",
    "pandas==2.3.3",
    "patsy==1.0.3",
    "pillow==13.0.0",
    "pyarrow==26.0.1",
    "pycparser==3.12",
    "pydantic==2.14.3",
    "pydantic_core==2.50.4",
    "pyparsing==3.3.3",
    "python-dateutil==4.0.0",
    "pytz==2026.6",
    "PyWavelets==1.9.0",
    "qpsolvers==4.13.0",
    "rdata==1.1.0",
    "requests==2.34.2",
    "scikit-datasets==0.2.5",
    "scikit-fda==0.10.1",
    "scikit-learn==1.9.1",
    "scipy==1.17.1",
    "six==1.17.0",
    "statsmodels==0.15.0",
    "sympy==1.14.0",
    "threadpoolctl==3.8.0",
    "tqdm==4.70.1",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "tzdata==2026.6",
    "urllib3==2.8.0",
    "wrapt==2.5.2",
    "xarray==2026.9.0",
)
# First and last day, both inside.
PERIODS = {"baseline": ("2015-12-26", "2016-12-25"), "reporting": ("2017-01-05", "2018-01-04")}


def run(meter: str, temperature: str, electricity: bool) -> dict[str, Any]:
    """Savings, their uncertainty at 90 %, balance points [F] and CV(RMSE) of the daily model."""
    import pandas as pd
    from opendsm.eemeter import DailyBaselineData, DailyModel, DailyReportingData

    def series(path: str) -> pd.Series:
        table = pd.read_csv(path)
        stamps = pd.to_datetime(table.iloc[:, 0], utc=True).dt.tz_convert("America/Chicago")
        return pd.Series(table.iloc[:, 1].to_numpy(), index=pd.DatetimeIndex(stamps))

    use, degrees = series(meter), series(temperature)
    before, after = (slice(*PERIODS[name]) for name in ("baseline", "reporting"))
    kind = {"is_electricity_data": electricity}
    baseline = DailyBaselineData.from_series(use[before], degrees[before], **kind)
    reporting = DailyReportingData.from_series(use[after], degrees[after], **kind)
    model = DailyModel().fit(baseline)
    told = model.predict(reporting)
    (part,) = model.to_dict()["submodels"].values()
    return {
        "expected": float(told["predicted"].sum()),
        "measured": float(told["observed"].sum()),
        "saved": float((told["predicted"] - told["observed"]).sum()),
        "at_90": float((told["predicted_unc"] ** 2).sum() ** 0.5),
        "cv_rmse": float(model.baseline_metrics.cvrmse_adj),
        "heating_degf": part["coefficients"]["hdd_bp"],
        "cooling_degf": part["coefficients"]["cdd_bp"],
        "form": str(part["coefficients"]["model_type"]),
        "alpha": float(model.settings.uncertainty_alpha),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answer = run(sys.argv[1], sys.argv[2], sys.argv[3] == "electricity")
    sys.stdout.write(json.dumps(answer) + "\n")
