"""Time, memory and test error of whole searches on the same titles: nobody wins by being wrong.

    python -m benchmarks.contest [--titles 3] [--limit 120] [--quick]

Each method sees the training weeks of a title and forecasts its 32 test weeks, in a process of its
own with one thread. "The original" is Optuna over `SARIMAX.fit` on a hold-out, as this project
began: two trials are run and the time of fifty is worked out from them. What has not come to its
end within the limit is stopped and said to be. R's auto.arima takes part where Rscript and its
package forecast are installed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.series import TEST_WEEKS, history

SEASON = 52
TRIALS_OF_THE_ORIGINAL = 50
TRIALS_RUN = 2
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NIXTLA_NUMBA_RELEASE_GIL"), "1"
)


def main() -> None:
    """Run all methods on all titles and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=3)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a title")
    parser.add_argument("--quick", action="store_true", help="one title, the faster methods")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(options.one[0], int(options.one[1]))))
        return
    titles = 1 if options.quick else options.titles
    print("| method | s a title | memory, MB | WAPE on the test weeks | |")
    print("|---|---|---|---|---|")
    for name, (_, slow) in METHODS.items():
        if not (slow and options.quick) and (name != "R auto.arima" or shutil.which("Rscript")):
            print_row(name, titles, options.limit)


