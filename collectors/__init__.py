"""MQTT and file ingest: transport, codec, door checks, writer. Home of paho beside simulators."""
