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
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from benchmarks.runs import PROJECT

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
SETTINGS = PROJECT / "conf/production/zenml.yml"


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


class Outcome(NamedTuple):
    """One run: seconds from start to end; seconds of all cores, and parts of these.

    `starting` is before the first title, when one core works; `lost` is in containers that were
    lost, after their start. `resumed` is whether a shard had no retry left.
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


def simulate_all(titles: int, containers: Containers, seed: int, runs: int) -> pd.DataFrame:
    """Simulate every number of shards with the same titles in each run.

    Returns:
        A row per number of shards, which is the index: GB of a container, hours, shares.
    """
    counts = [count for count in SHARDS if count <= titles]
    found = []
    for run in range(runs):
        seconds = draw_titles(titles, np.random.default_rng([seed, run]))
        for count in counts:
            generator = np.random.default_rng([seed, run, count])
            found.append((count, *simulate(seconds, count, containers, generator)))
    outcomes = pd.DataFrame(found, columns=["shards", *Outcome._fields]).groupby("shards")
    means, walls = outcomes.mean(), outcomes["wall"]
    return pd.DataFrame(
        {
            "GB": [containers.memory(titles, count) for count in counts],
            "median h": walls.median() / 3600,
            "p95 h": walls.quantile(0.95) / 3600,
            "core-hours": means["billed"] / 3600,
            "start-up": means["starting"] / means["billed"],
            "lost": means["lost"] / means["billed"],
            "resumed": means["resumed"],
        }
    )


def choose(rows: pd.DataFrame, memory: float) -> int | None:
    """Return the smallest number of shards with a cost, and then an end, near the least.

    Args:
        rows: As `simulate_all` returns them.
        memory: GB of a container.

    Returns:
        The number; None if none fits into memory.
    """
    left = rows[rows["GB"] <= memory]
    for name in ("core-hours", "p95 h"):
        left = left[left[name] <= LITTLE * left[name].min()]
    return min(left.index, default=None)


def main() -> None:
    """Print a table for shards that read their own titles, and one for those that read all."""
    steps: dict[str, Any] = yaml.safe_load(SETTINGS.read_text())["steps"]
    # The machine of a shard of thousands of titles.
    cpu, memory = steps["tags"]["heavy"]["sizes"][-1]["cpu"], steps["default"]["sizes"][1]["memory"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--titles", type=int, default=1_000_000)
    parser.add_argument("--cores", type=int, default=cpu, help="of each container")
    parser.add_argument("--at-once", type=int, default=48, help="containers at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="10 runs of each, not 200")
    given = parser.parse_args()
    limit = float(memory.removesuffix("GB"))
    own = Containers(given.cores, given.at_once, **steps["default"]["retry"])
    for containers, what in ((own, "its own titles"), (replace(own, reads_all=True), "all titles")):
        rows = simulate_all(given.titles, containers, given.seed, 10 if given.quick else 200)
        print(f"\n{given.titles} titles, {given.at_once} containers at once, each reads {what}")
        print(rows.to_string(float_format="{:.3f}".format))
        print(f"Best number within {limit:.0f} GB: {choose(rows, limit) or 'none'}")


if __name__ == "__main__":
    main()
