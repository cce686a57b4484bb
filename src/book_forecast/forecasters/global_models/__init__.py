"""Models that learn from all titles at once, and the members of ensembles that they make."""
