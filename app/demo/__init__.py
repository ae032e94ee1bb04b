"""The demo: the whole chain on one machine, from simulated meters to e-mails and charts."""
