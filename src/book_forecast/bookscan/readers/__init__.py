"""Readers of exports, by format: from a local file to raw rows."""
