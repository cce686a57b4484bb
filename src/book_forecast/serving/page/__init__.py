"""The planner's page: its files, and Plotly from the package that is installed beside them."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Request, Response

from book_forecast.serving.errors import RequestError

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ASK_EACH_TIME = "no-cache"
# The page asks for Plotly with its version, so that a newer one has an address of its own.
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_PLOTLY_STYLES = " ".join(
    [
        # An empty <style>, which Plotly fills by calls that scripts may do.
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        # The maps' styles in plotly.js 2.35; those of another version would be refused, which
        # does no harm but to the console.
        "'sha256-gG0b4ixT/IQUp7JJLbyKcpYcYDjq2Wp8NGv3f+aasqo='",
    ]
)
_SECURITY = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            f"style-src-elem 'self' {_PLOTLY_STYLES}",
            "style-src-attr 'none'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


_PARTS = frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _TYPES)
PATHS = frozenset({"/", "/static/plotly.min.js", *(f"/static/{name}" for name in _PARTS)})
"""All that is asked for before somebody can give a token."""


@dataclass(frozen=True)
class File:
    """What is sent for a name."""

    content: bytes
    media_type: str
    caching: str

    @cached_property
    def etag(self) -> str:
        """Tells a browser whether what it keeps is still right."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


@router.get("/")
def page(request: Request) -> Response:
    """The page."""
    return _answer(request, _page_file("index.html"))


@router.get("/static/plotly.min.js")
def plotly(request: Request) -> Response:
    """Plotly; from a browser's cache after the first visit."""
    path = _plotly_path()
    if path is None:
        raise RequestError(404, "Plotly is not installed beside the service.")
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return _answer(request, File(path.read_bytes(), _TYPES[".js"], _FOR_A_YEAR))
    response = _answer(request, _packed(path))
    response.headers["Content-Encoding"] = "gzip"
    return response


@router.get("/static/{name}")
def part(name: str, request: Request) -> Response:
    """A script or style of the page."""
    if name not in _PARTS:
        raise RequestError(404, f"The page has no {name!r}.")
    return _answer(request, _page_file(name))


def _answer(request: Request, file: File) -> Response:
    etag = file.etag
    headers = {"ETag": etag, "Cache-Control": file.caching, "Vary": "Accept-Encoding", **_SECURITY}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


@cache
def _page_file(name: str) -> File:
    path = _FOLDER / name
    content = path.read_bytes()
    if name == "index.html":
        content = content.replace(b"{plotly}", _plotly_version().encode())
    return File(content, _TYPES[path.suffix], _ASK_EACH_TIME)


def _plotly_path() -> Path | None:
    """Where Plotly's script is; the package is not imported, which would take a second."""
    found = importlib.util.find_spec("plotly")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, "package_data", "plotly.min.js")
        if path.is_file():
            return path
    return None


def _plotly_version() -> str:
    return version("plotly") if _plotly_path() else "none"


@lru_cache(maxsize=1)
def _packed(path: Path) -> File:
    """Plotly's script at a third of its size, made once."""
    return File(gzip.compress(path.read_bytes(), 6, mtime=0), _TYPES[".js"], _FOR_A_YEAR)
