"""The edge process of an enterprise: reads meters, keeps what the park has not acknowledged."""
