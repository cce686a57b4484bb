"""Releases: publishing, promotion, rollback and the mirror in MLflow's registry."""
