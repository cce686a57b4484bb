"""BookScan-style exports: columns, readers, and the rules for rows."""
