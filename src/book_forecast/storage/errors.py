"""The exception with a message for users, and what users can read of other errors."""

import errno
import re
from collections.abc import Iterator


class UserError(Exception):
    """An error that the user can correct: a file, an option, a missing step.

    The message is one paragraph that names the error (file, row, field or option and its value)
    and what to do. The command line and notebooks show it without a stack trace.

    Attributes:
        exit_code: Exit code of the command that ends with it.
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a stack trace."""
        return [f"Error: {self}"]


class BucketError(OSError):
    """A bucket that is not there, refuses the account or does not answer.

    Its text is the reason and the remedy, and `filename` the address.
    """

    def __str__(self) -> str:
        """Return the text without the number of the error."""
        return str(self.strerror)


_REASONS = {
    errno.EACCES: "the permission is missing",
    errno.EPERM: "the permission is missing",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "the file is too large for the disk",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder is in place of the file",
    errno.EEXIST: "a file is in place of the folder",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the disk is gone",
}

_TEMPORARY = re.compile(r"\.([^/]+)\.[0-9a-f]{32}\.tmp$")
_OF_DATASET = re.compile(r"(?:file)?path=\w*\(?(['\"])(.+?)\1")


def describe_storage_error(error: BaseException) -> str | None:
    """Return a paragraph on an error of a disk or a bucket in the chain of causes, or None.

    Args:
        error: What a run ended with.
    """
    for cause in _chain(error):
        if isinstance(cause, BucketError):
            reason = str(cause)
        elif isinstance(cause, OSError) and cause.errno in _REASONS:
            reason = f"{_REASONS[cause.errno]}. Mend that"
        else:
            continue
        return (
            f"{_file_of(cause, error)} cannot be read or written: {reason}, and run the same "
            "command again; finished results are stored."
        )
    return None


def _file_of(cause: OSError, error: BaseException) -> str:
    """The file that an error is about, under the name that a user knows."""
    if cause.filename:
        return _TEMPORARY.sub(r"\1", str(cause.filename))
    # A full disk is an error of no file; Kedro's error about it has the dataset.
    found = _OF_DATASET.search(str(error))
    return found[2] if found else "A file"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, the innermost last."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def find_user_error(error: BaseException) -> UserError | None:
    """Return the innermost user error in the chain of causes, or None.

    Kedro wraps the errors of datasets in errors of its own.
    """
    found = [cause for cause in _chain(error) if isinstance(cause, UserError)]
    return found[-1] if found else None
