"""The gates that a candidate must pass to become champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from book_forecast.options.groups import PromoteOptions
from book_forecast.releases.significance import (
    FloatArray,
    p_by_titles,
    p_by_weeks,
    p_of_coverage,
)
from book_forecast.storage.errors import UserError

Status = Literal["passed", "warning", "failed"]
DELIVERY_GATE = "delivery"
TITLES_GATE = "titles"
"""Name of the gate that asks whether enough of the champion's titles are compared."""
CHALLENGE_GATE = "challenge"
"""Name of the gate that asks for a challenge that the candidate has won."""
_FALLBACKS_GATE = "fallbacks"


class PromotionRefusedError(UserError):
    """The candidate is refused, and `promote.required` makes this an error of the run."""

    exit_code = 3


@dataclass(frozen=True)
class Measures:
    """Figures of one release on the test weeks.

    Attributes:
        wape: WAPE over all titles; NaN where nothing was sold.
        baseline_wape: WAPE of seasonal naive, over the same titles.
        coverage: By interval level in percent, the share of weeks inside, one value a title.
        fallbacks: Share of titles with a fallback.
    """

    wape: float
    baseline_wape: float
    coverage: Mapping[str, FloatArray]
    fallbacks: float


@dataclass(frozen=True)
class Comparison:
    """Candidate and champion, fitted on the same training weeks, on the same test weeks.

    Attributes:
        champion: Id of the champion.
        candidate_errors: Absolute errors, shape (titles, weeks), over the titles both forecast;
            NaN in weeks without a known volume.
        champion_errors: Errors of the champion, in the same shape.
        measures: Figures of the champion; None where it cannot be fitted again.
        compared: How many of the champion's living titles are compared.
        living: How many of the champion's titles still sell.
        same: Titles with the champion's specification, which need no comparison; they count as
            compared.
    """

    champion: str
    candidate_errors: FloatArray
    champion_errors: FloatArray
    measures: Measures | None
    compared: int
    living: int
    same: int = 0


class Gate(BaseModel):
    """The result of one gate: what was measured, and its bound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    status: Status
    reason: str


class Verdict(BaseModel):
    """Whether a candidate becomes champion.

    Attributes:
        release: The candidate.
        champion: The champion that it was compared with; None for the first release.
        promote: Whether it becomes champion, or is champion already.
        gates: Results of all gates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str
    champion: str | None
    promote: bool
    gates: tuple[Gate, ...]

    @property
    def failed(self) -> list[Gate]:
        """Gates that the candidate has failed."""
        return [gate for gate in self.gates if gate.status == "failed"]

    @property
    def why(self) -> str:
        """The reason of the verdict."""
        if self.release == self.champion:
            return "is champion already"
        names = ", ".join(gate.name for gate in self.failed)
        if not names:
            return "passed all gates"
        if self.promote:
            return f"the first release of all, though it failed {names}"
        return f"failed {names}"

    def lines(self) -> list[str]:
        """Return a line for each gate."""
        return [f"Gate {gate.name}: {gate.status} ({gate.reason})" for gate in self.gates]


def judge(
    release: str, measures: Measures, comparison: Comparison | None, options: PromoteOptions
) -> Verdict:
    """Judge a candidate.

    Args:
        release: Id of the candidate.
        measures: Its figures on the test weeks.
        comparison: Beside the champion; None for the first release, which is promoted whatever its
            gates say: without it there is nothing to forecast from.
        options: Bounds of the gates.
    """
    if comparison is None:
        gates = _absolute_gates(measures, None, options)
        return Verdict(release=release, champion=None, promote=True, gates=gates)
    if release == comparison.champion:
        return Verdict(release=release, champion=release, promote=True, gates=())
    absolute = _absolute_gates(measures, comparison.measures, options)
    if comparison.same and not len(comparison.candidate_errors):
        # No title has another specification: there are fallbacks to look at, and no errors.
        absolute = tuple(gate for gate in absolute if gate.name == _FALLBACKS_GATE)
    gates = (
        _champion_gate(comparison, options),
        _titles_gate(comparison, options),
        *absolute,
    )
    promote = all(gate.status != "failed" for gate in gates)
    return Verdict(release=release, champion=comparison.champion, promote=promote, gates=gates)


