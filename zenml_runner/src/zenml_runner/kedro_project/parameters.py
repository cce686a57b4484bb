"""The parameters of a project, of a run and of a shard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.io.core import is_parameter

from zenml_runner.kedro_project.private import parameter_inputs
from zenml_runner.settings.sections import deep_merge

# ${runtime_params:name, default} anywhere in the configuration.
_RUNTIME_PARAMETER = re.compile(r"runtime_params:\s*(\w+)")
# The least similarity of a misspelt name, from 0 to 1.
_NEAR = 0.75


def parameters_of(loader: Any) -> dict[str, Any]:
    """Return the project's parameters; none where it has no such file."""
    try:
        return dict(loader["parameters"])
    except MissingConfigException:
        return {}


def inputs_with(parameter: str) -> set[str]:
    """Return the node inputs that hold a parameter: its own, the groups around it, and all."""
    parts = parameter.split(".")
    groups = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return {"parameters", *(f"params:{group}" for group in groups)}


def give_to_nodes(
    context: Any,
    catalog: Any,
    parameters: Mapping[str, Any],
    own: Mapping[str, Any],
    name: str,
) -> None:
    """Put one step's own parameters into the catalog, validated by Kedro.

    Args:
        context: The project's context.
        catalog: Its catalog.
        parameters: Those of the run.
        own: Those of the step; none puts the run's back.
        name: Dotted name of the parameter that the step has for itself.
    """
    context.config_loader["parameters"] = deep_merge(parameters, own)
    changed = inputs_with(name)
    for key, value in parameter_inputs(context).items():
        if key in changed or key.startswith(f"params:{name}."):
            catalog[key].save(value)


def misspelt_params(
    given: Mapping[str, Any], loader: Any, effective: Mapping[str, Any], inputs: Iterable[str] = ()
) -> list[str]:
    """Return a warning for each runtime parameter that looks like a misspelt one.

    Kedro takes any name: a hook may read it, or a node alone. A hook may also move its value.

    Args:
        given: The runtime parameters, nested where their names have dots.
        loader: A configuration loader without them.
        effective: The parameters with them, after the hook `after_context_created`.
        inputs: The inputs of the pipeline's nodes.
    """
    if not given:
        return []
    source = Path(loader.conf_source)
    read: set[str] = set()
    for path in [*source.rglob("*.yml"), *source.rglob("*.yaml")]:
        read |= set(_RUNTIME_PARAMETER.findall(path.read_text(encoding="utf-8")))
    others = {name: value for name, value in given.items() if name not in read}
    read |= {name.removeprefix("params:") for name in inputs if is_parameter(name)}
    return list(_misspelt(others, parameters_of(loader), effective, known=read))


def _misspelt(
    given: Mapping[str, Any],
    configured: Mapping[str, Any],
    effective: Any,
    prefix: str = "",
    known: Iterable[str] = (),
) -> Iterator[str]:
    """Yield a warning for each new key that is near a configured one."""
    left = effective if isinstance(effective, Mapping) else {}
    names = sorted({*known, *(f"{prefix}{key}" for key in configured)})
    for key, value in given.items():
        name = f"{prefix}{key}"
        below = configured.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and below:
            yield from _misspelt(value, below, left.get(key), f"{name}.", known)
        elif key not in configured and key in left and name not in known:
            for near in get_close_matches(name, names, n=1, cutoff=_NEAR):
                yield (
                    f"The configuration has no parameter {name!r}: did you mean {near!r}? The run "
                    f"goes on with {name!r}, which a hook or a node may read."
                )
