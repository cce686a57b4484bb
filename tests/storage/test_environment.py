import shutil
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks import _create_hook_manager
from kedro.framework.startup import bootstrap_project

from book_forecast import settings
from book_forecast.storage.environment import (
    ENVIRONMENTS,
    EnvironmentConfigLoader,
    EnvironmentContext,
    choose_environment,
)
from book_forecast.storage.errors import UserError


@pytest.fixture
def load(project_path: Path, tmp_path: Path) -> Any:
    """Loads the project's own configuration, with one more catalog entry."""
    shutil.copytree(project_path / "conf", tmp_path / "conf")
    probe = "probe: {type: pandas.CSVDataset, filepath: '${_root}/probe.csv'}"
    (tmp_path / "conf/base/catalog_probe.yml").write_text(probe)

    def loader(env: str | None = None, **params: Any) -> EnvironmentConfigLoader:
        return EnvironmentConfigLoader(
            str(tmp_path / "conf"), env, params, **settings.CONFIG_LOADER_ARGS
        )

    return loader


def root_of(loader: EnvironmentConfigLoader) -> Any:
    return loader["catalog"]["probe"]["filepath"].removesuffix("/probe.csv")


def test_without_any_choice_a_run_is_a_development_run():
    assert choose_environment(None, {}) == "development"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_deployment_env_picks_the_environment(name):
    assert choose_environment(None, {"DEPLOYMENT_ENV": name}) == name


def test_kedro_env_wins_over_deployment_env():
    variables = {"KEDRO_ENV": "testing", "DEPLOYMENT_ENV": "production"}
    assert choose_environment(None, variables) == "testing"


def test_the_option_wins_over_both_variables():
    variables = {"KEDRO_ENV": "testing", "DEPLOYMENT_ENV": "production"}
    assert choose_environment("development", variables) == "development"


@pytest.mark.parametrize("name", ["", " ", "prod", "base", "local", "../base", "/etc", "Testing"])
@pytest.mark.parametrize("origin", ["--env", "KEDRO_ENV", "DEPLOYMENT_ENV"])
def test_anything_else_is_refused_with_the_list(name, origin):
    option = name if origin == "--env" else None
    with pytest.raises(UserError, match=r"development, testing, production") as refusal:
        choose_environment(option, {} if option is not None else {origin: name})
    assert origin in str(refusal.value)
    assert repr(name) in str(refusal.value)


def context_of(loader: EnvironmentConfigLoader, project_path: Path) -> EnvironmentContext:
    return EnvironmentContext(
        package_name="book_forecast",
        project_path=project_path,
        config_loader=loader,
        env=None,  # what Kedro passes where neither --env nor KEDRO_ENV is given
        hook_manager=_create_hook_manager(),
    )


def test_the_context_names_the_chosen_environment(load, project_path, monkeypatch):
    monkeypatch.setenv("DEPLOYMENT_ENV", "testing")
    assert context_of(load(), project_path).env == "testing"


@pytest.mark.parametrize("root", ["elsewhere", "/elsewhere"])
def test_a_relative_data_root_is_a_folder_of_the_project(
    load, project_path, tmp_path, monkeypatch, root
):
    bootstrap_project(project_path)
    monkeypatch.chdir(tmp_path)
    catalog = context_of(load(data_root=root), project_path).catalog
    assert Path(catalog["probe"]._filepath) == project_path / root / "probe.csv"


@pytest.mark.parametrize(
    ("env", "titles"), [("development", "top"), ("testing", "all"), ("production", "all")]
)
def test_environments_differ_in_the_titles_they_take(load, env, titles):
    assert load(env)["parameters"]["selection"]["titles"] == titles


def test_an_environment_changes_one_nested_option_and_keeps_the_others(load):
    execution = load("testing", execution={"shard": {"index": 2}})["parameters"]["execution"]
    assert execution["shard"] == {"index": 2, "count": 1}
    assert execution["wait_minutes"] == 60


def test_data_are_in_the_project_unless_a_run_names_another_root(load):
    assert root_of(load("development")) == "data"
    assert root_of(load("development", data_root="gs://b/f")) == "gs://b/f"


@pytest.mark.parametrize("value", ["books", "gs://books", "gs://books/"])
def test_production_data_lies_in_the_bucket_of_the_environment_variable(load, monkeypatch, value):
    monkeypatch.setenv("BOOK_FORECAST_BUCKET", value)
    loader = load("production")
    assert root_of(loader) == "gs://books"
    assert loader["parameters"]["data_root"] == "gs://books"


def test_production_without_a_bucket_names_the_variable_to_set(load):
    with pytest.raises(UserError, match="BOOK_FORECAST_BUCKET") as refusal:
        root_of(load("production"))
    assert "data_root" in str(refusal.value)


def test_production_needs_no_bucket_where_data_root_is_given(load):
    assert root_of(load("production", data_root="elsewhere")) == "elsewhere"


def test_an_empty_data_root_is_refused(load):
    with pytest.raises(UserError, match="data_root"):
        root_of(load("development", data_root=None))
