"""The six pipelines give on ZenML, in shards, what they give without."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.test_whole_run import COLUMNS, export, kedro_run, table

pytestmark = pytest.mark.slow


def zenml_run(
    project: Path, data: Path, *arguments: str, home: Path
) -> subprocess.CompletedProcess[str]:
    options = ("--stack", "local", *arguments)
    store = str(home / "zenml")
    return kedro_run(project, data, *options, command=("zenml", "run"), ZENML_CONFIG_PATH=store)


def test_shards_on_zenml_are_the_whole_to_the_bit_and_leave_no_stale_part(project_path, tmp_path):
    plain, sharded = export(tmp_path / "plain"), export(tmp_path / "sharded")
    done = kedro_run(project_path, plain)
    assert done.returncode == 0, done.stderr

    for shards in (3, 2):
        done = zenml_run(project_path, sharded, "--shards", str(shards), home=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        # 48 steps, of which seven run once a shard; from three shards on there are three barriers.
        barriers = 3 if shards > 2 else 0
        assert f"All {41 + 7 * shards + barriers} steps done" in done.stdout
        for path in COLUMNS:
            pd.testing.assert_frame_equal(
                table(sharded / path), table(plain / path), check_exact=True
            )
        for name in ("06_models/sarima_orders", "07_model_output/test_forecasts"):
            parts = sorted(path.name for path in (sharded / name).glob("*/*.parquet"))
            assert parts == [f"{k:04d}-of-{shards:04d}.parquet" for k in range(1, shards + 1)]
    assert "Errors on the test weeks" in done.stdout
