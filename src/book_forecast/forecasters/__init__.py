"""Model families behind one contract: fitted to a history, asked for forecasts, plain data."""
