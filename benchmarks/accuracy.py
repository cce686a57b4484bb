"""Errors and intervals on real and generated data.

    make benchmark-accuracy          # or: python -m benchmarks.accuracy [--data FOLDER] [--quick]

`--data` is a folder outside of the project: `m4_weekly/train.csv.gz` and `test.csv.gz` (series_id,
t, value) and `dominicks_tuna_weekly.csv`; missing ones are left out. Training weeks decide all
choices; test weeks are scored once.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from benchmarks import accuracy_m4, accuracy_sample, accuracy_tuna, seasonality
from benchmarks.runs import PROJECT

HEAD = """# Accuracy

`make benchmark-accuracy` writes this page, last on {date}. Folds inside the training weeks decide
all choices; test weeks are scored once. [Models](models.md) describe the families.
"""


def main() -> None:
    """Run all parts with data, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with data kept outside of the project")
    parser.add_argument("--quick", action="store_true", help="few series, to see that all works")
    parser.add_argument(
        "--only", choices=("m4", "tuna", "sample", "season"), help="one part, not written"
    )
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/accuracy.md")
    options = parser.parse_args()
    texts = []
    for name, module, file in (
        ("m4", accuracy_m4, "m4_weekly/train.csv.gz"),
        ("tuna", accuracy_tuna, "dominicks_tuna_weekly.csv"),
        ("sample", accuracy_sample, None),
        ("season", seasonality, None),
    ):
        if options.only not in (None, name):
            continue
        if file and not (options.data and (options.data / file).exists()):
            print(f"{name} is left out: --data has no {file}")
            continue
        text = module.section(options.data, quick=options.quick)
        print(text, flush=True)
        texts.append(text)
    if options.only is None:
        page = HEAD.format(date=dt.date.today().isoformat())
        options.output.write_text("\n".join([page, *texts]), encoding="utf-8")
        print(f"Wrote {options.output}")


if __name__ == "__main__":
    main()
