"""Google Cloud Storage over HTTPS alone, with limits of time and errors like those of a disk."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import gcsfs.core
from aiohttp import ClientError, ClientTimeout
from gcsfs.retry import ChecksumError, HttpError
from google.auth.exceptions import GoogleAuthError
from requests import RequestException

from book_forecast.storage.errors import BucketError

CONNECT_SECONDS = 30.0
SILENT_SECONDS = 60.0

_FAILURES = (ClientError, HttpError, ChecksumError, GoogleAuthError, RequestException, TimeoutError)
_ADDRESS = re.compile(r"(?:^|/)b/([^/]+)(?:/o(?:/([^?]+))?)?")


class BucketFileSystem(gcsfs.core.GCSFileSystem):
    """The filesystem of `gs://` addresses.

    The one that gcsfs registers asks over gRPC, before most requests, which type a bucket has. The
    project needs no answer. The question takes a minute each time where gRPC does not get through:
    behind a proxy, and at emulators.

    gcsfs repeats a request that fails six times, over half a minute. It sets no limit of time, so
    that a service that does not answer would hold a run for ever.
    """

    def __init__(self, *args: Any, requests_timeout: Any = None, **options: Any) -> None:
        if requests_timeout is None:
            # A limit of the whole request would end large files on slow lines.
            requests_timeout = ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS
            )
        super().__init__(*args, requests_timeout=requests_timeout, **options)

    async def _call(self, method: str, path: str, *args: Any, **options: Any) -> Any:
        # The address of an object has its name; those of lists and uploads have that of the bucket.
        address = self._format_path(path, args)
        with _readable_errors(address, is_of_bucket=not _names_object(address)):
            return await super()._call(method, path, *args, **options)

    async def _get_file(self, rpath: str, lpath: Any, **options: Any) -> Any:
        with _readable_errors(self.url(rpath), is_of_bucket=False):
            return await super()._get_file(rpath, lpath, **options)


def _names_object(address: str) -> bool:
    found = _ADDRESS.search(address)
    return bool(found and found[2])


@contextmanager
def _readable_errors(address: str, is_of_bucket: bool) -> Iterator[None]:
    """Raise errors of requests as those of a file.

    Args:
        address: Of the request.
        is_of_bucket: Whether the request finds something as long as there is the bucket.

    Raises:
        BucketError: The bucket does not exist, refuses the account or does not answer.
        FileNotFoundError: There is no such object.
    """
    try:
        yield
    except BucketError:
        raise
    except FileNotFoundError:
        if is_of_bucket:
            raise BucketError(
                errno.ENOENT, "there is no such bucket. Make it, or name another", _name(address)
            ) from None
        raise FileNotFoundError(errno.ENOENT, "there is no such object", _name(address)) from None
    except _FAILURES as error:
        answer = str(error).partition("\n")[0] or type(error).__name__
        raise BucketError(
            errno.EIO, f"the bucket does not answer ({answer}). Wait until it does", _name(address)
        ) from error
    except OSError as error:
        if not str(error).startswith("Forbidden"):
            raise
        # gcsfs itself looks for this word.
        message = "Forbidden: the account lacks the right. Give it that of reading and writing"
        raise BucketError(errno.EACCES, message, _name(address)) from error


def _name(address: str) -> str:
    found = _ADDRESS.search(address)
    if found is None:
        return address
    bucket, key = found.groups()
    return unquote(f"gs://{bucket}/{key}" if key else f"gs://{bucket}")
