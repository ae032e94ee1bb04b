"""A physical model of a park, and replays of measured data: messages as real meters send them."""
