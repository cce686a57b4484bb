"""The seven pipelines give on ZenML, in shards, what they give without."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from runner_testing.prepared import copy_store
from tests.processes import zenml as zenml_processes
from tests.runs import export, kedro_run, table
from tests.test_whole_run import COLUMNS

pytestmark = pytest.mark.slow

SPECIFIED = "06_models/specifications.parquet"


def zenml_run(
    project: Path, data: Path, *arguments: str, home: Path
) -> subprocess.CompletedProcess[str]:
    copy_store(home / "zenml", zenml_processes)
    done = kedro_run(
        project,
        data,
        *("--stack", "local", *arguments),
        command=("kedro", "zenml", "run"),
        fork_of=zenml_processes,
        ZENML_CONFIG_PATH=str(home / "zenml"),
        DISABLE_DATABASE_MIGRATION="true",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_shards_on_zenml_are_the_whole_to_the_bit_and_leave_no_stale_part(
    project_path, tmp_path, whole_run
):
    sharded = export(tmp_path / "sharded")

    def parts(name: str) -> list[str]:
        return sorted(path.name for path in (sharded / name).glob("*/*.parquet"))

    done = zenml_run(project_path, sharded, "--shards", "3", home=tmp_path)
    # 57 steps, of which seven run once a shard; from three shards on there are three barriers.
    assert f"All {50 + 7 * 3 + 3} steps done" in done.stdout
    assert "Errors on the test weeks" in done.stdout
    for name in ("06_models/sarima_orders", "07_model_output/test_forecasts"):
        assert parts(name) == [f"{k:04d}-of-0003.parquet" for k in (1, 2, 3)]
    for path in COLUMNS:
        pd.testing.assert_frame_equal(
            table(sharded / path), table(whole_run / path), check_exact=True
        )

    specified = table(sharded / SPECIFIED)
    (sharded / SPECIFIED).unlink()
    zenml_run(project_path, sharded, "--pipeline", "tune", "--shards", "2", home=tmp_path)
    assert parts("06_models/sarima_orders") == ["0001-of-0002.parquet", "0002-of-0002.parquet"]
    pd.testing.assert_frame_equal(table(sharded / SPECIFIED), specified, check_exact=True)
