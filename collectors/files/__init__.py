"""Files: captured messages, tables of readings, NEM12; to messages of the live path."""
