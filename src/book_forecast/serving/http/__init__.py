"""What surrounds every request: connections, checks, logs, metrics."""
