"""What a step asks of Kubernetes: resources, deadline, and the nodes on which its pod may run."""

from __future__ import annotations

from typing import Any

from zenml_runner.settings.steps import StepSettings

Settings = dict[str, Any]
# Labels of nodes that clouds set, by cloud: Google, Amazon, Azure, Karpenter. A node has one of
# them, so a pod may run on a node that has any.
POOL_LABELS = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
)
SPOT_LABELS = {
    "cloud.google.com/gke-spot": "true",
    "eks.amazonaws.com/capacityType": "SPOT",
    "kubernetes.azure.com/scalesetpriority": "spot",
    "karpenter.sh/capacity-type": "spot",
}
INSTANCE_LABEL = "node.kubernetes.io/instance-type"


def present(**values: Any) -> Settings:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def pod_settings(own: StepSettings) -> Settings:
    """Return ZenML's settings of a pod for a step.

    Args:
        own: What zenml.yml gives the step.
    """
    pod: Settings = {}
    requests = present(cpu=None if own.cpu is None else f"{own.cpu:g}", memory=_memory(own.memory))
    # A pod may use more cores than it asks for where they are idle; memory is a limit.
    limits = present(memory=requests.get("memory"))
    if own.gpu:
        limits["nvidia.com/gpu"] = str(own.gpu)
    if requests or limits:
        pod["resources"] = {
            kind: values for kind, values in (("requests", requests), ("limits", limits)) if values
        }
    if own.machine_type is not None:
        pod["node_selectors"] = {INSTANCE_LABEL: own.machine_type}
    if terms := _node_terms(own):
        wanted = {"nodeSelectorTerms": terms}
        pod["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": wanted}
        }
    if own.spot:
        pod["tolerations"] = [
            {"key": label, "operator": "Equal", "value": value, "effect": "NoSchedule"}
            for label, value in SPOT_LABELS.items()
        ]
    return present(pod_settings=pod or None, active_deadline_seconds=own.timeout)


def _memory(memory: str | None) -> str | None:
    """Return ZenML's `8GB` as Kubernetes' `8G`, and `8GiB` as `8Gi`."""
    return (
        None if memory is None else memory.removesuffix("B").replace("K", "k").replace("ki", "Ki")
    )


def _node_terms(own: StepSettings) -> list[dict[str, Any]]:
    """Return sets of labels; a node must have all labels of one set."""

    def has(label: str, value: str) -> dict[str, Any]:
        return {"key": label, "operator": "In", "values": [value]}

    pools = [[has(label, own.node_pool)] for label in POOL_LABELS] if own.node_pool else [[]]
    spots = [[has(*pair)] for pair in SPOT_LABELS.items()] if own.spot else [[]]
    terms = [pool + spot for pool in pools for spot in spots]
    return [{"matchExpressions": term} for term in terms if term]
