"""What happens in a ZenML step: its session, its cache, its lineage and its log."""
