"""Views of data in memory for ZenML's dashboard; none reads a dataset or imports ZenML."""
