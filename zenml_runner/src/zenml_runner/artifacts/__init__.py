"""The datasets of a run as ZenML's artifacts, and its models."""
