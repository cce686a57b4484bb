"""Logging of runs in MLflow."""
