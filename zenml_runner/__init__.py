"""Runs the pipelines of any Kedro project as ZenML pipelines."""
