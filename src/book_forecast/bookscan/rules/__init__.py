"""The rules by which rows become sales, or are rejected or held back."""
