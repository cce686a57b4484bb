"""Finds, copies and reads releases."""
