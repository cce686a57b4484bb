"""The pages describe the project as it is."""

import re
from typing import Any

import pytest

from book_forecast import settings
from book_forecast.options.run import Options, grouped
from tests.test_layers import ROWS


@pytest.fixture(scope="module")
def pages(project_path):
    return {
        path: path.read_text()
        for path in [*project_path.glob("docs/*.md"), *project_path.glob("*.md")]
    }


@pytest.fixture(scope="module")
def catalog(project_path):
    """Entries of the base catalog under the root ROOT."""
    arguments: dict[str, Any] = settings.CONFIG_LOADER_ARGS
    conf, root = str(project_path / "conf"), {"data_root": "ROOT"}
    return settings.CONFIG_LOADER_CLASS(conf, runtime_params=root, **arguments)["catalog"]


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
    command = re.compile(r"(?:^|`)make ([a-z-]+)\b", re.MULTILINE)
    named = {name for text in pages.values() for name in command.findall(text)}
    assert "run" in named
    assert named <= targets


def test_the_readme_links_to_every_page(pages, project_path):
    linked = set(re.findall(r"\]\((docs/\w+\.md)\)", pages[project_path / "README.md"]))
    assert linked == {f"docs/{path.name}" for path in project_path.glob("docs/*.md")}


def test_the_rooms_are_the_folders_of_the_package(pages, project_path):
    text = pages[project_path / "docs/development.md"]
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)
    folders = {path.parent.name for path in project_path.glob("src/book_forecast/*/__init__.py")}
    assert {room for _, room in listed} == folders
    assert [(int(row), room) for row, room in listed] == [
        (row, room) for row, rooms in enumerate(ROWS) for room in rooms if room
    ]


def test_the_picture_has_the_rooms_and_tables(project_path, catalog):
    picture = (project_path / "docs/images/architecture.svg").read_text()
    drawn = re.findall(r'class="p3"[^>]*>(\w+)<', picture)
    assert drawn == [room for rooms in ROWS for room in rooms if room]
    tables = re.findall(r'class="m"[^>]*>([a-z][\w, ]*)<', picture)
    assert len(tables) > 10
    assert {name for names in tables for name in names.split(", ")} <= set(catalog)


def test_tables_are_where_the_catalog_has_them(pages, project_path, catalog):
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
    assert set(grouped({name.partition(".")[0]: None for name in given})) <= set(
        Options.model_fields
    )
