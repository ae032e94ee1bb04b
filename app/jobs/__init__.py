"""Scheduled work: load with storage, call a pure function, store the result."""
