"""Grafana dashboards as code: their SQL, texts in two languages, committed JSON, provisioning."""

import warnings

# The SDK warns, when imported, that it prefers schema v2. Files of that schema cannot be
# provisioned from disk (not even by Grafana 13), so version 1 is meant.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import dashboard, stat  # noqa: F401
