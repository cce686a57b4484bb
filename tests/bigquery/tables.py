"""Tables of the tests: the generated sample as BigQuery has it."""

import pandas as pd
import pyarrow as pa

from book_forecast.sample import sample_frame

PROJECT = "books-test"
OPTIONS = {"project": PROJECT, "dataset": "books", "patience": 3.0}


def arrow(frame: pd.DataFrame, **types: pa.DataType) -> pa.Table:
    """A frame with BigQuery's types; texts are strings, and whole days dates."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    columns = {}
    for field in table.schema:
        kind = types.get(field.name, field.type)
        if pa.types.is_large_string(kind):
            kind = pa.string()
        elif pa.types.is_timestamp(kind) and field.name not in types:
            kind = pa.date32()
        columns[field.name] = table.column(field.name).cast(kind)
    return pa.table(columns)


def sample(titles: int = 3, since: str = "2022-01-01") -> pd.DataFrame:
    """An export as a table: headings without blanks, the week's end as a day."""
    frame = sample_frame(titles=titles, seed=1).rename(columns=lambda name: name.replace(" ", "_"))
    frame["End_Date"] = pd.to_datetime(frame["End_Date"])
    return frame[frame["End_Date"] >= since].reset_index(drop=True)
