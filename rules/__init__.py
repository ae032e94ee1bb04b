"""Pure rules: indicator values and targets in, verdicts out. One module per family."""
