"""The exception with a message for users."""


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


def find_user_error(error: BaseException) -> UserError | None:
    """Return the innermost user error in the chain of causes, or None.

    Kedro wraps the errors of datasets in errors of its own.
    """
    found: UserError | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            found = cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return found
