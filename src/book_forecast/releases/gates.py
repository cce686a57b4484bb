"""The gates that a candidate must pass to become champion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import wilcoxon

from book_forecast.options.groups import PromoteOptions

FEWEST_FOR_A_TEST = 6
"""With fewer titles that differ no paired test can tell, and the ratio alone decides."""


@dataclass(frozen=True)
class Errors:
    """Errors of candidate and champion, estimated on the same weeks, over the titles both have.

    Attributes:
        candidate: WAPE on the test weeks.
        champion: The same.
        candidate_by_title: MASE, mean over test weeks and folds.
        champion_by_title: The same, for the same titles.
        titles: Share of the champion's titles that the candidate has.
    """

    candidate: float
    champion: float
    candidate_by_title: tuple[float, ...]
    champion_by_title: tuple[float, ...]
    titles: float = 1.0


class Gate(BaseModel):
    """One gate.

    Attributes:
        name: Of it.
        passed: Whether the candidate has passed it.
        reason: What was measured, and what it had to be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    passed: bool
    reason: str


class Verdict(BaseModel):
    """Whether a candidate becomes champion.

    Attributes:
        release: The candidate.
        champion: The champion that it was held against; None for the first release of all.
        promote: Whether it is to be champion.
        gates: All of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str
    champion: str | None
    promote: bool
    gates: tuple[Gate, ...]

    def told(self) -> list[str]:
        """A line for each gate."""
        return [
            f"Gate {gate.name}: {'passed' if gate.passed else 'FAILED'} ({gate.reason})"
            for gate in self.gates
        ]

    @property
    def why(self) -> str:
        """The decision in a sentence."""
        failed = [gate.name for gate in self.gates if not gate.passed]
        if not failed:
            return "passed all gates"
        if self.promote:
            return f"the first release of all, though it failed {', '.join(failed)}"
        return f"failed {', '.join(failed)}"


def judge(
    release: str,
    champion: str | None,
    metrics: Mapping[str, float],
    errors: Errors | None,
    options: PromoteOptions,
) -> Verdict:
    """Hold a candidate against the gates.

    Args:
        release: The candidate.
        champion: The champion; None for the first release of all, which is promoted anyway, so
            that there is something to forecast from.
        metrics: Scores over all titles, as `evaluate` writes them.
        errors: Beside the champion's; None where there is none.
        options: The bounds.
    """
    gates = [
        _beats_baseline(metrics, options),
        *_covers(metrics, options),
        _falls_back_rarely(metrics, options),
    ]
    if errors is not None:
        gates[:0] = [_not_worse(errors, options), _has_titles(errors, options)]
    passed = all(gate.passed for gate in gates)
    return Verdict(
        release=release, champion=champion, promote=passed or champion is None, gates=tuple(gates)
    )


def _not_worse(errors: Errors, options: PromoteOptions) -> Gate:
    """Fails where the errors are worse by more than allowed and a paired test does not doubt it.

    The test is Wilcoxon's (1945) signed-rank test of the errors' log ratios, one-sided.
    """
    bound = 1.0 + options.max_worse
    if not (math.isfinite(errors.candidate) and errors.champion > 0.0):
        return Gate(name="champion", passed=True, reason="no title in common has sold")
    ratio = errors.candidate / errors.champion
    told = f"WAPE {ratio:.3f} times the champion's, at most {bound:.3f}"
    if ratio <= bound:
        return Gate(name="champion", passed=True, reason=told)
    ours, theirs = np.array(errors.candidate_by_title), np.array(errors.champion_by_title)
    usable = (ours > 0.0) & (theirs > 0.0)
    ratios = np.log(ours[usable] / theirs[usable])
    ratios = ratios[ratios != 0.0]
    if len(ratios) < FEWEST_FOR_A_TEST:
        return Gate(name="champion", passed=False, reason=f"{told}; too few titles for a test")
    p = float(wilcoxon(ratios, alternative="greater").pvalue)
    reason = f"{told}; paired test over {len(ratios)} titles: p = {p:.3f}"
    return Gate(name="champion", passed=p >= options.significance, reason=reason)


def _has_titles(errors: Errors, options: PromoteOptions) -> Gate:
    """Fails where a run for a few titles would leave the others without a forecast."""
    reason = f"{errors.titles:.3f} of the champion's, at least {options.min_titles:.3f}"
    return Gate(name="titles", passed=errors.titles >= options.min_titles, reason=reason)


def _beats_baseline(metrics: Mapping[str, float], options: PromoteOptions) -> Gate:
    ours, theirs = metrics.get("test_wape"), metrics.get("test_wape_seasonal_naive")
    if ours is None or theirs is None:
        return Gate(name="seasonal naive", passed=False, reason="there are no test weeks to score")
    bound = options.max_of_baseline * theirs
    reason = f"WAPE {ours:.3f}, at most {bound:.3f}"
    return Gate(name="seasonal naive", passed=ours <= bound, reason=reason)


def _covers(metrics: Mapping[str, float], options: PromoteOptions) -> list[Gate]:
    gates = []
    for name, share in metrics.items():
        level = name.removeprefix("test_coverage-")
        if level == name or "_" in level:
            continue
        nominal, tolerance = float(level) / 100.0, options.coverage_tolerance
        lowest, highest = nominal - tolerance, min(nominal + tolerance, 1.0)
        gates.append(
            Gate(
                name=f"coverage of {level} %",
                passed=lowest <= share <= highest,
                reason=f"{share:.3f}, {lowest:.3f} to {highest:.3f}",
            )
        )
    return gates


def _falls_back_rarely(metrics: Mapping[str, float], options: PromoteOptions) -> Gate:
    titles = metrics.get("n_titles", 0.0)
    share = metrics.get("n_fallbacks", 0.0) / titles if titles else 1.0
    reason = f"{share:.3f} of the titles, at most {options.max_fallbacks:.3f}"
    return Gate(name="fallbacks", passed=share <= options.max_fallbacks, reason=reason)
