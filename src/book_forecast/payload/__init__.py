"""The files of a release: format, reading, and forecasts out of them; standalone code."""
