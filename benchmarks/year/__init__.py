"""A year of weekly deliveries with mishaps, for `benchmarks.year_of_weeks`."""
