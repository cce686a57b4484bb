"""Rolling origins and metrics: how forecasts of past weeks are made and scored."""
