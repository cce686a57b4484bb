"""The one way in which an export writes numbers, dates and weeks."""
