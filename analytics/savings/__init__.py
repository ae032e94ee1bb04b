"""Measurement and verification of savings: baseline, limits, uncertainty, meter changes."""
