"""What data in memory look like: small, escaped, without secrets, and never computed for it."""

import json
import re

import pandas as pd
import pytest

from zenml_runner.views.look import view_of
from zenml_runner.views.values import numbers_of
from zenml_runner.views.view import MAX_BYTES, View


def seen(data: object, kind: str, rows: int = 20) -> str:
    view = view_of(data, rows)
    assert isinstance(view, View)
    assert view.kind == kind
    assert isinstance(view.content, str)
    return view.content


def test_table_has_its_head_and_a_summary() -> None:
    frame = pd.DataFrame({"x": [1.5, None, 3.5], "name": ["a", "<script>", None]})
    page = seen(frame, "html", rows=2)
    assert "3 rows, 2 columns" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "3.5" in page.partition("Summary")[2]
    assert "<td>3.5</td>" not in page.partition("Summary")[0]
    assert re.search(r"<td>x</td><td>float64</td><td class=\"n\">1</td>", page)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame(
            {
                "when": pd.to_datetime(pd.Series(["2020-01-01", None])),
                "c": pd.Categorical(["a", "b"]),
            }
        ),
        pd.Series([1, 2], name="s"),
    ],
)
def test_every_table_can_be_seen(frame: pd.DataFrame) -> None:
    seen(frame, "html")


def test_large_table_is_sampled_and_its_page_is_small() -> None:
    frame = pd.DataFrame({f"c{n}": ["x" * 1000] * 20_000 for n in range(60)})
    page = seen(frame, "html", rows=100)
    assert "20,000 rows, 60 columns, the first 40 shown" in page
    assert "Summary of every 2th row" in page
    assert len(page) < MAX_BYTES * 2


def test_plain_data_are_json_that_is_short_and_without_secrets() -> None:
    text = seen({"error": 0.5, "nan": float("nan"), "password": "x", "many": range(3)}, "json")
    assert json.loads(text) == {
        "error": 0.5,
        "nan": "nan",
        "password": "***",
        "many": "range(0, 3)",
    }
    deep = {str(a): {str(b): list(range(200)) for b in range(200)} for a in range(200)}
    assert len(seen(deep, "json")) < MAX_BYTES
    assert json.loads(seen(list(range(1000)), "json"))[-1] == "… 900 more"


def test_parts_are_seen_under_their_names() -> None:
    page = seen({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"y": [2]})}, "html")
    assert page.index("<h2>a</h2>") < page.index("<h2>b</h2>")
    # Parts that a partitioned dataset would still have to load.
    assert "2 parts: a, b" in seen({"a": lambda: 1 / 0, "b": lambda: 1 / 0}, "html")


def test_texts_and_pages_are_shown_as_such() -> None:
    assert seen("<!doctype html><p>x", "html") == "<!doctype html><p>x"
    assert seen("# Title\n", "markdown").startswith("# Title")
    assert seen("a\n*b*", "markdown") == "    a\n    *b*"


def test_data_without_a_view_have_none() -> None:
    assert view_of(object(), 20) is None
    assert view_of(lambda: 1, 20) is None
    assert view_of(b"bytes", 20) is None
    assert view_of("<html>" + "x" * MAX_BYTES, 20) is None


def test_plotly_figure_is_a_still_picture_that_needs_no_script() -> None:
    graphs = pytest.importorskip("plotly.graph_objects")
    figure = graphs.Figure(
        [
            graphs.Scatter(x=["2020-01-01", "2020-02-01", None], y=[3, 4, 5], name="<line>"),
            graphs.Bar(x=["2020-01-15"], y=[2], name="bar"),
            graphs.Pie(values=[1]),
        ],
        {"title": {"text": "<b>Sales</b> </script>"}, "yaxis": {"title": {"text": "copies"}}},
    )
    page = seen(figure, "html")
    assert "<script" not in page
    assert page.count("<circle") == 2
    assert "<rect" in page
    for text in ("Sales &lt;/script&gt;", "copies", "&lt;line&gt;", "2020-01", "not drawn: pie"):
        assert text in page
    assert len(page) < 10_000


def test_every_kind_of_trace_and_axis_is_drawn() -> None:
    graphs = pytest.importorskip("plotly.graph_objects")
    subplots = pytest.importorskip("plotly.subplots")
    figure = subplots.make_subplots(2, 3)
    traces = [
        graphs.Histogram(x=[1.0, 2, 2, None, 3]),
        graphs.Box(y=[1, 2, 3, 4], name="a"),
        graphs.Heatmap(z=[[1, 2], [3, None]], x=["a", "b"], y=["c", "d"]),
        graphs.Scattergl(x=list(range(10_000)), y=list(range(10_000)), mode="lines"),
        graphs.Bar(y=["long", "short"], x=[3, -1], orientation="h"),
        graphs.Scatter(y=[1, float("nan"), 100], fill="tozeroy"),
    ]
    for number, trace in enumerate(traces):
        figure.add_trace(trace, 1 + number // 3, 1 + number % 3)
    figure.update_yaxes(type="log", row=2, col=3)
    page = seen(figure, "html")
    assert "nan" not in page
    assert "inf" not in page
    assert page.count('fill="#f7f8fb"') == 6
    assert len(page) < 60_000
    assert seen(graphs.Figure(), "html")


def test_figure_of_matplotlib_is_a_picture() -> None:
    figures = pytest.importorskip("matplotlib.figure")
    figure = figures.Figure()
    figure.subplots().plot([1, 2])
    view = view_of(figure, 20)
    assert view is not None
    assert view.kind == "image"
    assert view.content[:4] == b"\x89PNG"
    assert 'src="data:image/png;base64' in seen({"one": figure}, "html")


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (3, {"value": 3}),
        ({"a": 1, "b": {"c": 2.5, "d": "text", "e": True}}, {"a": 1, "b.c": 2.5}),
        ({"m": {"value": 1.0, "step": 4}}, {"m": 1.0}),
        ({"m": [{"value": 1.0, "step": 0}, {"value": 2.0, "step": 1}]}, {"m": 2.0}),
        ([0.5, 0.25], {"value": 0.25}),
        ({"bad": float("inf")}, {}),
    ],
)
def test_numbers_of_metrics(data: object, numbers: dict[str, float]) -> None:
    assert numbers_of(data) == numbers
