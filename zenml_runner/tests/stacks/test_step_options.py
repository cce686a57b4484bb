"""What a step of a plan asks of each kind of stack."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
from zenml.integrations.kubernetes.flavors.kubernetes_orchestrator_flavor import (
    KubernetesOrchestratorConfig,
    KubernetesOrchestratorSettings,
)
from zenml.integrations.kubernetes.flavors.kubernetes_step_operator_flavor import (
    KubernetesStepOperatorSettings,
)
from zenml.orchestrators.local_docker.local_docker_orchestrator import (
    LocalDockerOrchestratorConfig,
    LocalDockerOrchestratorSettings,
)
from zenml.zen_stores import sql_zen_store  # noqa: F401 - ZenML's flavors import in circles

from zenml_runner.errors import RunnerError
from zenml_runner.plan import StepPlan
from zenml_runner.settings.steps import StepSettings
from zenml_runner.settings.zenml_yml import read_settings
from zenml_runner.stacks.dialects import ORCHESTRATORS, STEP_OPERATORS, unknown_dialect
from zenml_runner.stacks.step_options import pipeline_settings, step_options, warnings_of
from zenml_runner.stacks.target import Target, target_of

pytestmark = pytest.mark.skipif(
    find_spec("kubernetes") is None, reason="ZenML's settings of pods need Kubernetes' client"
)
VERTEX = Target("cloud", "vertex", in_process=False)
LOCAL = Target("here", "local", in_process=True)


@dataclass
class Component:
    """What a target asks of ZenML's object."""

    flavor: str
    settings_class: Any
    config: Any = None
    name: str = "own"
    supports_schedule_deletion: bool = False


def cluster(**operators: Component) -> Target:
    config = KubernetesOrchestratorConfig()
    own = Component("kubernetes", KubernetesOrchestratorSettings, config)
    return Target("cluster", "kubernetes", False, own, operators)


DOCKER = Target(
    "docker",
    "local_docker",
    False,
    Component("local_docker", LocalDockerOrchestratorSettings, LocalDockerOrchestratorConfig()),
)


def step(**settings: object) -> StepPlan:
    return StepPlan(name="fit", nodes=("fit",), settings=StepSettings.model_validate(settings))


def settings_of(target: Target, **settings: object) -> dict[str, Any]:
    found: dict[str, Any] = step_options(step(**settings), target, {})["settings"]
    return found


def refusal(target: Target, **settings: object) -> str:
    with pytest.raises(RunnerError) as refused:
        step_options(step(**settings), target, {})
    return str(refused.value)


def test_on_vertex_accelerators_need_a_kind():
    assert "gives the step fit gpu" in refusal(VERTEX, gpu=2)
    assert settings_of(LOCAL, gpu=2) == {}
    assert settings_of(VERTEX, gpu=2, accelerator="NVIDIA_TESLA_T4") == {
        "resources": {"gpu_count": 2},
        "orchestrator": {
            "pod_settings": {
                "node_selectors": {"cloud.google.com/gke-accelerator": "NVIDIA_TESLA_T4"}
            }
        },
    }


def test_on_vertex_a_machine_type_takes_everything_of_the_machine_with_it():
    job = {"machine_type": "n1-highmem-8", "gpu": 2, "accelerator": "NVIDIA_TESLA_T4", "cpu": 4}
    settings = settings_of(VERTEX, **job, spot=True, node_pool="mine", timeout=90)
    assert settings["orchestrator"]["custom_job_parameters"] == {
        "machine_type": "n1-highmem-8",
        "accelerator_type": "NVIDIA_TESLA_T4",
        "accelerator_count": 2,
        "persistent_resource_id": "mine",
        "additional_training_job_args": {"timeout": "90s", "strategy": "SPOT"},
    }
    assert "resources" not in settings
    for key in ("spot", "node_pool", "timeout"):
        assert "machine_type" in refusal(VERTEX, **{key: 1 if key == "timeout" else "true"})


def test_on_kubernetes_a_pod_asks_for_cores_memory_and_time():
    settings = settings_of(cluster(), cpu=0.5, memory="8GB", gpu=1, timeout=90)
    assert settings == {
        "orchestrator": {
            "pod_settings": {
                "resources": {
                    "requests": {"cpu": "0.5", "memory": "8G"},
                    "limits": {"memory": "8G", "nvidia.com/gpu": "1"},
                }
            },
            "active_deadline_seconds": 90,
        }
    }
    for given, expected in (("512MiB", "512Mi"), ("64KB", "64k"), ("64KiB", "64Ki")):
        pod = settings_of(cluster(), memory=given)["orchestrator"]["pod_settings"]
        assert pod["resources"]["limits"] == {"memory": expected}


