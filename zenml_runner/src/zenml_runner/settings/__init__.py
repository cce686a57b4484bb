"""The typed options of `conf/<env>/zenml.yml`."""
