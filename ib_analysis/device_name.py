"""The names of devices, checked where a workflow starts, before torch is imported."""

import re

from ib_analysis.errors import UserError


def check_device(name: str) -> str:
    """The name itself.

    >>> check_device("cuda")
    'cuda'

    Raises:
        UserError: it is not auto, cpu or cuda (or one GPU of several, cuda:1).
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise UserError(f"device is {name}: it must be auto (a GPU where there is one), cpu or cuda.")
    return name
