"""What the pages refer to is there."""

import re
from typing import Any

import pytest

from book_forecast import settings
from book_forecast.options.run import Options


@pytest.fixture(scope="module")
def pages(project_path):
    return {
        path: path.read_text()
        for path in [*project_path.glob("docs/*.md"), project_path / "README.md"]
    }


def test_links_lead_somewhere(pages):
    links = [
        (page.name, target)
        for page, text in pages.items()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
        if not (page.parent / target).exists()
    ]
    assert links == []


def test_make_targets_exist(pages, project_path):
    targets = set(re.findall(r"^([\w-]+):", (project_path / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in pages.values() for name in re.findall(r"\bmake ([a-z-]+)\b", text)}
    assert "run" in named
    assert named <= targets


def test_tables_are_where_the_catalog_has_them(pages, project_path):
    root = {"data_root": "ROOT"}
    arguments: dict[str, Any] = settings.CONFIG_LOADER_ARGS
    loader = settings.CONFIG_LOADER_CLASS(
        str(project_path / "conf"), runtime_params=root, **arguments
    )
    catalog = loader["catalog"]
    text = pages[project_path / "docs/data.md"]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `(\d\d_[^`]+)` \|", text, re.MULTILINE)
    assert len(rows) > 10
    for names, path in rows:
        pattern = re.escape(path.removesuffix("/<isbn>.html")).replace("…", ".*")
        for name in re.findall(r"\w+", names):
            entry = catalog[name]
            filepath = (entry.get("filepath") or entry["path"]).removeprefix("ROOT/")
            assert re.fullmatch(pattern, filepath), (name, path, filepath)


def test_parameters_on_command_lines_exist(pages):
    given = [
        piece.partition("=")[0]
        for text in pages.values()
        for line in re.findall(r"kedro run.*?--params (\S+)", text)
        for piece in line.split(",")
        if "=" in piece
    ]
    assert len(given) > 5
    assert {name.partition(".")[0] for name in given} <= set(Options.model_fields)
