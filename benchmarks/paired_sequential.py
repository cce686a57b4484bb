"""Size and power of the paired sequential test of two releases, by simulation.

    python -m benchmarks.paired_sequential --runs 2000 --write docs/monitoring.md

Both releases forecast a catalogue week by week, and the test is looked at every week. Each row has
the share of runs that had a verdict within a number of weeks. `--write` puts the tables into a
page, between the lines that name this module.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from book_forecast.monitoring.paired_test import FloatArray, evidence
from book_forecast.options.monitoring import MonitorOptions

LOOKS = (6, 13, 26, 52)
"""Weeks after which the shares are counted."""
_MARK = "<!-- benchmarks.paired_sequential: {} -->"


@dataclass(frozen=True)
class World:
    """How a catalogue sells, and how it is forecast.

    Attributes:
        titles: Of the catalogue.
        shared: Deviation of a week's shock that all titles share (log scale).
        own: The same of each title by itself.
        freedom: Degrees of freedom of the shocks; few make weeks that are far outside.
        champion: Deviation of the champion's forecasts from the best ones, by title and week.
        challenger: The same of the challenger's.
        swing: Deviation of an error that all forecasts of a release share in a week.
        memory: Correlation of that error with that of the week before.
        lean: Shift of all of the challenger's forecasts (log scale).
    """

    titles: int = 100
    shared: float = 0.2
    own: float = 0.4
    freedom: float = 30.0
    champion: float = 0.3
    challenger: float = 0.3
    swing: float = 0.05
    memory: float = 0.0
    lean: float = 0.0

    def weeks(self, runs: int, weeks: int, seed: int) -> Iterator[tuple[FloatArray, float, float]]:
        """Yield differences, the first scale and the ratio of both errors, run by run."""
        for run in range(runs):
            generator = np.random.default_rng([seed, run])
            level = np.exp(generator.normal(3.0, 1.0, self.titles))
            shape = (weeks, self.titles)
            tails = generator.standard_t(self.freedom, (2, *shape))
            tails /= np.sqrt(self.freedom / (self.freedom - 2.0))
            shock = self.shared * tails[0][:, :1] + self.own * tails[1]
            sold = generator.poisson(level * np.exp(shock.clip(-4.0, 4.0)))
            ours, theirs = (
                level
                * np.exp(
                    lean
                    + deviation * generator.normal(size=shape)
                    + self.swing * self._lasting(generator.normal(size=(weeks, 1)))
                )
                for lean, deviation in ((0.0, self.champion), (self.lean, self.challenger))
            )
            errors = np.abs(ours - sold), np.abs(theirs - sold)
            apart = np.abs(ours - theirs)
            differences = (errors[0] - errors[1]).sum(axis=1) / apart.sum(axis=1)
            scale = float(np.sqrt((apart[0] ** 2).sum()) / apart[0].sum())
            yield differences, scale, float(errors[1].sum() / errors[0].sum())

    def _lasting(self, shocks: FloatArray) -> FloatArray:
        """Return errors of the same deviation that last, in the first of two dimensions."""
        found = shocks.copy()
        for week in range(1, len(found)):
            found[week] = (
                self.memory * found[week - 1] + np.sqrt(1.0 - self.memory**2) * shocks[week]
            )
        return found


EQUAL = {
    "independent titles": World(shared=0.0, swing=0.0),
    "titles that share their surprises": World(shared=0.5, swing=0.1),
    "weeks far outside of the others": World(freedom=2.5),
    "one title": World(titles=1),
    "15 titles": World(titles=15),
    "1,000 titles": World(titles=1000),
}
LASTING = {
    "a bias of 10 % in each that changes within two weeks": World(swing=0.1, memory=0.5),
    "a bias of 10 % in each that lasts for ten weeks": World(swing=0.1, memory=0.9),
}
"""Equal over the years, but not in the weeks of a bias."""
BETTER = {"2 %": 0.26, "5 %": 0.19, "8 %": 0.07}
"""Deviations of the challenger's forecasts by how much lower its errors are, about."""


@dataclass(frozen=True)
class Result:
    """Shares of runs with a verdict.

    Attributes:
        win: By the weeks of `LOOKS`.
        lose: The same.
        naive: Runs in which a t-test at the same level had a verdict in any week to the last.
        ratio: Errors of the challenger over those of the champion.
    """

    win: list[float]
    lose: list[float]
    naive: float
    ratio: float


def simulate(world: World, runs: int, error: float, seed: int = 0) -> Result:
    """Look at the test every week of many runs."""
    won, lost, naive, ratios = [], [], [], []
    for differences, scale, ratio in world.weeks(runs, LOOKS[-1], seed):
        found = evidence(differences, scale, error)
        at = LOOKS[-1] if found.decided is None else found.decided
        won.append(at if found.verdict == "win" else LOOKS[-1])
        lost.append(at if found.verdict == "lose" else LOOKS[-1])
        naive.append(_naive(differences, error))
        ratios.append(ratio)
    shares = [[float(np.mean(np.array(side) < look)) for look in LOOKS] for side in (won, lost)]
    return Result(shares[0], shares[1], float(np.mean(naive)), float(np.mean(ratios)))


