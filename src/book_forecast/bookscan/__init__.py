"""What a BookScan-style export is: its columns, its readers and the rules for its rows."""
