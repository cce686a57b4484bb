"""Recorded forecasts held against the sales that followed: errors, level shifts, deliveries."""
