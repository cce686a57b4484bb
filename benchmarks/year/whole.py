"""The arm that is trained whole in each week, on the same deliveries."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.year.arm import Arm, Week
from benchmarks.year.world import World


@dataclass
class Whole:
    """Weekly trainings of all titles.

    Attributes:
        arm: The root.
        world: What arrives.
    """

    arm: Arm
    world: World

    def begin(self) -> None:
        """Train for the first time."""
        self.arm.deliver("base", self.world.base())
        self.arm.train(Week(0))

    def week(self, number: int) -> None:
        """Train on what has arrived."""
        self.arm.deliver(f"week-{number:03d}", self.world.delivery(number))
        self.arm.train(Week(number))
