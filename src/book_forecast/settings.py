"""Kedro project settings: https://docs.kedro.org/en/stable/configure/configuration_basics/."""

import os
import warnings

from omegaconf.resolvers import oc

from book_forecast.hooks.alerts import AlertHooks, RefusedRunHooks
from book_forecast.hooks.interruption import InterruptionHooks
from book_forecast.hooks.killed_runs import KilledRunsHooks
from book_forecast.hooks.lineage import LineageHooks
from book_forecast.hooks.optional_inputs import FigureInputHooks
from book_forecast.hooks.pages import ReportIndexHooks
from book_forecast.hooks.parameters import OptionsHooks
from book_forecast.hooks.releases import ReleaseHooks
from book_forecast.hooks.run_lock import RunLockHooks
from book_forecast.hooks.run_metrics import RunMetricsHooks
from book_forecast.hooks.summary import SummaryHooks
from book_forecast.hooks.threads import ThreadsHooks
from book_forecast.hooks.tracking import TrackingHooks
from book_forecast.storage.environment import (
    EnvironmentConfigLoader,
    EnvironmentContext,
    gs_bucket,
    variable,
)

# Usage statistics would wait for a network that may not be there; whoever wants them sets these.
os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ZENML_ANALYTICS_OPT_IN", "false")

# MLflow warns, past all filters, of a class of kedro-mlflow's when it is defined. The plugin is
# imported for every command anyway.
with warnings.catch_warnings(record=True):
    import kedro_mlflow.mlflow  # noqa: F401
# Kedro's and kedro-mlflow's calls into OmegaConf, not ours.
warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")
# Google's words on the age of this Python.
warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core")

_alerts = AlertHooks()
HOOKS = (
    OptionsHooks(),
    RunLockHooks(),
    FigureInputHooks(),
    ThreadsHooks(),
    LineageHooks(),
    TrackingHooks(),
    KilledRunsHooks(),
    InterruptionHooks(),
    _alerts,
    RefusedRunHooks(_alerts),
    RunMetricsHooks(),
    ReleaseHooks(),
    ReportIndexHooks(),
    SummaryHooks(),
)
# TrackingHooks call the plugin's where they serve; Kedro compares the wheel's spelling.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")

CONTEXT_CLASS = EnvironmentContext
CONFIG_LOADER_CLASS = EnvironmentConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "custom_resolvers": {"oc.env": oc.env, "gs_bucket": gs_bucket, "variable": variable},
    # An environment changes single options of a nested group, not the whole group.
    # The same holds for the options of a catalog entry.
    "merge_strategy": dict.fromkeys(("parameters", "globals", "mlflow", "catalog"), "soft"),
}
