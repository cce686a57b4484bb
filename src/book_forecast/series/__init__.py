"""Weekly series of titles: weeks, calendar, history, covariates and seasonality."""
