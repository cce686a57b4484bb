"""The titles of a release: search, views, groups, totals, and what is known beside forecasts."""
