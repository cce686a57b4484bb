"""The one MLflow run of all steps."""
