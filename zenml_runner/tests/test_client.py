"""ZenML's client for the commands."""

import zenml
from zenml.environment import get_run_environment_dict

from zenml_runner.client import installed_packages, list_packages_here


def test_the_packages_that_zenml_records_are_listed_in_this_process() -> None:
    list_packages_here()
    recorded = get_run_environment_dict()["python_packages"].splitlines()
    assert recorded == installed_packages()
    assert f"zenml=={zenml.__version__}" in recorded
