"""Weekly sales forecasts per book title, from BookScan-style exports."""

__version__ = "0.1.0"
