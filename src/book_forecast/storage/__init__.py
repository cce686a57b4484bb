"""Files, caches, locks, the environment and user errors."""
