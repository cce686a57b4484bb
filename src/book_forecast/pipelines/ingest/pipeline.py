"""The ingest pipeline: exports and lists of titles -> weekly_sales, titles, launches, report."""

from kedro.pipeline import Pipeline, node

from book_forecast.pipelines.ingest.changes import summarise_import
from book_forecast.pipelines.ingest.launches import read_launches
from book_forecast.pipelines.ingest.nodes import (
    add_up_sales,
    check_rejected_share,
    clean_exports,
)
from book_forecast.pipelines.ingest.report import report_import
from book_forecast.pipelines.ingest.title_lists import read_title_lists


def create_pipeline() -> Pipeline:
    """Wire the nodes; rejected_rows is written before the check that may stop the run."""
    return Pipeline(
        [
            node(
                clean_exports,
                inputs=["sales_exports", "params:exports", "params:ingest"],
                outputs=[
                    *("clean_rows", "title_texts", "rejected_rows", "rows_read", "import_table"),
                    "lists_in_exports",
                ],
                name="clean_exports",
            ),
            node(
                read_title_lists,
                inputs=["title_lists", "lists_in_exports", "import_table", "params:exports"],
                outputs=["listed_titles", "rejected_titles", "title_list_table"],
                name="read_title_lists",
            ),
            node(
                read_launches,
                inputs=["launch_tables", "import_table", "params:exports", "accepted_rows"],
                outputs=["launches", "rejected_launches"],
                name="read_launches",
            ),
            node(
                check_rejected_share,
                inputs=[
                    "clean_rows",
                    "rejected_rows",
                    "rows_read",
                    "params:ingest.max_rejected_share",
                ],
                outputs="accepted_rows",
                name="check_rejected_share",
            ),
            node(
                summarise_import,
                inputs="former_weekly_sales",
                outputs="former_import",
                name="summarise_import",
            ),
            node(
                add_up_sales,
                inputs=[
                    *("accepted_rows", "title_texts", "listed_titles", "former_import"),
                    "launches",
                ],
                outputs=["titles", "weekly_sales", "import_summary"],
                name="add_up_sales",
            ),
            node(
                report_import,
                inputs=[
                    *("import_table", "rejected_rows", "import_summary"),
                    *("title_list_table", "rejected_titles", "rejected_launches"),
                ],
                outputs="import_report",
                name="report_import",
            ),
        ],
        namespace="ingest",
        prefix_datasets_with_namespace=False,
    )
