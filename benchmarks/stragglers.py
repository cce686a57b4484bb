"""The best number of shards for tune, where containers start late, are slow or are lost.

    python -m benchmarks.stragglers [--titles 1000000] [--cores 8] [--at-once 48] [--quick]

Each run of the simulation draws the seconds of every title, and for every container the speed of
its machine and its loss. A lost container starts again on another machine, by the retries of
conf/production/zenml.yml. The choice is the smallest number of shards that fit into memory, cost
little more than the cheapest, and end in 19 of 20 runs little later than the fastest of those.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

Floats = npt.NDArray[np.float64]

# Core-seconds per title of the search: the mean of 858 with both cores at work.
TITLE_SECONDS = 0.55
# Measured by benchmarks/title_costs.py: deciles of the same alone on a core; seconds and MB for
# each title that a shard reads; MB of a process before it reads.
DECILES = (0.04, 0.10, 0.32, 0.43, 0.50, 0.54, 0.62, 0.68, 0.79, 0.91, 1.25)
READ_SECONDS = 1.5e-4
READ_MB = 0.104
PROCESS_MB = 275.0
# Measured: from a container's start to its node (docs/zenml.md).
START_SECONDS = 7.0

SHARDS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000)
LITTLE = 1.05
"""Factor by which cost and end of the choice may exceed the least."""
SETTINGS = Path(__file__).parents[1] / "conf/production/zenml.yml"
NODE = "tune.search_orders"


@dataclass(frozen=True)
class Containers:
    """Properties of containers. Guessed ones were not measured; change them to yours.

    Attributes:
        cores: Of each.
        at_once: The quota: containers that run at the same time.
        reads_all: Whether each reads the weeks of all titles, or only its own.
        start: Seconds from the container's start to its node; billed.
        read: Seconds to read a title.
        wait: Seconds until there is a machine; not billed, guessed.
        slow_share: Share of the machines that are slow, guessed.
        slow_factor: Factor of the time on those, guessed.
        hours_between_losses: Mean hours until a container is lost, guessed.
        max_retries: Restarts before somebody resumes the run.
        delay: Seconds before the first of these.
        backoff: Factor of the delay for each further one.
        resumed_after: Seconds until the run is resumed, guessed.
    """

    cores: int = 8
    at_once: int = 48
    reads_all: bool = False
    start: float = START_SECONDS
    read: float = READ_SECONDS
    wait: float = 60.0
    slow_share: float = 0.05
    slow_factor: float = 1.7
    hours_between_losses: float = 24.0
    max_retries: int = 2
    delay: float = 60.0
    backoff: float = 2.0
    resumed_after: float = 1800.0

    def pause(self, attempt: int) -> float:
        """Return the seconds between the n-th attempt, from 0, and the next."""
        retries = attempt % (self.max_retries + 1)
        if retries == self.max_retries:
            return self.resumed_after
        return float(self.delay * self.backoff**retries)

    def memory(self, titles: int, shards: int) -> float:
        """Return the GB that a container needs."""
        read = titles if self.reads_all else -(-titles // shards)
        return ((self.cores + 1) * PROCESS_MB + read * READ_MB) / 1000


@dataclass(frozen=True)
class Outcome:
    """Seconds of one run.

    Attributes:
        wall: From start to end.
        billed: Of all cores.
        starting: Part of `billed` before the first title, when one core works.
        lost: Part of `billed` in containers that were lost, after their start.
        resumed: Whether a shard had no retry left.
    """

    wall: float
    billed: float
    starting: float
    lost: float
    resumed: bool


def simulate(
    seconds: Floats, shards: int, containers: Containers, generator: np.random.Generator
) -> Outcome:
    """Run all shards once.

    Args:
        seconds: Of one core, for each title in order.
        shards: Number of shards.
        containers: Their properties.
        generator: Random numbers.
    """
    edges = np.arange(shards + 1) * len(seconds) // shards
    # Cores take one title after the other: they end within a title of each other.
    busy = np.maximum(
        np.add.reduceat(seconds, edges[:-1]) / containers.cores,
        np.maximum.reduceat(seconds, edges[:-1]),
    )
    read = np.full(shards, len(seconds)) if containers.reads_all else np.diff(edges)
    ready = containers.start + read * containers.read
    taken, billed, starting, lost = np.zeros((4, shards))
    left = np.arange(shards)
    attempt = 0
    while len(left):
        slow = generator.random(len(left)) < containers.slow_share
        pace = np.where(slow, containers.slow_factor, 1.0)
        whole = pace * (ready[left] + busy[left])
        mean = 3600.0 * containers.hours_between_losses
        ran = np.minimum(whole, mean * generator.standard_exponential(len(left)))
        started = np.minimum(ran, pace * ready[left])
        is_lost = ran < whole
        taken[left] += containers.wait + ran
        billed[left] += ran
        starting[left] += started
        lost[left] += np.where(is_lost, ran - started, 0.0)
        left = left[is_lost]
        taken[left] += containers.pause(attempt)
        attempt += 1
    return Outcome(
        wall=last_end(taken, containers.at_once),
        billed=containers.cores * float(billed.sum()),
        starting=containers.cores * float(starting.sum()),
        lost=containers.cores * float(lost.sum()),
        resumed=attempt > containers.max_retries + 1,
    )


def last_end(taken: Floats, at_once: int) -> float:
    """Return the end of the last shard, if each begins as soon as the quota allows."""
    ends = [0.0] * min(at_once, len(taken))
    for seconds in taken.tolist():
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def draw_titles(titles: int, generator: np.random.Generator) -> Floats:
    """Draw the seconds of each title: the shape as alone on a core, the mean as beside others."""
    shares = np.linspace(0.0, 1.0, len(DECILES))
    alone = np.interp(generator.random(titles), shares, DECILES)
    return alone * (TITLE_SECONDS / np.trapezoid(DECILES, shares))


@dataclass(frozen=True)
class Row:
    """All runs with one number of shards."""

    shards: int
    memory: float
    outcomes: Sequence[Outcome]

    @property
    def cost(self) -> float:
        """Mean hours of one core."""
        return float(np.mean([outcome.billed for outcome in self.outcomes])) / 3600

    def wall(self, share: float) -> float:
        """Return the hours within which this share of the runs ends."""
        return float(np.quantile([outcome.wall for outcome in self.outcomes], share)) / 3600

    def __str__(self) -> str:
        billed = sum(outcome.billed for outcome in self.outcomes)
        starting = sum(outcome.starting for outcome in self.outcomes) / billed
        lost = sum(outcome.lost for outcome in self.outcomes) / billed
        resumed = np.mean([outcome.resumed for outcome in self.outcomes])
        return (
            f"{self.shards:6} {self.memory:7.1f} {self.wall(0.5):9.2f} {self.wall(0.95):7.2f} "
            f"{self.cost:11.0f} {starting:9.1%} {lost:8.1%} {resumed:8.0%}"
        )


HEADER = "shards      GB  median h   p95 h  core-hours  start-up  retries  resumed"


def choose(rows: Sequence[Row], memory: float) -> Row | None:
    """Return the smallest number of shards with a cost, and then an end, near the least.

    Returns:
        One of the rows, which are in order of the shards; None if none fits into memory.
    """
    fitting = [row for row in rows if row.memory <= memory]
    cheapest = min((row.cost for row in fitting), default=0.0)
    affordable = [row for row in fitting if row.cost <= LITTLE * cheapest]
    soonest = min((row.wall(0.95) for row in affordable), default=0.0)
    return next((row for row in affordable if row.wall(0.95) <= LITTLE * soonest), None)


def main() -> None:
    """Print a table for shards that read their own titles, and one for those that read all."""
    settings: dict[str, Any] = yaml.safe_load(SETTINGS.read_text())["steps"]["nodes"][NODE]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--titles", type=int, default=1_000_000)
    parser.add_argument("--cores", type=int, default=settings["cpu"], help="of each container")
    parser.add_argument("--at-once", type=int, default=48, help="containers at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="10 runs of each, not 200")
    given = parser.parse_args()
    memory = float(settings["memory"].removesuffix("GB"))
    own = Containers(given.cores, given.at_once, **settings["retry"])
    for containers, what in ((own, "its own titles"), (replace(own, reads_all=True), "all titles")):
        rows = simulate_all(given.titles, containers, given.seed, 10 if given.quick else 200)
        chosen = choose(rows, memory)
        print(f"\n{given.titles} titles, {given.at_once} containers at once, each reads {what}")
        print(HEADER)
        for row in rows:
            print(f"{row}{'  <- chosen' if row is chosen else ''}")
        if chosen is None:
            print(f"None fits into {memory:.0f} GB.")


def simulate_all(titles: int, containers: Containers, seed: int, runs: int) -> list[Row]:
    """Simulate every number of shards with the same titles in each run."""
    counts = [count for count in SHARDS if count <= titles]
    outcomes: dict[int, list[Outcome]] = {count: [] for count in counts}
    for run in range(runs):
        seconds = draw_titles(titles, np.random.default_rng([seed, run]))
        for count, found in outcomes.items():
            generator = np.random.default_rng([seed, run, count])
            found.append(simulate(seconds, count, containers, generator))
    return [Row(count, containers.memory(titles, count), outcomes[count]) for count in counts]


if __name__ == "__main__":
    main()
