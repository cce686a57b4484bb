"""The six pipelines give on ZenML, in shards, what they give without."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.test_whole_run import COLUMNS, QUICK, export, kedro_run

pytestmark = pytest.mark.slow


def zenml_run(
    project: Path, data: Path, *arguments: str, home: Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kedro", "zenml", "run", "--stack", "local", *arguments]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        "ZENML_CONFIG_PATH": str(home / "zenml"),
    }
    return subprocess.run(
        [*command, "--params", f"data_root={data},{QUICK}"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_shards_on_zenml_are_the_whole_to_the_bit_and_leave_no_stale_part(project_path, tmp_path):
    plain, sharded = export(tmp_path / "plain"), export(tmp_path / "sharded")
    done = kedro_run(project_path, plain)
    assert done.returncode == 0, done.stderr

    for shards in (3, 2):
        done = zenml_run(project_path, sharded, "--shards", str(shards), home=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        # 19 steps, of which four run once a shard.
        assert f"All {15 + 4 * shards} steps done" in done.stdout
        for path in COLUMNS:
            pd.testing.assert_frame_equal(
                pd.read_parquet(sharded / path), pd.read_parquet(plain / path), check_exact=True
            )
        for name in ("06_models/specifications", "07_model_output/test_forecasts"):
            parts = sorted(path.name for path in (sharded / name).glob("*/*.parquet"))
            assert parts == [f"{k:04d}-of-{shards:04d}.parquet" for k in range(1, shards + 1)]
    assert "Errors on the test weeks" in done.stdout
