"""Turns the settings of a step in zenml.yml into the options of a ZenML step on a stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zenml_runner.errors import RunnerError, did_you_mean
from zenml_runner.plan import StepPlan
from zenml_runner.settings.sections import deep_merge
from zenml_runner.settings.steps import ComponentSettings, StepSettings
from zenml_runner.settings.zenml_yml import ZenmlSettings
from zenml_runner.stacks.dialects import RESOURCES
from zenml_runner.stacks.target import IN_PROCESS, ORCHESTRATOR, STEP_OPERATOR, Target

GENERAL = ("docker", "resources", "deployment")
"""ZenML's keys of settings that no component has."""
TYPES = (
    *(ORCHESTRATOR, STEP_OPERATOR, "artifact_store", "experiment_tracker", "container_registry"),
    *("image_builder", "model_deployer", "model_registry", "alerter", "feature_store"),
    *("annotator", "data_validator", "deployer", "log_store", "sandbox"),
)
# An own flavor here takes the settings of the one it extends.
SAME_FLAVOR = {"vertex_with_retries": "vertex"}


def step_options(step: StepPlan, target: Target, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a ZenML step.

    Args:
        step: Name and settings.
        target: The stack.
        secrets: Ids of ZenML's secrets by their names in zenml.yml.

    Raises:
        RunnerError: If the stack cannot do what the settings ask for.
    """
    from zenml.config.retry_config import StepRetryConfig

    own = step.settings
    options: dict[str, Any] = {"settings": checked_settings(step, target)}
    if own.retry is not None and own.retry.max_retries:
        options["retry"] = StepRetryConfig(**own.retry.model_dump())
    # A Vertex job cannot hold an empty value.
    if environment := {name: value for name, value in own.environment.items() if value}:
        options["environment"] = environment
    if known := [secrets[name] for name in own.secrets if name in secrets]:
        options["secrets"] = known
    if own.step_operator is not None and not target.in_process:
        options["step_operator"] = own.step_operator
    return options


def checked_settings(step: StepPlan, target: Target) -> dict[str, Any]:
    """Return ZenML's settings of a step.

    Raises:
        RunnerError: If the stack cannot do what the settings ask for.
    """
    runs_here = target.flavor == IN_PROCESS and step.settings.step_operator is None
    if target.in_process or runs_here:
        return {}
    target.refuse_operator(step.name, step.settings.step_operator)
    return _settings(step.name, step.settings, target)


def pipeline_settings(
    settings: ZenmlSettings, target: Target, orchestrator: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return ZenML's settings of a whole pipeline.

    Args:
        settings: The project's zenml.yml.
        target: The stack.
        orchestrator: More settings of the orchestrator.

    Raises:
        RunnerError: If containers are needed and there is no image, or a setting is unknown.
    """
    if target.in_process:
        return {}
    given = canonical(settings.settings, target, "settings")
    docker = given.get("docker", {})
    if settings.image is None and not docker.keys() & {"parent_image", "dockerfile"}:
        raise RunnerError(
            "zenml.yml has no image for this environment: build the Dockerfile, push it to your "
            "registry and name it under image."
        )
    fields = _fields(target)
    # With `--wait` the command itself waits.
    more = dict(orchestrator or {})
    if "synchronous" in fields:
        more["synchronous"] = False
    if settings.labels and "labels" in fields:
        more["labels"] = settings.labels
    elif settings.labels and target.flavor == "kubernetes":
        more["pod_settings"] = {"labels": settings.labels}
    own = {ORCHESTRATOR: more, "docker": image_settings(settings.image)}
    return _checked(deep_merge(own, given), target, "settings")


def image_settings(image: str | None) -> dict[str, Any]:
    """Return ZenML's settings of an image that has the project in it."""
    if image is None:
        return {}
    return {
        "parent_image": image,
        "skip_build": True,
        "allow_including_files_in_images": False,
        "allow_download_from_code_repository": False,
        "allow_download_from_artifact_store": False,
    }


def warnings_of(steps: Iterable[StepPlan], target: Target) -> Iterator[str]:
    """Return what a stack does in its own way, in one line each."""
    waits = [s.name for s in steps if s.settings.retry and _waits(s.settings)]
    if target.flavor == "kubernetes" and waits:
        yield (
            f"Kubernetes waits between retries by a rule of its own: retry.delay and retry.backoff "
            f"of {waits[0]} in zenml.yml have no effect."
        )


def _waits(own: StepSettings) -> bool:
    retry = own.retry
    return retry is not None and retry.max_retries > 0 and bool(retry.delay or retry.backoff > 1)


def _settings(step: str, own: StepSettings, target: Target) -> dict[str, Any]:
    """Return ZenML's settings of a step: those of its keys, with those of `settings` over them."""
    dialect = target.dialect(own.step_operator)
    dialect.refuse(step, own, target.words(own.step_operator))
    found: dict[str, Any] = {}
    if dialect.resources and not _has_own_machine(own, target):
        names = {"cpu": "cpu_count", "memory": "memory", "gpu": "gpu_count"}
        resources = {names[key]: getattr(own, key) for key in RESOURCES if getattr(own, key)}
        if resources:
            found["resources"] = resources
    if translated := dialect.translate(own):
        key = ORCHESTRATOR if own.step_operator is None else f"{STEP_OPERATOR}:{own.step_operator}"
        found[key] = translated
    if own.image is not None:
        found["docker"] = image_settings(own.image)
    where = f"settings of the step {step}"
    if not own.settings:
        return found
    return _checked(deep_merge(found, canonical(own.settings, target, where)), target, where)


def _has_own_machine(own: StepSettings, target: Target) -> bool:
    """Return whether a step on Vertex has all of a machine."""
    vertex = SAME_FLAVOR.get(target.flavor, target.flavor) == "vertex"
    return vertex and own.step_operator is None and own.machine_type is not None


def canonical(settings: ComponentSettings, target: Target, where: str) -> dict[str, Any]:
    """Return settings with one key for each component of the stack, without those of others.

    ZenML accepts `orchestrator`, `orchestrator.<flavor>` and `orchestrator:<name>`, one at a time.

    Raises:
        RunnerError: If a key is none of ZenML's.
    """
    found: dict[str, Any] = {}
    for key, values in settings.items():
        kind, _, selector = key.replace(":", ".").partition(".")
        if key in GENERAL:
            found = deep_merge(found, {key: values})
        elif kind not in TYPES:
            raise RunnerError(
                f"zenml.yml has the key {key!r} under {where}, which ZenML does not know: "
                f"{did_you_mean(kind, [*GENERAL, *TYPES])}"
            )
        elif kind not in (ORCHESTRATOR, STEP_OPERATOR):
            found = deep_merge(found, {key: values})
        else:
            for component in _chosen(kind, key, selector, target, where):
                found = deep_merge(found, {component: values})
    return found


def _chosen(kind: str, key: str, selector: str, target: Target, where: str) -> list[str]:
    """Return the canonical keys of the components that a key chooses."""
    own = [c for c in target.components if c[0] == kind]
    if ":" in key:
        matching = [c for c in own if c[2] == selector]
    elif selector:
        matching = [c for c in own if selector in (c[1], SAME_FLAVOR.get(c[1]))]
    else:
        matching = own[:1]
    if not matching and selector and ":" not in key:
        _refuse_unknown_flavor(kind, selector, where)
    return [kind if kind == ORCHESTRATOR else f"{kind}:{name}" for _, _, name in matching]


def _refuse_unknown_flavor(kind: str, flavor: str, where: str) -> None:
    """Refuse a flavor that is no other stack's either."""
    from zenml_runner.client import quiet_client

    known = {found.name for found in quiet_client().list_flavors(type=kind, size=1000).items}
    if flavor not in known:
        raise RunnerError(
            f"zenml.yml has the key {kind}.{flavor} under {where}, and ZenML has no such flavor: "
            f"{did_you_mean(flavor, known)}"
        )


def _fields(target: Target) -> set[str]:
    return set() if target.settings_class is None else set(target.settings_class.model_fields)


def _checked(settings: dict[str, Any], target: Target, where: str) -> dict[str, Any]:
    """Return settings that ZenML's own classes accept.

    Raises:
        RunnerError: With the key and its mistake.
    """
    for key, values in settings.items():
        model = _class_of(key, target)
        if model is None:
            continue
        try:
            checked = model.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, (key, *first["loc"])))
            raise RunnerError(
                f"zenml.yml, {where}: {place} is not what ZenML takes: {first['msg']}, not "
                f"{first['input']!r}."
            ) from None
        except Exception as error:
            raise RunnerError(
                f"zenml.yml, {where}: {key} is not what ZenML takes: {error}"
            ) from error
        _refuse_extra(checked, key, where)
    return {key: values for key, values in settings.items() if values}


def _class_of(key: str, target: Target) -> Any:
    if key == ORCHESTRATOR:
        return target.settings_class
    if key.startswith(f"{STEP_OPERATOR}:"):
        return target.step_operators[key.partition(":")[2]].settings_class
    if key == "docker":
        from zenml.config import DockerSettings

        return DockerSettings
    if key == "resources":
        from zenml.config import ResourceSettings

        return ResourceSettings
    return None


def _refuse_extra(model: BaseModel, place: str, where: str) -> None:
    """Refuse keys that ZenML would ignore, at any depth."""
    for key in model.model_extra or ():
        raise RunnerError(
            f"zenml.yml, {where}: {place} has no key {key!r}; "
            f"{did_you_mean(key, type(model).model_fields)}"
        )
    for name, value in vars(model).items():
        if isinstance(value, BaseModel):
            _refuse_extra(value, f"{place}.{name}", where)
