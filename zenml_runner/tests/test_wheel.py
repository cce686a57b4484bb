"""What the distribution ships."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parents[1]
LIMIT = 150_000
BUILD = "import sys; from hatchling import build; print(build.build_wheel(sys.argv[1]))"
AT_START = "zenml_runner_stdout.pth"


def test_the_wheel_has_all_of_the_package_alone_and_stays_small(tmp_path: Path) -> None:
    source = tmp_path / "source"
    unused = shutil.ignore_patterns("*.egg-info", "__pycache__")
    shutil.copytree(HERE / "src", source / "src", ignore=unused)
    for name in ("pyproject.toml", "README.md", "LICENSE", AT_START):
        shutil.copy(HERE / name, source)
    words = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(words, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wheel = tmp_path / done.stdout.splitlines()[-1]

    package = source / "src" / "zenml_runner"
    files = [path for path in package.rglob("*") if path.is_file()]
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {path.relative_to(source / "src").as_posix() for path in files}
    assert shipped == ours | {AT_START}
    assert wheel.stat().st_size < LIMIT
