"""What forecasts mean for a planner: how long stock lasts, and what to order."""
