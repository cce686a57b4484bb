"""Parameters and datasets that only hooks or nodes know, as kedro run takes them."""

import json

import pytest

from runner_testing.alone import ALONE
from runner_testing.projects import Runner, write_files
from runner_testing.small import SETTINGS, small_files

REGISTRY = """
def write(added, day, number): return {"day": str(day), "added": added, "number": number}
def both(memory, written): return {"memory": memory, **written}
def register_pipelines():
    return {"__default__": Pipeline([
        node(write, ["added", "params:day", "params:number"], "written", name="write"),
        node(both, ["memory", "written"], "joined", name="both"),
    ])}
"""
HOOKS = """
import json
from pathlib import Path
from kedro.framework.hooks import hook_impl
from kedro.io import MemoryDataset
from kedro_datasets.json import JSONDataset


class Adds:
    @hook_impl
    def before_pipeline_run(self, run_params, catalog):
        assert "added" not in catalog
        catalog["added"] = JSONDataset(filepath="added.json")
        catalog["memory"] = MemoryDataset(run_params["runtime_params"].get("secret_word", "none"))
"""
CATALOG = """
written: {type: json.JSONDataset, filepath: data/written.json}
joined: {type: json.JSONDataset, filepath: data/joined.json}
"""


@pytest.fixture
def runner(tmp_path, home):
    settings = SETTINGS + "from hooked.hooks import Adds\nHOOKS = (Adds(),)\n"
    more = {"src/hooked/hooks.py": HOOKS, "added.json": "[1, 2]"}
    files = small_files(
        REGISTRY,
        CATALOG,
        parameters="number: 3\n",
        settings=settings,
        package="hooked",
        more=more,
    )
    return Runner(write_files(tmp_path / "hooked", files), home)


@pytest.mark.slow
def test_what_kedro_run_takes_is_taken_in_one_process_and_in_steps(runner):
    params = "day=2026-11-26,secret_word=x,nubmer=4"
    plain = runner.kedro("run", "--params", params)
    assert plain.returncode == 0, plain.stderr
    data = runner.data()
    assert json.loads(data["joined.json"])["memory"] == "x"

    done = runner.zenml("run", "--params", params)
    assert done.returncode == 0, done.stderr
    assert runner.data() == data
    assert "no parameter 'nubmer': did you mean 'number'?" in done.stderr
    assert "secret_word" not in done.stderr
    assert "2 steps" in done.stdout

    script = (
        ALONE.replace('Path("record.jsonl").unlink()\n', "")
        .replace(
            "None, None, {}, None",
            "None, None, {'day': '2026-11-26', 'secret_word': 'x', 'nubmer': 4}, None",
        )
        .replace('run_name="alone"', 'run_name="hooked alone"')
    )
    alone = runner.python(script)
    assert alone.returncode == 0, alone.stderr
    assert runner.data() == data


@pytest.mark.slow
def test_what_no_hook_adds_is_refused_before_the_first_node(runner):
    missing = runner.zenml("run")
    assert missing.returncode == 1
    assert "The pipeline reads 'params:day'" in missing.stderr
    registry = runner.project / "src/hooked/pipeline_registry.py"
    registry.write_text(registry.read_text().replace('"memory"', '"nothing"'))
    done = runner.zenml("run", "--params", "day=1")
    assert done.returncode == 1
    assert "The pipeline reads 'nothing', which no node" in done.stderr
    assert not (runner.project / "data").exists()
