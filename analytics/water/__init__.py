"""Water lost unseen: minimum night flow, its stand-ins for plants at night, and leaks."""
