"""Whole runs whose candidate is the champion again, is worse, or lacks titles."""

import json
import shutil
from pathlib import Path

import pytest

from book_forecast.releases.store import ReleaseStore
from tests.runs import kedro_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, whole_run: Path) -> Path:
    """A data root with a champion."""
    folder = tmp_path_factory.mktemp("promotion") / "data"
    shutil.copytree(whole_run, folder)
    return folder


@pytest.fixture(scope="module")
def champion(data: Path) -> str:
    found = ReleaseStore(str(data / "06_models/releases")).champion()
    assert found is not None
    return found


def test_the_same_run_again_makes_no_new_release(data, champion, project_path):
    done = kedro_run(project_path, data)
    assert done.returncode == 0, done.stdout + done.stderr
    store = ReleaseStore(str(data / "06_models/releases"))
    assert store.releases() == [champion]
    assert [record.release for record in store.promotions()] == [champion]
    assert f"The candidate is the champion {champion} again" in done.stdout + done.stderr
    assert "NOT PROMOTED" not in done.stdout


def test_one_title_does_not_replace_a_champion_of_several(data, champion, project_path):
    done = kedro_run(project_path, data, more="titles=9780722532935")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-4:]
    assert "is NOT PROMOTED:" in last[0]
    assert last[1].startswith("  gate titles failed: 1 of the champion's 5 living titles compared")
    store = ReleaseStore(str(data / "06_models/releases"))
    assert last[2] == f"The forecasts are those of {store.candidate()}."
    assert store.champion() == champion


def test_a_refused_candidate_ends_with_3_where_promotion_is_required(data, champion, project_path):
    # Naive forecasts of a season are worse than an ensemble's.
    done = kedro_run(
        *(project_path, data),
        command=("book_forecast",),
        more="families=naive,promote.required=true",
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "is NOT PROMOTED:" in done.stdout
    assert "gate champion failed: WAPE" in done.stdout
    assert f"{champion} stays champion" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((data / "06_models/promotion.json").read_text())["promote"] is False
    assert (data / "07_model_output/forecasts.parquet").exists()
