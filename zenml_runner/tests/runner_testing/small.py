"""Projects of a few lines, one for each behaviour."""

import kedro

SETTINGS = """
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow", "kedro-viz")
"""
ZENML = "stacks: {local: {type: local}}\n"


def small_files(
    registry: str,
    catalog: str = "",
    *,
    parameters: str = "none: null\n",
    zenml: str = ZENML,
    settings: str = SETTINGS,
    package: str = "small",
    more: dict[str, str] | None = None,
) -> dict[str, str]:
    """The files of a project.

    Args:
        registry: Functions and `register_pipelines`; `Pipeline` and `node` are imported.
        catalog: catalog.yml.
        parameters: parameters.yml.
        zenml: zenml.yml.
        settings: settings.py.
        package: Its name.
        more: Other files.
    """
    return {
        "pyproject.toml": f"""
[tool.kedro]
package_name = "{package}"
project_name = "{package}"
kedro_init_version = "{kedro.__version__}"
source_dir = "src"
""",
        f"src/{package}/__init__.py": "",
        f"src/{package}/settings.py": settings,
        f"src/{package}/pipeline_registry.py": "from kedro.pipeline import Pipeline, node\n"
        + registry,
        "conf/base/catalog.yml": catalog,
        "conf/base/parameters.yml": parameters,
        "conf/base/zenml.yml": zenml,
        "conf/local/credentials.yml": "",
        **(more or {}),
    }