def test_on_kubernetes_spot_and_node_pool_have_the_labels_of_every_cloud():
    pod = settings_of(cluster(), spot=True, node_pool="big", machine_type="n2-standard-8")
    pod = pod["orchestrator"]["pod_settings"]
    assert pod["node_selectors"] == {"node.kubernetes.io/instance-type": "n2-standard-8"}
    wanted = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    terms = [
        {e["key"]: e["values"] for e in term["matchExpressions"]}
        for term in wanted["nodeSelectorTerms"]
    ]
    assert {
        "cloud.google.com/gke-nodepool": ["big"],
        "cloud.google.com/gke-spot": ["true"],
    } in terms
    assert {
        "eks.amazonaws.com/nodegroup": ["big"],
        "eks.amazonaws.com/capacityType": ["SPOT"],
    } in terms
    assert len(terms) == 16
    assert {t["key"] for t in pod["tolerations"]} >= {"cloud.google.com/gke-spot"}
    KubernetesOrchestratorSettings.model_validate({"pod_settings": pod})


def test_on_docker_of_this_machine_a_container_has_limits():
    assert settings_of(DOCKER, cpu=1.5, memory="2GB", gpu=1)["orchestrator"]["run_args"] == {
        "nano_cpus": 1_500_000_000,
        "mem_limit": 2_000_000_000,
        "device_requests": [{"count": 1, "capabilities": [["gpu"]]}],
    }


@pytest.mark.parametrize(
    ("flavor", "given", "expected"),
    [
        (
            "sagemaker",
            {"machine_type": "ml.m5.large", "spot": True, "timeout": 60},
            {
                "instance_type": "ml.m5.large",
                "max_runtime_in_seconds": 60,
                "use_training_step": True,
                "estimator_args": {"use_spot_instances": True, "max_wait": 60},
            },
        ),
        (
            "azureml",
            {"machine_type": "Standard_D4", "spot": True, "node_pool": "cpus"},
            {
                "mode": "compute-cluster",
                "compute_name": "cpus",
                "size": "Standard_D4",
                "tier": "low_priority",
            },
        ),
        (
            "vm_aws",
            {"cpu": 4, "memory": "16GB", "gpu": 1, "accelerator": "T4", "spot": True},
            {"cpus": "4+", "memory": "16+", "accelerators": {"T4": 1}, "use_spot": True},
        ),
        ("modal", {"timeout": 60, "gpu": 1, "accelerator": "A100"}, {"timeout": 60, "gpu": "A100"}),
        (
            "databricks",
            {"machine_type": "m5.large", "spot": True, "timeout": 60},
            {
                "node_type_id": "m5.large",
                "availability_type": "SPOT",
                "task_timeout_seconds": 60,
            },
        ),
    ],
)
def test_each_stack_has_its_own_words(flavor, given, expected):
    assert ORCHESTRATORS[flavor].translate(StepSettings.model_validate(given)) == expected


def test_every_word_of_a_dialect_is_a_setting_of_its_flavor():
    """The names of settings are those of the installed ZenML."""
    from zenml.enums import StackComponentType
    from zenml.stack.flavor_registry import FlavorRegistry

    everything = StepSettings.model_validate(
        {
            "cpu": 2,
            "memory": "4GB",
            "gpu": 1,
            "accelerator": "T4",
            "machine_type": "large",
            "spot": True,
            "node_pool": "pool",
            "timeout": 60,
        }
    )
    registry = FlavorRegistry()
    flavors = [one() for one in (*registry.builtin_flavors, *registry.integration_flavors)]
    for kind, dialects in (
        (StackComponentType.ORCHESTRATOR, ORCHESTRATORS),
        (StackComponentType.STEP_OPERATOR, STEP_OPERATORS),
    ):
        known = {one.name: one for one in flavors if one.type == kind}
        for flavor, dialect in dialects.items():
            if flavor != "vertex_with_retries":
                fields = known[flavor].config_class.model_fields
                assert set(dialect.translate(everything)) <= set(fields), flavor


@pytest.mark.parametrize("flavor", ["hyperai", "airflow", "ssh"])
def test_what_a_stack_has_no_word_for_is_refused_with_key_and_stack(flavor):
    target = Target("other", flavor, in_process=False)
    message = refusal(target, spot=True)
    assert f"the step fit spot, which the orchestrator {flavor} of the stack other" in message
    assert "leave it out" in message or "write it under settings" in message


class Reads:
    def submit(self, steps):
        return [step.config.resource_settings for step in steps]


class Ignores:
    def submit(self, steps):
        return steps


def test_a_flavor_of_somebody_elses_takes_cores_if_its_class_reads_them():
    assert {"cpu", "memory", "gpu"} == unknown_dialect(Reads()).keys
    assert not unknown_dialect(Ignores()).keys
    target = Target("own", "own", False, Ignores())
    assert "cpu, which the orchestrator own" in refusal(target, cpu=2)