def print_row(name: str, titles: int, limit: float) -> None:
    """One method's medians; after a title that took too long the others are not tried."""
    found: list[dict[str, float]] = []
    note = ""
    for title in range(titles):
        command = [sys.executable, "-m", "benchmarks.contest", "--one", name, str(title)]
        try:
            done = subprocess.run(
                command,
                check=False,
                env=os.environ | ONE_THREAD,
                capture_output=True,
                text=True,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            note = f"stopped after {limit:.0f} s on title {title + 1}"
            break
        if done.returncode:
            note = done.stderr.strip().splitlines()[-1][:80]
            break
        found.append(json.loads(done.stdout.splitlines()[-1]))
    if found:
        taken, memory, wape = (
            np.median([one[key] for one in found]) for key in ("seconds", "megabytes", "wape")
        )
        note = "; ".join(filter(None, [found[0].get("note", ""), note]))  # type: ignore[list-item]
        print(f"| {name} | {taken:.2f} | {memory:.0f} | {wape:.3f} | {note} |", flush=True)
    else:
        print(f"| {name} | more than {limit:.0f} | | | {note} |", flush=True)


def run(name: str, title: int) -> dict[str, float | str]:
    """One method on one title: seconds of process time after its imports, memory, test error."""
    prepared = METHODS[name][0]
    past, future = history(title)
    search = prepared()
    began = _seconds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forecast, factor = search(past.volumes)
    seconds = (_seconds() - began) * factor
    wape = float(np.abs(forecast - future).sum() / future.sum())
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"{TRIALS_RUN} trials run, {TRIALS_OF_THE_ORIGINAL} worked out" if factor > 1 else ""
    return {"seconds": seconds, "megabytes": megabytes, "wape": wape, "note": note}


def _seconds() -> float:
    """Process time, that of finished child processes included."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


Search = Callable[[np.ndarray], tuple[np.ndarray, float]]
"""From copies of the training weeks to those forecast, and what the time is to be multiplied by."""


def book_forecast() -> Search:
    """Our search with its defaults, the final fit and its forecast."""
    import optuna

    from benchmarks.runs import configured
    from book_forecast.forecasters.sarima import Sarima
    from book_forecast.options.groups import BacktestOptions
    from book_forecast.pipelines.tune.search import Search as OurSearch
    from book_forecast.sarima import compile_core

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    models, origins = configured(), BacktestOptions().origins
    compile_core()

    def search(copies: np.ndarray) -> tuple[np.ndarray, float]:
        past = replace(history(0)[0], volumes=copies)
        own = OurSearch(past, origins.of_title(copies), models)
        study, _ = own.run()
        fitted = Sarima.fit(past, own.space.candidate(study.best_params))
        return fitted.forecast(TEST_WEEKS, (80.0, 95.0)).mean, 1.0

    return search


def seasonal_naive() -> Search:
    """Last year's week."""
    return lambda copies: (copies[-SEASON:][:TEST_WEEKS], 1.0)


def the_original() -> Search:
    """Optuna over `SARIMAX.fit`, scored on a hold-out inside the training weeks."""
    import optuna
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def fitted(copies: np.ndarray, orders: list[int]) -> np.ndarray:
        order, seasonal_order = tuple(orders[:3]), (*orders[3:], SEASON)
        model = SARIMAX(copies, order=order, seasonal_order=seasonal_order)
        return np.asarray(model.fit(disp=False).forecast(TEST_WEEKS))

    def search(copies: np.ndarray) -> tuple[np.ndarray, float]:
        names = ("p", "d", "q", "P", "D", "Q")

        def objective(trial: optuna.Trial) -> float:
            orders = [trial.suggest_int(name, 0, 1 if name in "dD" else 2) for name in names]
            ahead = fitted(copies[:-TEST_WEEKS], orders)
            return float(np.abs(ahead - copies[-TEST_WEEKS:]).mean())

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        # Small models, so that the estimate of what fifty trials take is a low one.
        for orders in ([1, 0, 0, 1, 0, 0], [1, 0, 1, 1, 0, 0])[:TRIALS_RUN]:
            study.enqueue_trial(dict(zip(names, orders, strict=True)))
        study.optimize(objective, n_trials=TRIALS_RUN)
        ahead = fitted(copies, [study.best_params[name] for name in names])
        return ahead, TRIALS_OF_THE_ORIGINAL / TRIALS_RUN

    return search


def _nixtla(model: str) -> Callable[[], Search]:
    def prepare() -> Search:
        from statsforecast import models

        made = getattr(models, model)(season_length=SEASON)

        def search(copies: np.ndarray) -> tuple[np.ndarray, float]:
            ahead = made.forecast(y=np.log1p(copies), h=TEST_WEEKS)["mean"]
            return np.maximum(np.expm1(ahead), 0.0), 1.0

        return search

    return prepare


def pmdarima() -> Search:
    """Its stepwise search, on the same scale as ours."""
    from pmdarima import auto_arima

    def search(copies: np.ndarray) -> tuple[np.ndarray, float]:
        model = auto_arima(np.log1p(copies), m=SEASON, error_action="ignore")
        return np.expm1(model.predict(TEST_WEEKS)), 1.0

    return search


def r_auto_arima() -> Search:
    """R's `forecast::auto.arima`, in a process of its own, whose start counts."""
    script = (
        "suppressMessages(library(forecast)); y <- ts(scan('stdin', quiet=TRUE), frequency=52); "
        f"cat(forecast(auto.arima(y), h={TEST_WEEKS})$mean, sep='\\n')"
    )

    def search(copies: np.ndarray) -> tuple[np.ndarray, float]:
        text = "\n".join(map(str, np.log1p(copies)))
        done = subprocess.run(
            ["Rscript", "-e", script], input=text, capture_output=True, text=True, check=True
        )
        return np.expm1(np.array(done.stdout.split(), dtype=float)), 1.0

    return search


METHODS: dict[str, tuple[Callable[[], Search], bool]] = {
    "book_forecast": (book_forecast, False),
    "seasonal naive": (seasonal_naive, False),
    "statsforecast AutoTheta(52)": (_nixtla("AutoTheta"), False),
    "statsforecast AutoETS(52)": (_nixtla("AutoETS"), False),
    "statsforecast AutoARIMA(52)": (_nixtla("AutoARIMA"), True),
    "the original (statsmodels, Optuna)": (the_original, True),
    "pmdarima auto_arima(m=52)": (pmdarima, True),
    "R auto.arima": (r_auto_arima, True),
}
"""By name: what prepares the method, and whether it is too slow for `--quick`."""


if __name__ == "__main__":
    main()
