"""Releases on a bucket; what the emulator does not prove stands in `tests.gcs`."""

from pathlib import Path

import fsspec

from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.loader import load
from book_forecast.serving.loading.source import source_of
from book_forecast.serving.settings import ServiceSettings
from tests.serving.servers import (
    FIRST,
    KNOWN,
    SECOND,
    Server,
    eventually,
    make_store,
    model_folder,
    promote,
)

pytest_plugins = ("tests.gcs",)

POLL = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2"}


def temporary_folders(place: Path) -> list[Path]:
    """What the service has fetched and not removed."""
    return list(place.glob("book_forecast-*"))


def test_the_champion_on_a_bucket_is_served_and_no_copy_is_kept(gcs_bucket, tmp_path):
    local = make_store(tmp_path / "releases")
    root = f"{gcs_bucket}/releases"
    fsspec.filesystem("gs").put(local.root, root, recursive=True)
    store = ReleaseStore(root)
    (tmp_path / "tmp").mkdir()
    with Server(tmp_path, "--releases", root, TMPDIR=str(tmp_path / "tmp"), **POLL) as server:
        assert server.ready().readiness()["release"] == FIRST
        promote(store, SECOND)
        eventually(lambda: server.readiness()["release"] == SECOND)
        fsspec.filesystem("gs").pipe_file(f"{root}/{SECOND}/manifest.json", b"{}")
        assert "has no format" in eventually(lambda: server.readiness()["problem"])
        assert server.predict({"isbn": KNOWN[0]}).status_code == 200
    assert temporary_folders(tmp_path / "tmp") == []


def test_a_model_on_a_bucket_is_served_as_vertex_names_it(gcs_bucket, tmp_path):
    uri = f"{gcs_bucket}/model"
    fsspec.filesystem("gs").put(str(model_folder(tmp_path)), uri, recursive=True)
    pointer = source_of(ServiceSettings(storage_uri=uri))()
    assert pointer.location == f"{uri}/artifacts/payload"
    payload = load(pointer.location)
    assert (pointer.release, payload.release) == (FIRST, FIRST)
    assert pointer.checksum == payload.manifest["checksum"]
