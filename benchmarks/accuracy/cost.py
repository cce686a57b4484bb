"""The cost of a whole run over a catalogue of generated titles."""

from __future__ import annotations

from benchmarks.accuracy.comparison import best_family
from benchmarks.accuracy.options import PanelOptions
from benchmarks.accuracy.origins import OURS, Settings, run_panel
from benchmarks.accuracy.panels import GENERATED, SEEDS, Panel
from benchmarks.accuracy.scoring import score_panel, value
from benchmarks.runs import export

TITLES, QUICK_TITLES = 1000, 10


def section(settings: Settings) -> str:
    """Return the seconds of one core that a whole run with all families takes, and its errors.

    Two hardware threads of one core slow each other down: their seconds count in full.
    """
    titles = QUICK_TITLES if settings.quick else TITLES
    panel = Panel(
        f"{GENERATED}{SEEDS[0]}-{titles}",
        PanelOptions(horizon=32),
        lambda root, _: export(root, titles, SEEDS[0], "parquet"),
        has_rivals=False,
    )
    (origin,) = run_panel(panel, settings)
    scores = score_panel([origin])
    best, scored = best_family(scores, "wape"), int(value(scores, OURS, "series"))
    used = origin.core_seconds
    return (
        "## Cost\n\n"
        f"{titles} generated titles, {scored} of them tuned and scored, all families, the whole of "
        f"`kedro run`: {used:.0f} s of one core, {used / titles:.2f} s a title "
        f"({used / scored:.2f} s a title scored), {origin.seconds:.0f} s of wall time. WAPE "
        f"{value(scores, OURS, 'wape'):.3f}; the best single family, {best}, has "
        f"{value(scores, best, 'wape'):.3f}, seasonal naive "
        f"{value(scores, 'seasonal_naive', 'wape'):.3f}.\n"
    )
