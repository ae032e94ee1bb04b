"""Payload formats: what the meters of an enterprise write, and on which topic."""

from simulators.encoders.column import Column as Column
from simulators.encoders.park import Encoders as Encoders
from simulators.encoders.park import Formats as Formats
