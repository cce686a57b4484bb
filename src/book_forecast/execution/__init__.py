"""Work on many titles: processes, checkpoints, fingerprints and shards."""
