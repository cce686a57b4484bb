"""What the adapter reads of a Kedro project, and the session in which it runs its nodes."""
