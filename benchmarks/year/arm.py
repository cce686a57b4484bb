"""A data root of the year, the commands that run in it, and a record of each finished week."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from benchmarks.year.commands import Commands, Done
from book_forecast.releases.store import ReleaseStore

REFUSES = "http://127.0.0.1:9"
"""No server listens there: of alerts, which wait in their outbox, and of a dead MLflow."""


@dataclass
class Week:
    """What a week was.

    Attributes:
        week: Its number.
        core_seconds: Process time of its scheduled runs, a killed one included.
        by_hand: Process time of what a person did beside them.
        state: Of monitoring, and its problems.
        problems: Sentences of monitoring.
        alerts: Kinds that were raised.
        reasons: Numbers of titles by decision and reason.
        champion: At the end of the week.
        refused: Gates that the candidate has failed.
        shifted: Titles that monitoring found.
        trained: Titles that were refitted or tuned anew, with the reason.
        events: What happened, for the reader.
        wrong: What should not have happened.
    """

    week: int
    core_seconds: float = 0.0
    by_hand: float = 0.0
    state: str = ""
    problems: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    champion: str | None = None
    refused: list[str] = field(default_factory=list)
    shifted: list[str] = field(default_factory=list)
    trained: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def use(self, done: Done, by_hand: bool = False) -> None:
        """Add the process time of a command, which must not fail."""
        if by_hand:
            self.by_hand += done.core_seconds
        else:
            self.core_seconds += done.core_seconds
        self.must(done.code == 0, f"a command ended with {done.code}: {done.log[-300:]}")

    def must(self, holds: bool, otherwise: str) -> None:
        """Note what is wrong, if something does not hold."""
        if not holds:
            self.wrong.append(f"week {self.week}: {otherwise}")


@dataclass
class Arm:
    """A data root and what runs in it.

    Attributes:
        folder: Of the arm: its data root, MLflow's store, logs and records of weeks.
        params: Of every run.
        commands: Run them.
    """

    folder: Path
    params: str
    commands: Commands | None

    @property
    def data(self) -> Path:
        """The data root."""
        return self.folder / "data"

    @property
    def mlflow(self) -> str:
        """MLflow's store."""
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def store(self) -> ReleaseStore:
        """The releases."""
        return ReleaseStore(str(self.data / "06_models/releases"))

    def deliver(self, name: str, rows: pd.DataFrame) -> None:
        """Put an export into the root, as a whole."""
        target = self.data / f"01_raw/sales/{name}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(rows):
            partial = self.folder / f"{name}.partial"
            rows.to_csv(partial, index=False)
            partial.replace(target)

    def run(
        self,
        name: str,
        *arguments: str,
        more: str = "",
        mlflow: str | None = None,
        kill_at: str | None = None,
    ) -> Done:
        """Run Kedro's pipelines.

        Args:
            name: Of the log.
            arguments: More of the command line.
            more: More parameters.
            mlflow: Another store than that of the arm.
            kill_at: Text of the log at which the run is killed.
        """
        given = ",".join(filter(None, (f"data_root={self.data},titles=all", self.params, more)))
        return self._command(name, ["run", *arguments, "--params", given], mlflow, kill_at)

    def train(self, week: Week) -> None:
        """Train all titles, which is all that happens in a week."""
        week.use(self.run(f"{week.week:03d}"))
        week.champion = self.store.champion()
        self.take_alerts()
        self.finish(week)

    def by_hand(self, name: str, *words: str) -> Done:
        """Run another command of Kedro."""
        return self._command(name, [*words, "--data-root", str(self.data)], None, None)

    def _command(
        self, name: str, words: list[str], mlflow: str | None, kill_at: str | None
    ) -> Done:
        if self.commands is None:
            raise RuntimeError("a report runs nothing")
        variables = {
            "MLFLOW_TRACKING_URI": mlflow or self.mlflow,
            "BOOK_FORECAST_ALERT_WEBHOOK": REFUSES,
        }
        return self.commands.run(words, variables, self.folder / f"logs/{name}.log", kill_at)

    def document(self, path: str) -> dict[str, Any]:
        """Read a JSON document of the root."""
        found: dict[str, Any] = json.loads((self.data / path).read_text(encoding="utf-8"))
        return found

    def take_alerts(self) -> list[str]:
        """Return the kinds of the alerts that wait, and forget them, as after a week."""
        outbox = self.data / "08_reporting/alerts"
        files = sorted((outbox / "pending").glob("*.json"))
        kinds = [json.loads(file.read_text(encoding="utf-8"))["alert"]["kind"] for file in files]
        shutil.rmtree(outbox, ignore_errors=True)
        return sorted(kinds)

    def finish(self, week: Week) -> None:
        """Record a week that has ended, as a whole."""
        target = self.folder / f"weeks/{week.week:03d}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(week.__dict__, indent=1), encoding="utf-8")
        partial.replace(target)

    def weeks(self) -> list[Week]:
        """Return the weeks that have ended; week 0 is the first training."""
        files = sorted((self.folder / "weeks").glob("*.json"))
        return [Week(**json.loads(file.read_text(encoding="utf-8"))) for file in files]

    @classmethod
    def of(cls, work: Path, name: str, params: str, commands: Commands | None) -> Self:
        """Open an arm, which may have weeks already."""
        folder = work / name
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, params, commands)
