"""Names on the command line that a project does not have."""

import pytest
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Pipeline, node

from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.parameters import misspelt_params
from zenml_runner.kedro_project.pipelines import refuse_unknown_parts
from zenml_runner.kedro_project.settings import refuse_unknown_env, settings_of
from zenml_runner.plan import RunSpec, Slice
from zenml_runner.settings.sections import deep_merge

PARAMETERS = "model: {depth: 3, start: {seed: 1}}\noptions: {}\ncount: 4\n"
CATALOG = '_root: "${runtime_params:data_root, data}"\n'


@pytest.fixture
def loader(tmp_path):
    """Of a project with the environments base and local."""
    for name, content in (("parameters", PARAMETERS), ("catalog", CATALOG)):
        (tmp_path / "base").mkdir(exist_ok=True)
        (tmp_path / "base" / f"{name}.yml").write_text(content)
    (tmp_path / "local").mkdir()
    return OmegaConfigLoader(tmp_path, base_env="base", default_run_env="local")


def with_given(loader: OmegaConfigLoader, given: dict) -> dict:
    """Parameters as Kedro merges them, in a project without hooks."""
    return deep_merge(loader["parameters"], given)


@pytest.mark.parametrize(
    "given",
    [
        {"count": 3},
        {"model": {"depth": 4, "start": {"seed": 2}}},
        {"options": {"anything": {"at": "all"}}},
        {"model": 3},
        {"data_root": {"any": "thing"}},
    ],
    ids=str,
)
def test_parameters_that_something_reads_are_accepted(loader, given):
    assert misspelt_params(given, loader, with_given(loader, given)) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cuont": 3}, "no parameter 'cuont': did you mean 'count'"),
        ({"model": {"dpeth": 4}}, "no parameter 'model.dpeth': did you mean 'model.depth'"),
        ({"model": {"start": {"sed": 4}}}, "'model.start.sed': did you mean 'model.start.seed'"),
    ],
)
def test_a_near_miss_is_a_warning_at_any_depth(loader, given, message):
    (warning,) = misspelt_params(given, loader, with_given(loader, given))
    assert message in warning


@pytest.mark.parametrize("given", [{"day": "2026-11-26"}, {"model": {"other": 1}}], ids=str)
def test_a_name_that_only_a_hook_or_a_node_reads_is_accepted(loader, given):
    assert misspelt_params(given, loader, with_given(loader, given)) == []


def test_a_parameter_that_a_node_takes_is_no_near_miss(loader):
    given = {"counts": 3}
    assert misspelt_params(given, loader, with_given(loader, given))
    inputs = {"params:counts", "raw"}
    assert misspelt_params(given, loader, with_given(loader, given), inputs) == []


@pytest.mark.parametrize("given", [{"depth": 4}, {"model": {"deep": 4}}], ids=str)
def test_a_name_that_a_hook_of_the_project_has_moved_is_accepted(loader, given):
    moved = {"model": {"depth": 4, "start": {"seed": 1}}, "options": {}, "count": 4}
    assert misspelt_params(given, loader, moved) == []


def test_an_environment_without_a_folder_is_refused_with_the_nearest(loader):
    refuse_unknown_env(loader, "local")
    refuse_unknown_env(loader, None)
    with pytest.raises(RunnerError, match=r"no environment 'lcoal' .* did you mean 'local'"):
        refuse_unknown_env(loader, "lcoal")


def test_a_namespace_or_one_around_it_is_known(loader):
    nodes = Pipeline([node(repr, "a", "b", name="clean", namespace="books.weekly")])
    for known in ("books", "books.weekly"):
        refuse_unknown_parts(RunSpec(package="tiny", slice=Slice(namespaces=(known,))), nodes)
    with pytest.raises(RunnerError, match=r"no namespace 'bocks' .* did you mean 'books'"):
        refuse_unknown_parts(RunSpec(package="tiny", slice=Slice(namespaces=("bocks",))), nodes)


@pytest.mark.parametrize("content", ["- a\n", "3\n", "1: x\n", "stack: [local\n", "stack: ${no}\n"])
def test_a_file_that_is_no_settings_is_named(loader, tmp_path, content):
    (tmp_path / "base" / "zenml.yml").write_text(content)
    with pytest.raises(RunnerError, match=r"zenml\.yml of the environment base cannot be read"):
        settings_of(loader)
