"""Payload formats: each module turns one kind of message into raw values, or says why not."""