def _naive(differences: FloatArray, error: float) -> bool:
    """Whether a t-test in any week from the sixth on finds a difference."""
    n = np.arange(1, len(differences) + 1)
    mean = differences.cumsum() / n
    variance = ((differences**2).cumsum() - n * mean**2)[5:] / (n[5:] - 1)
    values = np.abs(mean[5:]) / np.sqrt(np.maximum(variance, 1e-12) / n[5:])
    return bool((2.0 * stats.t.sf(values, n[5:] - 1) < error).any())


def size_table(runs: int, error: float) -> str:
    """Return the table of false verdicts."""
    rows = [
        f"| two equal releases | a verdict within {LOOKS[-1]} weeks | t-test in each week |",
        "|---|---|---|",
    ]
    for name, world in (EQUAL | LASTING).items():
        found = simulate(world, runs, error)
        rows.append(f"| {name} | {found.win[-1] + found.lose[-1]:.1%} | {found.naive:.0%} |")
    return "\n".join(rows)


def power_table(runs: int, error: float) -> str:
    """Return the table of right verdicts."""
    heads = " | ".join(f"{look} weeks" for look in LOOKS)
    rows = [f"| titles | challenger's errors | {heads} |", "|---|---|" + "---|" * len(LOOKS)]
    for titles in (15, 100, 1000):
        for deviation in BETTER.values():
            better = World(titles=titles, challenger=deviation)
            found = simulate(better, runs, error)
            shares = " | ".join(f"{share:.0%}" for share in found.win)
            rows.append(f"| {titles:,} | {1 - found.ratio:.1%} lower: win | {shares} |")
            worse = replace(better, champion=deviation, challenger=better.champion)
            found = simulate(worse, runs, error)
            shares = " | ".join(f"{share:.0%}" for share in found.lose)
            rows.append(f"| {titles:,} | {found.ratio - 1:.1%} higher: lose | {shares} |")
    return "\n".join(rows)


def rivals_table(runs: int, error: float) -> str:
    """Return the table of the weeks until a verdict, beside other tests that may be looked at."""
    rows = [
        "| titles | challenger's errors | this test | mixture of t-tests | bets by the range |",
        "|---|---|---|---|---|",
    ]
    for titles in (15, 100, 1000):
        for deviation in (BETTER["5 %"], BETTER["8 %"]):
            world = World(titles=titles, challenger=deviation)
            weeks, ratios = [], []
            for differences, scale, ratio in world.weeks(runs, LOOKS[-1], 0):
                needed = 2.0 / error
                sides = (
                    evidence(differences, scale, error).win,
                    _mixture(differences),
                    np.cumprod(1.0 + _STAKES * differences, axis=1).mean(axis=0),
                )
                weeks.append([_first(side >= needed) for side in sides])
                ratios.append(ratio)
            medians = np.median(np.array(weeks), axis=0)
            shown = (f"{m:.0f}" if m <= LOOKS[-1] else f"over {LOOKS[-1]}" for m in medians)
            lower = 1 - float(np.mean(ratios))
            rows.append(f"| {titles:,} | {lower:.1%} lower | {' | '.join(shown)} |")
    return "\n".join(rows)


_STAKES = np.array([[0.1], [0.25], [0.5], [0.9]])


def _first(is_enough: npt.NDArray[np.bool_]) -> int:
    """Return the number of the first week with enough evidence; one more than all without."""
    found = np.flatnonzero(is_enough)
    return int(found[0]) + 1 if len(found) else len(is_enough) + 1


def _mixture(differences: FloatArray) -> FloatArray:
    """Return the evidence of a mixture of t-tests, on the side of the challenger."""
    n = np.arange(1, len(differences) + 1)
    sums, squares = differences.cumsum(), (differences**2).cumsum()
    freedom = np.maximum(n - 1, 1)
    variance = np.maximum((squares - sums**2 / n) / freedom, 1e-12)
    ratio = sums**2 / n / variance / freedom
    logs = -0.5 * np.log(1.0 + n) + (freedom + 1) / 2 * (
        np.log1p(ratio) - np.log1p(ratio / (1.0 + n))
    )
    logs[0] = 0.0
    found: FloatArray = np.exp(np.minimum(logs, 700.0)) * 2.0 * (sums > 0.0)
    return found


def main() -> None:
    """Simulate, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--write", type=Path, help="page whose tables are replaced")
    options = parser.parse_args()
    error = MonitorOptions().false_verdicts
    tables = {
        "size": size_table(options.runs, error),
        "rivals": rivals_table(max(options.runs // 10, 1), error),
        "power": power_table(max(options.runs // 10, 1), error),
    }
    if options.write is None:
        print("\n\n".join(tables.values()))
        return
    page = options.write.read_text(encoding="utf-8")
    for name, table in tables.items():
        before, after = _MARK.format(name), _MARK.format(f"end of {name}")
        head, _, rest = page.partition(before)
        page = f"{head}{before}\n\n{table}\n\n{after}{rest.partition(after)[2]}"
    options.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
