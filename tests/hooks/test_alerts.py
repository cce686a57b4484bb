"""What a run tells people: by a webhook on loopback, from what it writes and how it ends."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog

from book_forecast.alerts.channels import WEBHOOK
from book_forecast.datasets import OutboxDataset, ReleaseDataset
from book_forecast.hooks.alerts import AlertHooks, RefusedRunHooks
from book_forecast.hooks.run_lock import RunLockHooks
from book_forecast.releases.challenging import end_challenge, start_challenge
from book_forecast.releases.gates import PromotionRefusedError
from book_forecast.storage.errors import UserError
from book_forecast.storage.run_lock import Holder, run_lock
from tests.alerts.servers import webhook
from tests.releases import payloads
from tests.serving.servers import promote


@pytest.fixture
def server(monkeypatch) -> Any:
    with webhook() as found:
        monkeypatch.setenv(WEBHOOK, found.url)
        yield found


class Run:
    """The hooks of one run after another on one data root."""

    def __init__(self, root: Path, **alerts: Any) -> None:
        self.hooks = AlertHooks()
        self.candidate = ReleaseDataset(filepath=str(root / "releases"), release="candidate")
        self.outbox = OutboxDataset(filepath=str(root / "alerts"))
        self.catalog = DataCatalog({"candidate": self.candidate, "alert_outbox": self.outbox})
        parameters = {"parameters": {"alerts": alerts}}
        context: Any = SimpleNamespace(config_loader=parameters, env="testing")
        self.hooks.after_context_created(context)
        self.hooks.before_pipeline_run(self.catalog)

    def end(self, **saved: Any) -> None:
        for name, data in saved.items():
            self.hooks.after_dataset_saved(name, data)
        self.hooks.after_pipeline_run(self.catalog)

    def fail(self, error: Exception, pipeline: str | None = "weekly") -> None:
        self.hooks.on_pipeline_error(error, {"pipeline_name": pipeline}, self.catalog)


def state(name: str, *problems: str) -> dict[str, Any]:
    return {"state": name, "problems": list(problems)}


def test_a_failed_run_is_told_at_once_without_secrets(server, tmp_path):
    Run(tmp_path).fail(ValueError("gs://me:pw@bucket is away\nsecond line"))
    assert server.texts == [
        "*book_forecast, testing*\n*Run failed*: weekly: gs://***@bucket is away"
    ]


def test_a_run_that_fails_again_for_another_reason_is_told_again(server, tmp_path):
    for reason in ("no room", "no room", "no prices"):
        Run(tmp_path).fail(ValueError(reason))
    assert [text.rpartition(": ")[2] for text in server.texts] == ["no room", "no prices"]


def test_a_run_that_the_lock_refuses_is_told(server, tmp_path):
    run, root = Run(tmp_path), tmp_path / "data"
    parameters = {"data_root": str(root), "execution": {"wait_minutes": 0, "shard": {"count": 1}}}
    lock = RunLockHooks()
    context: Any = SimpleNamespace(config_loader={"parameters": parameters}, project_path=tmp_path)
    lock.after_context_created(context)
    manager: Any = _create_hook_manager()
    for plugin in (lock, run.hooks, RefusedRunHooks(run.hooks)):
        manager.register(plugin)
    begin = partial(
        manager.hook.before_pipeline_run,
        run_params={"pipeline_names": ["weekly"], "run_id": "now"},
        pipeline=None,
        catalog=run.catalog,
    )
    begin()
    lock.after_pipeline_run()
    assert server.texts == []
    with run_lock(str(root), Holder("another run"), 0.0), pytest.raises(UserError):
        begin()
    assert len(server.texts) == 1
    assert "*Run failed*: weekly: " in server.texts[0]
    assert "is in use by the run “another run”" in server.texts[0]


@pytest.mark.parametrize("full", ["alerts", "alerts/pending"])
def test_a_failed_run_is_told_where_its_outbox_cannot_be_written(server, tmp_path, full):
    (tmp_path / full).parent.mkdir(exist_ok=True)
    (tmp_path / full).write_text("a file in the place of a folder")
    Run(tmp_path).fail(OSError("No space left on device"))
    (text,) = server.texts
    assert "No space left on device" in text


@pytest.mark.parametrize("log", ["changes", "challenges"])
def test_a_failed_run_is_told_where_the_logs_beside_the_releases_are_away(server, tmp_path, log):
    run = Run(tmp_path)
    promote(run.candidate.store, payloads.saved(run.candidate.store))
    run = Run(tmp_path)
    folder = tmp_path / "releases" / log
    folder.mkdir(exist_ok=True)
    (folder / "000009.json").mkdir()
    run.fail(ValueError("the releases are damaged"))
    (text,) = server.texts
    assert "the releases are damaged" in text


def test_a_broken_delivery_is_told_and_a_usual_one_is_not(server, tmp_path):
    Run(tmp_path).end(monitor_status=state("ok"))
    assert server.texts == []
    Run(tmp_path).end(monitor_status=state("broken", "Delivery: 3 titles."))
    assert "*Delivery broken*: Delivery: 3 titles." in server.texts[0]


def test_a_refused_candidate_is_told_once_and_is_no_failed_run(server, tmp_path):
    verdict = {
        "release": payloads.RELEASE,
        "champion": None,
        "promote": False,
        "gates": [{"name": "champion", "status": "failed", "reason": "WAPE 1.2 times its"}],
    }
    run = Run(tmp_path)
    run.hooks.after_dataset_saved("promotion", verdict)
    run.fail(PromotionRefusedError("is worse"))
    assert len(server.texts) == 1
    assert "*Candidate refused*" in server.texts[0]


def test_a_champion_that_is_judged_again_is_no_refused_candidate(server, tmp_path):
    verdict = {
        "release": payloads.RELEASE,
        "champion": payloads.RELEASE,
        "promote": False,
        "gates": [{"name": "delivery", "status": "failed", "reason": "Volume is half"}],
    }
    Run(tmp_path).end(promotion=verdict)
    assert server.texts == []


def test_promotions_during_the_run_are_told(server, tmp_path):
    run = Run(tmp_path)
    store = run.candidate.store
    release = payloads.saved(store)
    promote(store, release)
    run.end()
    assert f"*New champion*: {release} is champion (promote by ann)" in server.texts[0]
    run = Run(tmp_path)
    run.end()
    assert len(server.texts) == 1


def test_a_promotion_is_told_by_the_next_run_where_its_own_was_killed_after_it(server, tmp_path):
    killed = Run(tmp_path)
    release = payloads.saved(killed.candidate.store)
    promote(killed.candidate.store, release)
    verdict: dict[str, Any] = {
        "release": release,
        "champion": None,
        "promote": True,
        "gates": [],
    }
    killed.hooks.after_dataset_saved("promotion", verdict)
    assert server.texts == []
    for _ in range(2):
        Run(tmp_path).end()
    assert len(server.texts) == 1
    assert f"*New champion*: {release} is champion" in server.texts[0]


def test_titles_that_run_out_are_in_the_digest(server, tmp_path):
    advice = pd.DataFrame(
        {
            "isbn": [payloads.isbn(n) for n in range(3)],
            "chance_to_run_out": [0.9, 0.1, 0.6],
            "order": [100, 0, 40],
        }
    )
    Run(tmp_path).end(stock_advice=advice)
    assert "2 of 3 titles may run out" in server.texts[0]
    assert (
        f"{payloads.isbn(0)} (90%, order 100), {payloads.isbn(2)} (60%, order 40)"
        in server.texts[0]
    )
    Run(tmp_path, repeat_hours=0).end(stock_advice=advice)
    assert len(server.texts) == 1
    assert len(OutboxDataset(filepath=str(tmp_path / "alerts")).load().pending()) == 1


def test_a_kind_that_nobody_wants_is_not_told(server, tmp_path):
    Run(tmp_path, immediate=["promotion"], digest=[]).fail(ValueError("no"))
    assert server.texts == []


def test_a_webhook_that_is_down_costs_a_warning_and_the_next_run_sends(server, tmp_path, caplog):
    server.answers = [500] * 3
    Run(tmp_path).end(monitor_status=state("broken", "x"))
    assert "Alerts wait to be sent again with the next run: webhook" in caplog.text
    Run(tmp_path).end()
    assert len(server.texts) == 1


def test_an_address_that_cannot_be_used_costs_a_warning(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv(WEBHOOK, "http://example.org/secretpath")
    Run(tmp_path).end(monitor_status=state("broken", "x"))
    assert "must begin with https" in caplog.text
    assert "secretpath" not in caplog.text


def test_without_a_channel_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.delenv(WEBHOOK, raising=False)
    Run(tmp_path).fail(ValueError("no"))
    assert not (tmp_path / "alerts").exists()


def test_a_training_is_news_only_if_it_has_made_a_release(server, tmp_path):
    made = payloads.release()
    run = Run(tmp_path, digest=["trained"])
    run.candidate.save(made)
    run.end(candidate=made)
    assert f"*Models trained*: {made.release}: 3 titles" in server.texts[0]
    again = Run(tmp_path, digest=[], immediate=["trained"], repeat_hours=0)
    again.end(candidate=made)
    assert len(server.texts) == 1


def test_a_candidate_that_repeats_the_former_one_is_no_news(server, tmp_path):
    """It is not stored, so that nobody could find it."""
    Run(tmp_path).candidate.save(payloads.release())
    run = Run(tmp_path, immediate=["trained"])
    again = payloads.release(moment=payloads.LATER)
    run.candidate.save(again)
    run.end(candidate=again)
    assert server.texts == []


@pytest.mark.parametrize("damaged", ["before the run", "during the run"])
def test_a_damaged_entry_of_a_challenge_hides_no_later_one_and_tells_no_former_one_again(
    server, tmp_path, damaged
):
    store = Run(tmp_path).candidate.store
    promote(store, payloads.saved(store))
    other = payloads.saved(store, 1)
    first = start_challenge(store, other, 0.2, "the first")
    end_challenge(store, first, "withdrawn", "its end")
    entry = tmp_path / "releases/challenges" / f"{first.number:06d}.json"
    assert entry.exists(), [*entry.parent.iterdir()]
    content = entry.read_bytes()
    entry.write_bytes(b"{" if damaged == "before the run" else content)
    run = Run(tmp_path)
    entry.write_bytes(content if damaged == "before the run" else b"{")
    start_challenge(store, other, 0.3, "the second")
    run.end()
    (text,) = server.texts
    assert "the second" in text
    assert "the first" not in text
    assert "its end" not in text


def test_the_verdict_on_a_challenger_and_its_end_are_told(server, tmp_path):
    run = Run(tmp_path)
    store = run.candidate.store
    champion, other = payloads.saved(store), payloads.saved(store, 1)
    promote(store, champion)
    started = start_challenge(store, other, 0.2, "try it")
    run = Run(tmp_path)
    end_challenge(store, started, "lost", "worse")
    found = {"test": 1, "challenger": other, "message": f"{other} has lost."}
    run.end(arm_test=found | {"verdict": "lose"})
    text = "\n".join(server.texts)
    assert f"*Challenger has lost*: {other} has lost." in text
    assert f"*Challenge ended*: The challenger {other} has lost, and was taken back" in text
    assert "*New champion*" not in text
    Run(tmp_path).end(arm_test=found | {"verdict": "win"})
    assert "`kedro release promote challenger` makes it champion." in server.texts[-1]
    n_texts = len(server.texts)
    Run(tmp_path).end(arm_test=found | {"verdict": "go on"})
    Run(tmp_path).end(arm_test={"test": None, "verdict": "none", "message": "", "metrics": {}})
    assert len(server.texts) == n_texts
