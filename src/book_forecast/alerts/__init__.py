"""Alerts: what happened, kept until it is sent, to a webhook and by mail."""
