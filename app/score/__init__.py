"""A scenario through the whole chain, and how far what the chain says is from the truth."""
