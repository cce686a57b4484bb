"""The scheduled check of the pinned versions asks about all of them; it needs a network itself."""

import re
from pathlib import Path
from typing import Any

import yaml


def test_it_runs_on_a_schedule_and_when_pins_change(project_path: Path) -> None:
    text = (project_path / ".github/workflows/advisories.yml").read_text()
    workflow: dict[Any, Any] = yaml.safe_load(text)
    when = workflow[True]  # YAML reads `on` as a truth value
    assert re.fullmatch(r"[\d*,/-]+( [\d*,/-]+){4}", when["schedule"][0]["cron"])
    assert "constraints.txt" in when["pull_request"]["paths"]
    (job,) = workflow["jobs"].values()
    assert {"run": "make advisories"} in job["steps"]
    assert workflow["permissions"] == {"contents": "read"}


def test_every_pin_is_one_that_it_can_look_up(project_path: Path) -> None:
    recipe = (project_path / "Makefile").read_text().partition("\nadvisories:")[2]
    assert "--requirement constraints.txt" in recipe.partition("\n\n")[0]
    pins = (project_path / "constraints.txt").read_text().split()
    assert len(pins) > 200
    # Without resolving, only exact versions can be looked up.
    assert not [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+", pin)]
    assert len({pin.partition("==")[0].lower() for pin in pins}) == len(pins)
