"""Pure calculations on arrays and data frames: no SQL, no clock, no MQTT."""
