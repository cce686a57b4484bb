"""What of a run is recorded in MLflow."""