def with_challenge(verdict: Verdict, test: Mapping[str, Any] | None) -> Verdict:
    """Add the gate that asks for a challenge that the candidate has won.

    Args:
        verdict: Of the other gates.
        test: The state of the challenge as monitor writes it; None where it has written none.

    Returns:
        The verdict; unchanged for the first release, and for the champion itself.
    """
    if verdict.champion is None or verdict.release == verdict.champion:
        return verdict
    pair = (verdict.release, verdict.champion)
    found = None if test is None or test["test"] is None else test
    if found is None or (found["challenger"], found["champion"]) != pair:
        reason = (
            f"{verdict.release} has not challenged {verdict.champion}: `kedro release challenge "
            f"{verdict.release}` begins it, and promote.require_win asks for a win"
        )
        gate = Gate(name=CHALLENGE_GATE, status="failed", reason=reason)
    else:
        won: Status = "passed" if found["verdict"] == "win" else "failed"
        gate = Gate(name=CHALLENGE_GATE, status=won, reason=str(found["message"]).rstrip("."))
    return _with_gate(verdict, gate, is_refused=gate.status == "failed")


def hold_back(
    verdict: Mapping[str, Any], *, is_broken: bool, problems: Sequence[str]
) -> dict[str, Any]:
    """Add the gate of the delivery to a verdict: no candidate is promoted on a broken one.

    Args:
        verdict: As plain data.
        is_broken: Whether the newest delivery must not be used.
        problems: What is wrong, as sentences.

    Returns:
        The verdict as plain data. A champion that has no candidate beside it stays what it is, and
        the gate warns: there is nothing that could fail it.
    """
    found = Verdict.model_validate(verdict)
    status: Status = "passed"
    if is_broken:
        status = "warning" if found.release == found.champion else "failed"
    reason = " ".join(problems) if is_broken else "the newest delivery can be used"
    gate = Gate(name=DELIVERY_GATE, status=status, reason=reason)
    return _with_gate(found, gate, is_refused=status == "failed").model_dump(mode="json")


def _with_gate(verdict: Verdict, gate: Gate, *, is_refused: bool) -> Verdict:
    promote = verdict.promote and not is_refused
    return verdict.model_copy(update={"gates": (*verdict.gates, gate), "promote": promote})


def _champion_gate(comparison: Comparison, options: PromoteOptions) -> Gate:
    """Fail where the errors are worse than allowed by more than chance."""
    if comparison.measures is None:
        reason = (
            f"the champion {comparison.champion} cannot be fitted again for a comparison, as "
            "releases of older versions cannot: `kedro release promote` decides"
        )
        return Gate(name="champion", status="failed", reason=reason)
    ours, theirs = _known_errors(comparison)
    if not len(ours) and comparison.same:
        reason = f"{comparison.same} titles have its specifications, and no title has another"
        return Gate(name="champion", status="passed", reason=reason)
    if not len(ours):
        return Gate(name="champion", status="warning", reason="there is no title in common")
    bound, limit = 1.0 + options.max_worse, 1.0 + options.max_worse_by_chance
    ratio = 1.0 if ours.sum() == theirs.sum() else math.inf
    if theirs.any():
        ratio = float(ours.sum() / theirs.sum())
    reason = (
        f"WAPE {ratio:.3f} times the champion's over {len(ours)} titles and {ours.shape[1]} weeks, "
        f"at most {bound:.3f}"
    )
    if ratio <= bound:
        return Gate(name="champion", status="passed", reason=reason)
    tests = {"by weeks": p_by_weeks(ours - theirs), "by titles": p_by_titles(ours, theirs)}
    values = {name: p for name, p in tests.items() if p is not None}
    reason += "".join(f"; p = {p:.3f} {name}" for name, p in values.items())
    if ratio > limit:
        reason += f"; above {limit:.3f} chance is no excuse"
    elif not values:
        reason += "; too few titles and weeks for a test"
    is_chance = ratio <= limit and min(values.values(), default=0.0) >= options.significance
    return Gate(name="champion", status="passed" if is_chance else "failed", reason=reason)


