"""The one exception that a user sees as a sentence instead of a traceback."""


class UserError(Exception):
    """A mistake outside the program; the message is one sentence that names the thing and what to do."""
