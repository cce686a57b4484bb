"""What a step of a plan asks of Vertex."""

import pytest

from zenml_runner.errors import RunnerError
from zenml_runner.plan import StepPlan
from zenml_runner.settings.steps import StepSettings
from zenml_runner.translation import _options


def step(**settings: object) -> StepPlan:
    return StepPlan(name="fit", nodes=("fit",), settings=StepSettings.model_validate(settings))


def test_accelerators_need_a_kind():
    with pytest.raises(RunnerError, match="gives fit 2 accelerators without their type"):
        _options(step(gpu=2), remote=True)
    assert _options(step(gpu=2), remote=False)["settings"] == {}


def test_a_machine_type_takes_its_accelerators_with_it():
    settings = _options(
        step(machine_type="n1-highmem-8", gpu=2, accelerator="NVIDIA_TESLA_T4", cpu=4), remote=True
    )["settings"]
    assert settings["orchestrator"]["custom_job_parameters"] == {
        "machine_type": "n1-highmem-8",
        "accelerator_type": "NVIDIA_TESLA_T4",
        "accelerator_count": 2,
    }
    assert "resources" not in settings


def test_an_empty_variable_is_not_passed_on():
    options = _options(step(environment={"BUCKET": "books", "TOKEN": ""}), remote=True)
    assert options["environment"] == {"BUCKET": "books"}