def _known_errors(comparison: Comparison) -> tuple[FloatArray, FloatArray]:
    """Return the errors of both, zero where either is unknown, in weeks with a known volume."""
    ours, theirs = comparison.candidate_errors, comparison.champion_errors
    known = np.isfinite(ours) & np.isfinite(theirs)
    weeks = known.any(axis=0)
    return np.where(known, ours, 0.0)[:, weeks], np.where(known, theirs, 0.0)[:, weeks]


def _titles_gate(comparison: Comparison, options: PromoteOptions) -> Gate:
    """Fail where the champion has too many titles that cannot be compared."""
    if comparison.measures is None:
        return Gate(name=TITLES_GATE, status="warning", reason="nothing could be compared")
    share = comparison.compared / comparison.living if comparison.living else 1.0
    reason = (
        f"{comparison.compared} of the champion's {comparison.living} living titles compared, at "
        f"least {options.min_titles:.0%}"
    )
    status: Status = "passed" if share >= options.min_titles else "failed"
    return Gate(name=TITLES_GATE, status=status, reason=reason)


def _absolute_gates(
    measures: Measures, champion: Measures | None, options: PromoteOptions
) -> tuple[Gate, ...]:
    """Return the gates that need no champion; what the champion fails as badly only warns."""
    slack = options.max_worse
    bound = options.max_of_baseline
    ratio, former = _ratio(measures), math.nan if champion is None else _ratio(champion)
    gates = [
        _absolute_gate(
            "seasonal naive",
            passed=ratio <= bound,
            excused=not former <= bound and not ratio > former * (1.0 + slack),
            reason="no title has sold in the test weeks"
            if math.isnan(ratio)
            else f"WAPE {measures.wape:.3f}, at most {bound * measures.baseline_wape:.3f}",
            champion=None if champion is None else f"{champion.wape:.3f}",
        )
    ]
    for level, shares in measures.coverage.items():
        theirs = None if champion is None else champion.coverage.get(level)
        gates.append(_coverage_gate(level, shares, theirs, options))
    share, most = measures.fallbacks, options.max_fallbacks
    former = math.nan if champion is None else champion.fallbacks
    gates.append(
        _absolute_gate(
            _FALLBACKS_GATE,
            passed=share <= most,
            excused=former > most and share <= former + slack,
            reason=f"{share:.3f} of the titles, at most {most:.3f}",
            champion=None if champion is None else f"{former:.3f}",
        )
    )
    return tuple(gates)


def _ratio(measures: Measures) -> float:
    if measures.baseline_wape == 0.0:
        return math.inf if measures.wape > 0.0 else 0.0
    return measures.wape / measures.baseline_wape


def _coverage_gate(
    level: str, shares: FloatArray, champion: FloatArray | None, options: PromoteOptions
) -> Gate:
    """Fail where intervals are too narrow by more than chance, and warn where they are too wide."""
    nominal, tolerance = float(level) / 100.0, options.coverage_tolerance
    lowest, highest = nominal - tolerance, min(nominal + tolerance, 1.0)
    name, share = f"coverage of {level} %", float(shares.mean()) if len(shares) else math.nan
    reason = f"{share:.3f} over {len(shares)} titles, {lowest:.3f} to {highest:.3f}"
    if not len(shares):
        return Gate(name=name, status="warning", reason="no title has intervals")
    if share > highest:
        return Gate(name=name, status="warning", reason=f"{reason}: wider than they need be")
    p = p_of_coverage(shares, lowest)
    if lowest > share and p >= options.significance:
        return Gate(name=name, status="warning", reason=f"{reason}; p = {p:.3f}: may be chance")
    theirs = math.nan if champion is None or not len(champion) else float(champion.mean())
    return _absolute_gate(
        name,
        passed=share >= lowest,
        excused=theirs < lowest and share >= theirs - options.max_worse,
        reason=reason if share >= lowest else f"{reason}; p = {p:.3f}",
        champion=None if math.isnan(theirs) else f"{theirs:.3f}",
    )


def _absolute_gate(
    name: str, *, passed: bool, excused: bool, reason: str, champion: str | None
) -> Gate:
    status: Status = "passed" if passed else "failed"
    if not passed and excused and champion is not None:
        status, reason = "warning", f"{reason}; the champion fails as badly ({champion})"
    return Gate(name=name, status=status, reason=reason)
