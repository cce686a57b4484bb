"""What orchestrators and step operators call the machine, spot, node pool and timeout of a step.

zenml.yml has one word for each. A dialect turns them into the settings that ZenML 0.98 has for a
flavor, as its source reads them. A key that a flavor has no word for is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zenml_runner.errors import RunnerError
from zenml_runner.settings.steps import StepSettings
from zenml_runner.stacks.pods import Settings, pod_settings, present

KEYS = ("cpu", "memory", "gpu", "accelerator", "machine_type", "spot", "node_pool", "timeout")
"""The keys of zenml.yml whose meaning depends on the stack."""
RESOURCES = ("cpu", "memory", "gpu")
"""Those of them that ZenML has general settings for."""

VERTEX_ACCELERATOR = "cloud.google.com/gke-accelerator"
"""The node selector from which ZenML's Vertex orchestrator reads the accelerator."""
DAY_SECONDS = 24 * 60 * 60

Translation = Callable[[StepSettings], Settings]


@dataclass(frozen=True)
class Dialect:
    """The words of a flavor.

    Attributes:
        keys: The keys of zenml.yml that it can express.
        translate: Turns them into settings of the flavor.
        resources: Whether the flavor reads ZenML's general settings of cpu, memory and gpu.
        needs: Keys by the keys that have an effect with them alone.
        advice: What to do instead of a key that it cannot express.
    """

    keys: frozenset[str]
    translate: Translation = lambda _: {}
    resources: bool = False
    needs: Mapping[str, str] = field(default_factory=dict)
    advice: str = "leave it out, or write what the stack offers under settings"

    def refuse(self, step: str, own: StepSettings, component: str) -> None:
        """Refuse keys that have no effect.

        Args:
            step: Name of the step.
            own: Its settings.
            component: Words for the orchestrator or step operator, and the stack.

        Raises:
            RunnerError: With the step, the key and what to do.
        """
        given = [key for key in KEYS if getattr(own, key)]
        for key in given:
            if key not in self.keys:
                raise RunnerError(
                    f"zenml.yml gives the step {step} {key}, which {component} cannot take: "
                    f"{self.advice}."
                )
            needed = self.needs.get(key)
            if needed is not None and not getattr(own, needed):
                raise RunnerError(
                    f"zenml.yml gives the step {step} {key}, which {component} takes together with "
                    f"{needed} only: write {needed} beside it."
                )


def _vertex(own: StepSettings) -> Settings:
    if own.machine_type is None:
        if not own.gpu:
            return {}
        return {"pod_settings": {"node_selectors": {VERTEX_ACCELERATOR: own.accelerator}}}
    job = present(machine_type=own.machine_type, persistent_resource_id=own.node_pool)
    if own.gpu:
        job |= {"accelerator_type": own.accelerator, "accelerator_count": own.gpu}
    more = present(
        timeout=f"{own.timeout}s" if own.timeout else None, strategy="SPOT" if own.spot else None
    )
    if more:
        job["additional_training_job_args"] = more
    return {"custom_job_parameters": job}


def _vertex_operator(own: StepSettings) -> Settings:
    job = present(machine_type=own.machine_type, persistent_resource_id=own.node_pool)
    if own.gpu:
        job |= {"accelerator_type": own.accelerator, "accelerator_count": own.gpu}
    return job


def _sagemaker(own: StepSettings) -> Settings:
    found = present(instance_type=own.machine_type, max_runtime_in_seconds=own.timeout)
    if own.spot:
        wait = own.timeout or DAY_SECONDS
        found |= {
            "use_training_step": True,
            "estimator_args": {"use_spot_instances": True, "max_wait": wait},
        }
    return found


def _sagemaker_operator(own: StepSettings) -> Settings:
    estimator = present(max_run=own.timeout)
    if own.spot:
        estimator |= {"use_spot_instances": True, "max_wait": own.timeout or DAY_SECONDS}
    return present(instance_type=own.machine_type, estimator_args=estimator or None)


def _azureml(own: StepSettings) -> Settings:
    if own.node_pool is None:
        return {}
    return present(
        mode="compute-cluster",
        compute_name=own.node_pool,
        size=own.machine_type,
        tier="low_priority" if own.spot else None,
    )


def _skypilot(own: StepSettings) -> Settings:
    return present(
        # At least as much, as no cloud has every size.
        cpus=None if own.cpu is None else f"{own.cpu:g}+",
        memory=None if own.memory is None else f"{_gigabytes(own.memory):g}+",
        accelerators={own.accelerator: own.gpu} if own.gpu and own.accelerator else None,
        instance_type=own.machine_type,
        use_spot=own.spot,
    )


