"""Turns a Kedro pipeline into a plan: groups of nodes, steps, shards and barriers."""
