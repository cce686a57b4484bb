"""Stock under orders from different forecasts, on the panels of the accuracy benchmark."""