def _gigabytes(memory: str) -> float:
    from zenml.config import ResourceSettings

    return ResourceSettings(memory=memory).get_memory() or 0.0


def _modal(own: StepSettings) -> Settings:
    return present(gpu=own.accelerator, timeout=own.timeout)


def _databricks(own: StepSettings) -> Settings:
    return present(
        node_type_id=own.machine_type,
        availability_type="SPOT" if own.spot else None,
        task_timeout_seconds=own.timeout,
    )


def _local_docker(own: StepSettings) -> Settings:
    arguments = present(
        nano_cpus=None if own.cpu is None else int(own.cpu * 1e9),
        mem_limit=None if own.memory is None else int(_gigabytes(own.memory) * 1e9),
        device_requests=[{"count": own.gpu, "capabilities": [["gpu"]]}] if own.gpu else None,
    )
    return {"run_args": arguments} if arguments else {}


def _lightning(own: StepSettings) -> Settings:
    return present(machine_type=own.machine_type)


_MACHINE_TYPE = "name a machine under machine_type"
_GPU = {"gpu": "accelerator"}
_CUSTOM_JOB = dict.fromkeys(("spot", "node_pool", "timeout"), "machine_type")
_VERTEX = Dialect(frozenset(KEYS), _vertex, resources=True, needs=_GPU | _CUSTOM_JOB)
_SKYPILOT = Dialect(
    frozenset(KEYS) - {"node_pool", "timeout"},
    _skypilot,
    needs=_GPU,
)
# ZenML's orchestrators of both give every step the accelerator of the last one, and hand memory to
# Kubeflow's compiler in a form that it refuses.
_KFP = Dialect(frozenset({"cpu"}), resources=True)
_KUBERNETES = Dialect(
    frozenset(KEYS) - {"accelerator"},
    pod_settings,
    advice="name the machines that have it under node_pool",
)

ORCHESTRATORS: Mapping[str, Dialect] = {
    "vertex": _VERTEX,
    "vertex_with_retries": _VERTEX,
    "kubernetes": _KUBERNETES,
    "sagemaker": Dialect(
        frozenset({"machine_type", "spot", "timeout"}), _sagemaker, advice=_MACHINE_TYPE
    ),
    "azureml": Dialect(
        frozenset({"machine_type", "spot", "node_pool"}),
        _azureml,
        needs={"machine_type": "node_pool", "spot": "node_pool"},
        advice="name a compute cluster under node_pool",
    ),
    **{f"vm_{cloud}": _SKYPILOT for cloud in ("aws", "azure", "gcp", "kubernetes", "lambda")},
    "kubeflow": _KFP,
    "tekton": _KFP,
    "modal": Dialect(
        frozenset({*RESOURCES, "accelerator", "timeout"}), _modal, resources=True, needs=_GPU
    ),
    "databricks": Dialect(
        frozenset({"machine_type", "spot", "timeout"}), _databricks, advice=_MACHINE_TYPE
    ),
    "local_docker": Dialect(frozenset(RESOURCES), _local_docker),
    "lightning": Dialect(frozenset({"machine_type"}), _lightning, advice=_MACHINE_TYPE),
    "airflow": Dialect(
        frozenset(), advice="write it under settings, as operator_args of orchestrator.airflow"
    ),
    "hyperai": Dialect(frozenset()),
    "ssh": Dialect(frozenset()),
}
STEP_OPERATORS: Mapping[str, Dialect] = {
    "vertex": Dialect(
        frozenset({"gpu", "accelerator", "machine_type", "node_pool"}),
        _vertex_operator,
        needs=_GPU,
        advice=_MACHINE_TYPE,
    ),
    "kubernetes": _KUBERNETES,
    "sagemaker": Dialect(
        frozenset({"machine_type", "spot", "timeout"}), _sagemaker_operator, advice=_MACHINE_TYPE
    ),
    "azureml": ORCHESTRATORS["azureml"],
    "modal": ORCHESTRATORS["modal"],
    "databricks": ORCHESTRATORS["databricks"],
}


def unknown_dialect(component: Any) -> Dialect:
    """Return the words of a flavor that is none of ZenML's own.

    It knows cpu, memory and gpu if one of its functions reads ZenML's general settings of them.
    """
    reads = any(
        "resource_settings" in _names(function.__code__)
        for kind in type(component).__mro__
        if not kind.__module__.startswith("zenml.")
        for function in vars(kind).values()
        if hasattr(function, "__code__")
    )
    return Dialect(frozenset(RESOURCES), resources=True) if reads else Dialect(frozenset())


def _names(code: Any) -> set[str]:
    """Return the names that a function uses, and the functions in it."""
    inner = [_names(one) for one in code.co_consts if hasattr(one, "co_names")]
    return set(code.co_names).union(*inner)
