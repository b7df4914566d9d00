"""Every estimator by its name; one is imported when it is asked for, and none before."""

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.rivals import IMPLEMENTATIONS, misnamed_setting

ESTIMATORS: dict[str, str] = {str(name): place for name, place in IMPLEMENTATIONS.items()}


def estimator_class(name: str) -> type[Estimator]:
    """The class of that name, for its `reference`, `assumptions`, `bound` and settings.

    >>> estimator_class("ksg").bound.value
    'consistent'

    Raises:
        UserError: no estimator has that name.
    """
    if name not in ESTIMATORS:
        raise UserError(
            f"there is no estimator {name!r}{_meant(name)}: choose one of {', '.join(ESTIMATORS)}."
        )
    module, attribute = ESTIMATORS[name].split(":")
    found: type[Estimator] = getattr(import_module(module), attribute)
    return found


def estimator(name: str, **settings: Any) -> Estimator:
    """The estimator of that name with these settings; what is left out has the default of its class.

    >>> estimator("ksg", k=5)
    KSG(k=5, splits=10, seed=0)

    Raises:
        UserError: an unknown name or setting, or a setting out of its range.
    """
    kind = estimator_class(name)
    if sentence := misnamed_setting(name, settings):
        raise UserError(f"{sentence}.")
    try:
        return kind(**settings)
    except TypeError as error:
        raise UserError(
            f"a setting of {name} is not of the right type ({error}): see {kind.__name__}."
        ) from None


def _meant(name: str) -> str:
    near = get_close_matches(name, ESTIMATORS, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
