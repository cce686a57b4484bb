"""Pictures of data in memory for ZenML's dashboard; nothing here reads a dataset or imports ZenML."""
