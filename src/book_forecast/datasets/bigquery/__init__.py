"""Sales from BigQuery and tables to it, as entries of the catalog."""
