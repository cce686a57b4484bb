"""Kedro hooks for alerts: what a run has found goes to the outbox, and from there to people."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from book_forecast.alerts.channels import is_set_up
from book_forecast.alerts.events import Alert
from book_forecast.alerts.sending import Alerts, sender_of
from book_forecast.datasets.outbox import OUTBOX, OutboxDataset
from book_forecast.datasets.releases import ReleaseDataset
from book_forecast.hooks.releases import PROMOTION
from book_forecast.options.alerts import AlertOptions
from book_forecast.payload.contents import Payload
from book_forecast.releases.challenging import challenge_alert
from book_forecast.releases.gates import PromotionRefusedError, Verdict
from book_forecast.releases.promotion_alerts import promotion_alert
from book_forecast.releases.refreshing import REFRESH
from book_forecast.releases.store import ReleaseStore

logger = logging.getLogger(__name__)

_SHOWN = 10


class AlertHooks:
    """Sends alerts of what a run has found; a failure to send them is a warning and no more.

    What is known at the verdict waits in the outbox from there on: after a kill, the next run sends
    the news of a promotion. Without an address of a channel in the environment, nothing is written
    or sent.
    """

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._store: ReleaseStore | None = None
        self._n_promotions, self._next_challenge = 0, 1
        self._known: frozenset[str] = frozenset()
        self._found: list[Alert] = []

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the context, which has the parameters."""
        self._context = context

    @hook_impl
    def before_pipeline_run(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Note how long the promotion log is, and which releases there are."""
        self._found, self._store, self._catalog = [], None, catalog
        if not is_set_up(os.environ):
            return
        with _warning():
            entry = catalog.get("candidate")
            if isinstance(entry, ReleaseDataset):
                self._store, self._n_promotions = entry.store, len(entry.store.promotions())
                # Not how many can be read: that may change during the run.
                self._next_challenge = entry.store.challenges.next_number()
                self._known = frozenset(entry.store.releases())

    # After the hooks of releases, which promote a candidate.
    @hook_impl(trylast=True)
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note the alerts of a dataset."""
        if dataset_name not in _ALERTS_OF or not is_set_up(os.environ) or self._context is None:
            return
        with _warning():
            found = _ALERTS_OF[dataset_name](data, _options(self._context))
            self._found += [a for a in found if a.kind != "trained" or self._is_new(a.subject)]
            if dataset_name == PROMOTION and (alerts := self._outbox()) is not None:
                alerts.keep(self._all_found())

    def _is_new(self, candidate: str) -> bool:
        """Whether the run has stored it: it may have been there, or repeat one that stays."""
        stored = self._store is None or candidate in self._store.releases()
        return stored and candidate not in self._known

    @hook_impl(trylast=True)
    def after_pipeline_run(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Send what there is."""
        self._catalog = catalog
        self._send()

    @hook_impl(trylast=True)
    def on_pipeline_error(
        self, error: Exception, run_params: Mapping[str, Any], catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Send what there is, and that the run has failed."""
        if is_set_up(os.environ) and not isinstance(error, PromotionRefusedError):
            names = run_params.get("pipeline_names") or [run_params.get("pipeline_name")]
            pipelines = ", ".join(filter(None, names)) or "all pipelines"
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            text = f"{pipelines}: {reason}"
            # Whoever has mended one cause must hear of the next.
            self._found.append(Alert(kind="run_failed", subject=text, text=text))
        self._catalog = catalog
        self._send()

    def _send(self) -> None:
        with _warning():
            if (alerts := self._outbox()) is not None:
                alerts.send(self._all_found())
                self._found = []

    def _outbox(self) -> Alerts | None:
        """Return the outbox; None where alerts are not set up."""
        if not is_set_up(os.environ) or self._context is None or self._catalog is None:
            return None
        entry = self._catalog.get(OUTBOX) if OUTBOX in self._catalog else None
        if not isinstance(entry, OutboxDataset):
            return None
        sender, rules = sender_of(self._context.env), _options(self._context).rules
        return Alerts(entry.load(), os.environ, sender=sender, **rules)

    def _all_found(self) -> list[Alert]:
        """Return the alerts of the run's datasets, and of the logs since it began."""
        found = list(self._found)
        if self._store is not None:
            # A damaged log may be what has made the run fail, and people must hear of that.
            with _warning():
                promotions = self._store.promotions()[self._n_promotions :]
                found += map(promotion_alert, promotions)
            with _warning():
                challenges = self._store.challenges.entries()
                new = (one for one in challenges if one.number >= self._next_challenge)
                found += map(challenge_alert, new)
        return found


class RefusedRunHooks:
    """Alerts for runs that end before their first node: Kedro calls no hook of errors for them."""

    def __init__(self, alerts: AlertHooks) -> None:
        """Take the hooks that send."""
        self._alerts = alerts

    @hook_impl(wrapper=True)
    def before_pipeline_run(
        self, run_params: Mapping[str, Any], catalog: CatalogProtocol[Any, Any]
    ) -> Generator[None, Any, Any]:
        """Let all others go first, such as the lock of the data root."""
        try:
            return (yield)
        except Exception as error:
            self._alerts.on_pipeline_error(error, run_params, catalog)
            raise


def _options(context: KedroContext) -> AlertOptions:
    return AlertOptions.model_validate(context.config_loader["parameters"].get("alerts", {}))


def _of_verdict(data: Mapping[str, Any], _: AlertOptions) -> Iterator[Alert]:
    verdict = Verdict.model_validate(data)
    if not verdict.promote and verdict.release != verdict.champion:
        text = f"{verdict.release} is not promoted: it {verdict.why}"
        yield Alert(kind="gate_failed", subject=verdict.release, text=text)


def _of_state(data: Mapping[str, Any], _: AlertOptions) -> Iterator[Alert]:
    text = " ".join(data["problems"])
    if data["state"] == "broken":
        yield Alert(kind="delivery_broken", subject=text, text=text)
    elif data["state"] == "degraded":
        yield Alert(kind="forecasts_degraded", text=text)


def _of_test(data: Mapping[str, Any], _: AlertOptions) -> Iterator[Alert]:
    subject, text = f"{data['test']} {data.get('challenger')}", data["message"]
    if data["verdict"] == "win":
        how = "`kedro release promote challenger` makes it champion."
        yield Alert(kind="challenger_won", subject=subject, text=f"{text} {how}")
    elif data["verdict"] == "lose":
        how = "`kedro release withdraw` takes it back."
        yield Alert(kind="challenger_lost", subject=subject, text=f"{text} {how}")


def _of_candidate(data: Payload, _: AlertOptions) -> Iterator[Alert]:
    manifest = data.manifest
    text = f"{data.release}: {manifest['titles']} titles, weeks to {manifest['cutoff']}."
    if (counts := manifest.get(REFRESH)) is not None:
        text += (
            f" {counts['refitted']} refitted, {counts['retuned']} tuned anew, {counts['kept']} as "
            f"in {counts['of']}."
        )
    yield Alert(kind="trained", subject=data.release, text=text)


def _of_stock(data: pd.DataFrame, options: AlertOptions) -> Iterator[Alert]:
    scarce = data[data["chance_to_run_out"] >= options.runs_out_chance]
    if scarce.empty:
        return
    first = scarce.sort_values("chance_to_run_out", ascending=False).head(_SHOWN)
    shown = ", ".join(
        f"{row.isbn} ({row.chance_to_run_out:.0%}, order {row.order})"
        for row in first.itertuples(index=False)
    )
    more = f" and {len(scarce) - len(first)} more" if len(scarce) > len(first) else ""
    text = f"{len(scarce)} of {len(data)} titles may run out before an order arrives: {shown}{more}"
    yield Alert(kind="runs_out", text=text)


_ALERTS_OF: dict[str, Any] = {
    PROMOTION: _of_verdict,
    "monitor_status": _of_state,
    "arm_test": _of_test,
    "candidate": _of_candidate,
    "stock_advice": _of_stock,
}
"""The alerts of a dataset, by its name in the catalog."""


@contextmanager
def _warning() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a forecast is worth more than the news of it
        logger.warning("Alerts could not be sent (%s); the run goes on", error)
