"""What the data is: park, meters, quantities, periods, findings, verdicts, errors. No I/O."""
