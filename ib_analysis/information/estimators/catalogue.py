"""Table of all estimators by name; the module of an estimator is imported when the estimator is built.

The configuration reads the table, so that a mistake is found before anything runs: this module imports neither numpy
nor torch.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ib_analysis.errors import UserError
from ib_analysis.point import Target

if TYPE_CHECKING:
    from ib_analysis.information.estimators.estimator import Estimator

ROOM = "ib_analysis.information.estimators"
IMAGE: tuple[Target, ...] = ("image",)
LABEL: tuple[Target, ...] = ("label",)
BOTH: tuple[Target, ...] = ("image", "label")
NONE: tuple[Target, ...] = ()
CRITIC = (
    "critic",
    "hidden",
    "steps",
    "patience",
    "batch",
    "learning_rate",
    "weight_decay",
    "seed",
    "device",
)
"""The settings of every method that trains a critic."""


class Listed(NamedTuple):
    """One estimator of the table.

    `place` is its module in this folder and its class. `targets` are the informations that it estimates by default.
    `settings` are the fields of its class, and `baseline` are its settings by default.
    """

    place: str
    targets: tuple[Target, ...]
    settings: tuple[str, ...]
    baseline: Mapping[str, Any] = {}

    @property
    def implementation(self) -> str:
        """The class, as "package.module:Class"."""
        return f"{ROOM}.{self.place}"


ESTIMATORS: dict[str, Listed] = {
    "counting": Listed("counting:Counting", NONE, ()),
    "counting_sample": Listed("counting:CountingSample", NONE, ("correction",)),
    "binning": Listed("binning:Binning", BOTH, ("bins", "low", "high")),
    "adaptive_binning": Listed("adaptive_binning:AdaptiveBinning", BOTH, ("bins",)),
    "kernel_density": Listed("kernel_density:KernelDensity", NONE, ("noise",)),
    "kernel_density_upper": Listed("kernel_density:KernelDensityUpper", BOTH, ("noise",)),
    "kernel_density_lower": Listed("kernel_density:KernelDensityLower", BOTH, ("noise",)),
    "noisy_mixture": Listed("noisy_mixture:NoisyMixture", BOTH, ("noise", "draws", "universe", "seed")),
    "compressed_noise": Listed(
        "compressed_noise:CompressedNoise",
        IMAGE,
        ("x_components", "h_components", "noise", "k", "splits", "seed"),
    ),
    "ksg": Listed("ksg:KSG", IMAGE, ("k", "splits", "seed")),
    "ross": Listed("ross:Ross", LABEL, ("k", "splits", "seed")),
    "gaussian": Listed(
        "gaussian:Gaussian", IMAGE, ("shrinkage", "directions", "folds", "seed"), {"shrinkage": None}
    ),
    "renyi": Listed("renyi:Renyi", BOTH, ("alpha", "x_width", "y_width")),
    "infonce": Listed("infonce:InfoNCE", BOTH, CRITIC),
    "nwj": Listed("nwj:NWJ", IMAGE, CRITIC),
    "mine": Listed("mine:MINE", IMAGE, (*CRITIC, "running_rate")),
    "smile": Listed("smile:SMILE", IMAGE, (*CRITIC, "clip")),
    "linear_probe": Listed("linear_probe:LinearProbe", LABEL, ("seed", "penalties", "most_steps")),
    "mlp_probe": Listed(
        "mlp_probe:MLPProbe",
        LABEL,
        ("seed", "hidden", "steps", "patience", "batch", "learning_rate", "weight_decay", "device"),
    ),
    "k_nearest_neighbours": Listed("k_nearest_neighbours:KNearestNeighbours", LABEL, ("seed", "neighbours")),
}
"""`gaussian` shrinks its covariance as a baseline: an image has more sub-pixels than there are rows."""


def check_name(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: no estimator has that name; the nearest one is suggested.
    """
    if name not in ESTIMATORS:
        near = get_close_matches(name, ESTIMATORS, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"there is no estimator {name!r}{meant}: choose one of {', '.join(ESTIMATORS)}")
    return name


def unknown_setting(name: str, settings: Mapping[str, Any]) -> str:
    """The sentence on the first setting that the estimator does not have; empty where it has all.

    >>> unknown_setting("ksg", {"k": 5}), unknown_setting("counting", {"bins": 3})
    ('', "counting has no setting 'bins': it has no settings")
    """
    known = ESTIMATORS[name].settings
    has = f"its settings are {', '.join(known)}" if known else "it has no settings"
    return next((f"{name} has no setting {given!r}: {has}" for given in settings if given not in known), "")


def estimator_class(name: str) -> type["Estimator"]:
    """The class of that name, for its `reference`, `assumptions`, `bound` and settings.

    >>> estimator_class("ksg").bound.value
    'consistent'

    Raises:
        UserError: no estimator has that name.
    """
    try:
        module, attribute = ESTIMATORS[check_name(name)].implementation.split(":")
    except ValueError as error:
        raise UserError(f"{error}.") from None
    found: type[Estimator] = getattr(import_module(module), attribute)
    return found


def estimator(name: str, **settings: Any) -> "Estimator":
    """The estimator of that name with these settings; what is left out has the default of its class.

    >>> estimator("ksg", k=5)
    KSG(k=5, splits=10, seed=0)

    Raises:
        UserError: an unknown name or setting, or a setting out of its range.
    """
    kind = estimator_class(name)
    if sentence := unknown_setting(name, settings):
        raise UserError(f"{sentence}.")
    try:
        return kind(**settings)
    except TypeError as error:
        raise UserError(
            f"a setting of {name} is not of the right type ({error}): see {kind.__name__}."
        ) from None
