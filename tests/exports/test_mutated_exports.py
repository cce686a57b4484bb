"""Exports with random mutations end in the right history, a refusal or a warning."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.exports.drafts import Export
from tests.exports.ingest import run_ingest
from tests.exports.mutator import mutate
from tests.exports.verdict import Verdict, judge

GROUPS, SIZE = 30, 10
_LINES_SHOWN = 6


def read(export: Export, root) -> Verdict:
    folder = root / "01_raw" / "sales"
    folder.mkdir(parents=True)
    for name, content in export.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return judge(export, run_ingest(root))


def describe(export: Export, verdict: Verdict) -> str:
    name, content = next(iter(export.files.items()))
    lines = content.splitlines()[:_LINES_SHOWN] if name.endswith((".csv", ".txt")) else []
    shown = "\n    ".join(repr(line)[:160] for line in lines)
    return (
        f"seed {export.seed}: {verdict.kind}: {verdict.detail}\n  {export.draft.chosen}"
        f"\n  {', '.join(export.files)}\n    {shown}"
    )


@pytest.mark.parametrize("group", range(GROUPS))
def test_an_export_ends_in_the_right_history_or_is_refused_or_told(group, tmp_path):
    faults = []
    for seed in range(group * SIZE, (group + 1) * SIZE):
        export = mutate(seed)
        verdict = read(export, tmp_path / str(seed))
        if verdict.is_fault:
            faults.append(describe(export, verdict))
    assert not faults, "\n".join(faults)


def test_at_most_fifteen_percent_of_the_exports_may_be_refused():
    may = [seed for seed in range(GROUPS * SIZE) if mutate(seed).draft.refusals]
    assert len(may) <= 0.15 * GROUPS * SIZE


def test_every_mutation_is_used():
    used = Counter(kind for seed in range(GROUPS * SIZE) for kind in mutate(seed).draft.chosen)
    assert len(used) > 15
    assert min(used.values()) > 5
