"""What goes to MLflow when a pipeline runs; nodes and datasets know nothing of it."""

from book_forecast.tracking.hooks import TrackingHooks

__all__ = ["TrackingHooks"]
