"""The one exception that a user, not a developer, is meant to read."""


class UserError(Exception):
    """Something the user can put right: a file, an option, a missing step.

    The message is one paragraph that names what is wrong (file, row, field or option and its
    value) and what to do about it. On the command line it is shown without a stack trace.
    """
