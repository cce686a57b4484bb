"""The planner's page: its files, and Plotly's script from the installed package."""

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
# The address of Plotly has its version, so that a newer one is loaded anew.
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_PLOTLY_STYLES = " ".join(
    [
        # An empty <style>, which Plotly fills by script.
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        # The maps' styles in plotly.js 2.35. A browser refuses those of another version, which
        # only makes it warn on its console.
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
"""Paths of the page, which asks for the token itself."""


@dataclass(frozen=True)
class File:
    """A file as it is sent."""

    content: bytes
    media_type: str
    caching: str

    @cached_property
    def etag(self) -> str:
        """Digest by which a browser knows whether its cached copy is current."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


@router.get("/")
def page(request: Request) -> Response:
    """Return the page."""
    return _response(request, _page_file("index.html"))


@router.get("/static/plotly.min.js")
def plotly(request: Request) -> Response:
    """Return Plotly's script, which browsers cache after the first visit."""
    path = _plotly_path()
    if path is None:
        raise RequestError(404, "Plotly is not installed beside the service.")
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return _response(request, File(path.read_bytes(), _TYPES[".js"], _FOR_A_YEAR))
    response = _response(request, _packed(path))
    response.headers["Content-Encoding"] = "gzip"
    return response


@router.get("/static/{name}")
def part(name: str, request: Request) -> Response:
    """Return a script, style or icon of the page."""
    if name not in _PARTS:
        raise RequestError(404, f"The page has no {name!r}.")
    return _response(request, _page_file(name))


def _response(request: Request, file: File) -> Response:
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
        content = content.replace(b"{modules}", _preloads().encode())
    return File(content, _TYPES[path.suffix], _ASK_EACH_TIME)


def _preloads() -> str:
    """Name all modules, so that a browser asks for them at once and not one after the other."""
    modules = sorted(name for name in _PARTS if name.endswith(".js"))
    return "\n    ".join(f'<link rel="modulepreload" href="static/{name}">' for name in modules)


def _plotly_path() -> Path | None:
    """Find Plotly's script without importing the package, which takes a second."""
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
    """Compress Plotly's script once, to a third of its size."""
    return File(gzip.compress(path.read_bytes(), 6, mtime=0), _TYPES[".js"], _FOR_A_YEAR)
