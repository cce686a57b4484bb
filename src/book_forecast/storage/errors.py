"""The one exception that a user, not a developer, is meant to read."""


class UserError(Exception):
    """Something the user can put right: a file, an option, a missing step.

    The message is one paragraph that names what is wrong (file, row, field or option and its
    value) and what to do about it. On the command line and in notebooks it is shown without a
    stack trace.

    Attributes:
        exit_code: Exit code of the command that ends with it.
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a stack trace, as lines."""
        return [f"Error: {self}"]


def find_user_error(error: BaseException) -> UserError | None:
    """Look for a user error behind those that were raised from it.

    Kedro wraps what a dataset raises in errors of its own.

    Args:
        error: What was caught.

    Returns:
        The innermost user error in the chain of causes, or None.
    """
    found: UserError | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            found = cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return found
