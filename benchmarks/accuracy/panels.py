"""Panels: folders with an export, two special layouts, and generated titles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.accuracy import layouts
from benchmarks.accuracy.options import PanelOptions, read_options
from benchmarks.accuracy.published import PUBLISHED
from benchmarks.runs import export
from book_forecast.storage.errors import UserError

SEEDS = (42, 1, 2, 3, 4, 5, 6, 7, 8, 9)
GENERATED = "seed-"
QUICK_TITLES = 3
RAW = "01_raw"
M4, TUNA = "m4_weekly", "tuna"


@dataclass(frozen=True)
class Panel:
    """A panel before its run.

    Attributes:
        name: As on the page.
        options: How it is run.
        write: Writes `01_raw` into a data root; its second argument asks for few series.
        note: Sentences for the page.
        has_rivals: Whether statsforecast's models run beside it.
    """

    name: str
    options: PanelOptions
    write: Callable[[Path, bool], object]
    note: str = ""
    has_rivals: bool = True

    @property
    def is_generated(self) -> bool:
        """Whether the titles are the sample's, or of another seed of its generator."""
        return self.name.startswith(GENERATED)


def find_panels(
    data: Path | None,
    given: Mapping[str, Mapping[str, Any]],
    horizon: int | None = None,
    seeds: Iterable[int] = SEEDS,
) -> list[Panel]:
    """Return all panels below a folder, then those of generated titles.

    Args:
        data: A folder; None for generated titles alone.
        given: Options by panel and name, from the command line.
        horizon: Of all panels in the folder that have none of their own; None for the default.
        seeds: Of the generator.

    Raises:
        UserError: The folder is missing, options are wrong, or they name a panel that is not there.
    """
    if data is not None and not data.is_dir():
        raise UserError(f"There is no folder {data}: --data is the folder of the panels.")
    found: list[Panel] = []
    if data is not None:
        makers = (_m4, _tuna)
        special = (maker(data, given) for maker in makers)
        found = [panel for panel in special if panel is not None]
        found += [_exported(name, at, given, horizon) for name, at in _folders(data).items()]
    found += [_generated(seed, given.get(f"{GENERATED}{seed}", {})) for seed in seeds]
    unknown = sorted(set(given) - {panel.name for panel in found})
    if unknown:
        names = ", ".join(panel.name for panel in found)
        raise UserError(f"--panel {unknown[0]}: there is no such panel; there are {names}.")
    return [_with_command(panel, given.get(panel.name, {})) for panel in found]


def _with_command(panel: Panel, given: Mapping[str, Any]) -> Panel:
    """Return a panel whose note has the options of the command line, to repeat its run."""
    if not given:
        return panel
    flags = " ".join(f"--panel {panel.name}:{name}={json.dumps(given[name])}" for name in given)
    return replace(panel, note=f"{panel.note} Run with `{flags}`.".strip())


def _folders(data: Path) -> dict[str, Path]:
    """Return folders with an export by name: their own, or their path where two share one."""
    folders = sorted(raw.parent for raw in data.rglob(RAW) if (raw / "sales").is_dir())
    names = [folder.name for folder in folders]
    return {
        name if names.count(name) == 1 else str(folder.relative_to(data)): folder
        for name, folder in zip(names, folders, strict=True)
    }


def _exported(
    name: str, folder: Path, given: Mapping[str, Mapping[str, Any]], horizon: int | None
) -> Panel:
    extra = sorted(path for path in folder.glob("extra/*") if path.is_dir())
    defaults: dict[str, Any] = {"horizon": horizon}
    # Whoever keeps regressors beside a panel has them for the test weeks too.
    known = any(path.name == "regressors" for path in extra)
    if known:
        defaults["future"] = "known"
    dataset = next((d for d in PUBLISHED if d.partition("/")[0] == name), None)
    if dataset:
        defaults["gift_eval"] = dataset
    options = read_options(folder, given.get(name, {}), defaults)

    def write(root: Path, quick: bool) -> None:  # noqa: ARG001 - quick runs take fewer titles
        shutil.rmtree(root / RAW, ignore_errors=True)
        shutil.copytree(folder / RAW, root / RAW)
        for path in extra:
            shutil.copytree(path, root / RAW / path.name, dirs_exist_ok=True)

    notes = [
        options.about,
        "Its regressors are assumed to be known ahead." if known else "",
        "So are its promotions." if known and options.promotions_known else "",
    ]
    return Panel(name, options, write, " ".join(filter(None, notes)))


def _m4(data: Path, given: Mapping[str, Mapping[str, Any]]) -> Panel | None:
    folder = data / M4
    if not (folder / "train.csv.gz").exists():
        return None
    defaults = {
        "horizon": layouts.M4_HORIZON,
        "origins": 1,
        "calendar": False,
        "gift_eval": "m4_weekly/W",
        "about": layouts.M4_ABOUT,
        # Not sales: their jumps are no typing errors.
        "parameters": {"ingest.hold_back": False, "selection.min_reporting_share": 0},
    }
    options = read_options(folder, given.get(M4, {}), defaults)
    return Panel(
        M4,
        options,
        lambda root, quick: layouts.write_m4(folder, root, quick=quick),
        options.about,
    )


def _tuna(data: Path, given: Mapping[str, Mapping[str, Any]]) -> Panel | None:
    file = data / "dominicks_tuna_weekly.csv"
    if not file.exists():
        return None
    defaults = {
        "horizon": layouts.TUNA_HORIZON,
        "origins": layouts.TUNA_ORIGINS,
        "calendar": False,
        "future": "known",
        "about": layouts.TUNA_ABOUT,
        "parameters": {"ingest.hold_back": False},
    }
    options = read_options(data / TUNA, given.get(TUNA, {}), defaults)
    return Panel(TUNA, options, lambda root, _: layouts.write_tuna(file, root), options.about)


def _generated(seed: int, given: Mapping[str, Any]) -> Panel:
    name = f"{GENERATED}{seed}"
    options = read_options(Path(name), given, {"horizon": 32})

    def write(root: Path, quick: bool) -> None:
        export(root, QUICK_TITLES if quick else None, seed, "parquet")

    return Panel(name, options, write, "The sample." if seed == SEEDS[0] else "")
