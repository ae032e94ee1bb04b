"""Indicators of energy, aluminium, power, water, carbon and circularity, one function each."""
