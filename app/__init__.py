"""Settings, command line, jobs, demo: the only place that knows every other package."""
