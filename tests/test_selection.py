"""What `-m slow` and `-m "not slow"` leave out is not imported either."""

import shutil
import subprocess
import sys

import pytest

FILES = {
    "test_fast": "def test_one(): pass",
    "test_slow": "import pytest\npytestmark = [pytest.mark.slow]\ndef test_one(): pass",
    "test_both": "import pytest\n@pytest.mark.slow\ndef test_one(): pass\ndef test_two(): pass",
}


@pytest.mark.parametrize(
    ("arguments", "passed", "imported"),
    [
        (["-m", "not slow"], 2, {"test_fast", "test_both"}),
        (["-m", "slow"], 2, {"test_slow", "test_both"}),
        (["-m", "slow or not slow"], 4, {"test_fast", "test_slow", "test_both"}),
        ([], 4, {"test_fast", "test_slow", "test_both"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_only_files_with_a_test_that_is_chosen_are_imported(
    tmp_path, project_path, arguments, passed, imported
):
    shutil.copy(project_path / "tests/conftest.py", tmp_path)
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(f"open('{name}', 'w').close()\n{text}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    command = [sys.executable, "-m", "pytest", "-q", "-pno:fugue_test", "-pno:schemathesis"]
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{passed} passed" in done.stdout
    assert {path.name for path in tmp_path.iterdir() if path.name in FILES} == imported


def test_every_slow_mark_stands_in_the_file_of_its_tests(project_path):
    """The choice reads the files: it does not see a mark that comes from elsewhere."""
    files = set((project_path / "tests").rglob("*.py")) - {project_path / "tests/conftest.py"}
    marking = {path for path in files if "mark.slow" in path.read_text(encoding="utf-8")}
    assert marking
    assert {str(path) for path in marking if not path.match("test_*.py")} == set()
