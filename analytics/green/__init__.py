"""Where each kWh came from and which share of it may be called green."""
