"""From raw readings to 15-minute values with quality."""
