"""Launches: titles with few weeks of sales or none yet, forecast from launches like them."""
