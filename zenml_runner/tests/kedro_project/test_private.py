"""The private parts of Kedro that the adapter uses still are what it takes them for."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.context import KedroContext
from kedro.framework.session import KedroSession
from kedro.io import AbstractDataset, AbstractVersionedDataset, DataCatalog, MemoryDataset
from kedro.io.cached_dataset import CachedDataset
from kedro.io.core import Version
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner
from kedro.runner.runner import AbstractRunner
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.text import TextDataset

import zenml_runner
from runner_testing.small import small_files
from zenml_runner.kedro_project import private

PACKAGE = Path(zenml_runner.__file__).parent


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (KedroSession, "_get_config_loader", ["self"]),
        (KedroContext, "_get_catalog", ["self", "catalog_class", "save_version", "load_versions"]),
        (KedroContext, "_get_parameters", ["self"]),
        (AbstractRunner, "_filter_pipeline_for_missing_outputs", ["self", "pipeline", "catalog"]),
        (AbstractRunner, "_suggest_resume_scenario", ["self"]),
        (AbstractVersionedDataset, "_get_versioned_path", ["self", "version"]),
        (AbstractVersionedDataset, "_get_load_path", ["self"]),
        (PartitionedDataset, "_partition_to_path", ["self", "path"]),
        (PartitionedDataset, "_list_partitions", ["self"]),
        (PartitionedDataset, "_invalidate_caches", ["self"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_method_has_its_name_and_parameters(owner, name, parameters):
    assert hasattr(owner, name), f"{owner.__name__}.{name} is gone"
    assert list(inspect.signature(getattr(owner, name)).parameters)[: len(parameters)] == parameters


def test_a_session_has_its_hooks_and_a_context_its_catalog(opened):
    registry = "def register_pipelines(): return {'__default__': Pipeline([])}\n"
    opened(small_files(registry, parameters="number: 3\n", package="sessions"))
    session: Any
    with KedroSession.create() as session:
        assert private.hook_manager(session).hook.before_pipeline_run
        assert private.config_loader(session)["parameters"] == {"number": 3}
        context = session.load_context()
        private.validate_only(context, ["__default__"])
        catalog = private.create_catalog(context, DataCatalog, "2026-01-01T00.00.00.000Z", {})
        assert catalog["params:number"].load() == 3
        context.config_loader["parameters"] = {"number": 4}
        assert private.parameter_inputs(context)["params:number"] == 4


def test_names_lose_their_transcoding():
    assert private.without_transcoding("cars@pandas") == "cars"
    assert private.without_transcoding("params:cars") == "params:cars"


def same(data):
    return data


def test_what_exists_is_left_out(tmp_path):
    catalog = DataCatalog({name: TextDataset(filepath=str(tmp_path / name)) for name in "ab"})
    catalog["a"].save("done")
    steps = [node(same, "x", "a", name="first"), node(same, "a", "b", name="second")]
    left = private.missing_outputs(Pipeline(steps), catalog)
    assert [one.name for one in left.nodes] == ["second"]


def test_the_runner_of_a_step_suggests_nothing_after_an_error(capsys):
    assert issubclass(private.StepRunner, SequentialRunner)
    private.StepRunner()._suggest_resume_scenario(Pipeline([]), [], DataCatalog())
    assert capsys.readouterr() == ("", "")
    assert private.StepRunner()._logger.name == "kedro.runner.sequential_runner"


def test_a_catalog_tells_datasets_from_configurations():
    catalog = DataCatalog.from_config({"lazy": {"type": "text.TextDataset", "filepath": "x"}})
    catalog["held"] = MemoryDataset(1)
    assert not private.is_instantiated(catalog, "lazy")
    assert private.is_instantiated(catalog, "held")


def test_datasets_have_paths_protocols_and_filesystems(tmp_path):
    text = TextDataset(filepath="memory://books/a.txt")
    assert private.unwrap(CachedDataset(text)) is text
    assert private.protocol_of(CachedDataset(text)) == "memory"
    assert private.filesystem_of(text).protocol == "memory"
    assert str(private.path_of(text)).endswith("a.txt")
    assert str(private.path_of(PartitionedDataset(path="parts", dataset=TextDataset))) == "parts"
    assert private.is_ephemeral(MemoryDataset())
    assert not private.is_ephemeral(text)


def test_a_version_is_pinned_where_it_exists(tmp_path):
    path, old, new = str(tmp_path / "a.csv"), "2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"
    for version in (old, new):
        folder = tmp_path / "a.csv" / version
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("x\n1\n")
    dataset = CSVDataset(filepath=path, version=Version(None, None))
    assert new in str(private.load_path_of(dataset))
    private.pin_version(dataset, "2026-01-03T00.00.00.000Z")
    private.pin_version(dataset, old)
    assert old in str(private.load_path_of(dataset))


def test_parts_have_paths(tmp_path):
    parts = PartitionedDataset(path=str(tmp_path), dataset=TextDataset, overwrite=True)
    parts.save({"one": "1", "two": "2"})
    assert private.has_partitions(parts)
    assert private.replaces_partitions(parts)
    assert private.partition_paths(parts) == {
        private.partition_path(parts, name) for name in ("one", "two")
    }


def test_no_other_module_uses_private_parts_of_kedro():
    """Attributes of other objects than `self`, and names, that begin with an underscore."""
    known = {name for kind in _kedro_types() for name in dir(kind) if _is_private(name)}
    known |= {"_datasets", "_fs", "_filepath", "_path", "_protocol", "_version", "_hook_manager"}
    for path in PACKAGE.rglob("*.py"):
        if path.name == "private.py":
            continue
        for found in ast.walk(ast.parse(path.read_text())):
            place = f"{path.relative_to(PACKAGE)}:{getattr(found, 'lineno', 0)}"
            if isinstance(found, ast.ImportFrom) and (found.module or "").startswith("kedro"):
                assert not any(_is_private(alias.name) for alias in found.names), place
            if isinstance(found, ast.Attribute) and _is_private(found.attr):
                owner = found.value.id if isinstance(found.value, ast.Name) else ""
                assert owner in ("self", "cls") or found.attr not in known, place
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                assert found.value not in known, place


def _kedro_types():
    return (AbstractDataset, AbstractVersionedDataset, PartitionedDataset, KedroSession)


def _is_private(name):
    return name.startswith("_") and not name.startswith("__")