def test_settings_by_zenmls_key_win_and_those_of_other_stacks_have_no_effect():
    given = {
        "orchestrator.kubernetes": {"pod_settings": {"labels": {"a": "b"}}, "privileged": True},
        "orchestrator.vertex": {"labels": {"c": "d"}},
        "step_operator.sagemaker": {"instance_type": "large"},
    }
    settings = settings_of(cluster(), cpu=1, settings=given)
    assert settings == {
        "orchestrator": {
            "pod_settings": {"resources": {"requests": {"cpu": "1"}}, "labels": {"a": "b"}},
            "privileged": True,
        }
    }
    assert settings_of(VERTEX, settings=given) == {"orchestrator": {"labels": {"c": "d"}}}
    assert settings_of(cluster(), settings={"orchestrator": {"privileged": True}}) == {
        "orchestrator": {"privileged": True}
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"orchestrator.kubernetes": {"privilegd": True}},
            "settings of the step fit: orchestrator has no key 'privilegd'; did you mean 'priv",
        ),
        (
            {"orchestrator.kubernetes": {"pod_settings": {"lables": {}}}},
            "orchestrator.pod_settings has no key 'lables'; did you mean 'labels'?",
        ),
        (
            {"orchestrator.kubernetes": {"active_deadline_seconds": "soon"}},
            "orchestrator.active_deadline_seconds is not what ZenML takes",
        ),
        ({"orchestrater": {}}, "the key 'orchestrater' under settings of the step fit"),
    ],
)
def test_mistakes_in_zenmls_settings_are_named_with_their_key(settings, message):
    assert message in refusal(cluster(), settings=settings)


def test_a_step_operator_is_one_of_the_stack_and_has_words_of_its_own():
    operator = Component("kubernetes", KubernetesStepOperatorSettings, name="gpus")
    target = cluster(gpus=operator)
    options = step_options(step(step_operator="gpus", cpu=2), target, {})
    assert options["step_operator"] == "gpus"
    assert list(options["settings"]) == ["step_operator:gpus"]
    given = {"step_operator.kubernetes": {"privileged": True}}
    settings = settings_of(target, step_operator="gpus", settings=given)
    assert settings == {"step_operator:gpus": {"privileged": True}}
    assert "did you mean 'gpus'?" in refusal(target, step_operator="gpu")
    assert "has no step operators" in refusal(cluster(), step_operator="gpus")
    assert "step_operator" not in step_options(step(step_operator="gpus"), LOCAL, {})


def test_a_step_without_operator_on_the_local_orchestrator_needs_no_machine():
    operator = Component("kubernetes", KubernetesStepOperatorSettings, name="gpus")
    mixed = Target("mixed", "local", False, Component("local", None), {"gpus": operator})
    assert settings_of(mixed, cpu=2, spot=True, timeout=5) == {}
    assert list(settings_of(mixed, cpu=2, step_operator="gpus")) == ["step_operator:gpus"]


def test_an_empty_variable_is_not_passed_on():
    options = step_options(step(environment={"BUCKET": "books", "TOKEN": ""}), VERTEX, {})
    assert options["environment"] == {"BUCKET": "books"}


def test_secrets_are_ids():
    options = step_options(step(secrets=["database", "variable"]), LOCAL, {"database": "some-id"})
    assert options["secrets"] == ["some-id"]


def test_a_step_has_an_image_of_its_own():
    docker = settings_of(cluster(), image="registry/gpu:1")["docker"]
    assert (docker["parent_image"], docker["skip_build"]) == ("registry/gpu:1", True)


def test_a_pipeline_has_an_image_labels_and_settings_of_the_whole():
    content = {
        "image": "registry/all:1",
        "labels": {"team": "books"},
        "settings": {"orchestrator.kubernetes": {"max_parallelism": 3}},
    }
    settings = pipeline_settings(read_settings(content, "zenml.yml"), cluster())
    assert settings["docker"]["parent_image"] == "registry/all:1"
    assert settings["orchestrator"] == {
        "synchronous": False,
        "pod_settings": {"labels": {"team": "books"}},
        "max_parallelism": 3,
    }
    vertex = pipeline_settings(read_settings(content, "zenml.yml"), VERTEX)
    assert vertex["orchestrator"] == {"synchronous": False, "labels": {"team": "books"}}
    with pytest.raises(RunnerError, match="no image"):
        pipeline_settings(read_settings({}, "zenml.yml"), cluster())
    assert pipeline_settings(read_settings({}, "zenml.yml"), LOCAL) == {}


def test_kubernetes_has_a_delay_between_retries_of_its_own():
    steps = [step(retry={"max_retries": 1, "delay": 30})]
    (line,) = warnings_of(steps, cluster())
    assert "retry.delay" in line
    assert list(warnings_of(steps, VERTEX)) == []


def test_stacks_of_zenml_yml_need_nobody_to_tell_what_they_can_do():
    settings = read_settings({"stacks": {"v": {"type": "vertex"}, "l": {"type": "local"}}}, "")
    vertex, local = (target_of(name, settings.stacks[name]) for name in ("v", "l"))
    assert (vertex.is_schedulable, vertex.in_process) == (True, False)
    assert (local.is_schedulable, local.in_process) == (False, True)
