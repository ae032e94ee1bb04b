"""Who may do what at the broker: its users, access list, certificates and configuration."""
