import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.catalogue import ESTIMATORS, estimator, estimator_class
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

NEURAL = {"infonce", "nwj", "mine", "smile", "linear_probe", "mlp_probe", "k_nearest_neighbours"}
CLASSICAL = [name for name in ESTIMATORS if name not in NEURAL]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_name_is_a_complete_estimator(name):
    kind = estimator_class(name)
    assert issubclass(kind, Estimator)
    assert kind.name == name
    assert kind.bound in list(Bound)
    assert kind.reference
    assert kind.assumptions.endswith(".")
    built = estimator(name)
    assert all(hasattr(built, field.name) for field in fields(kind))


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("quantity", [Quantity.LABEL_INFORMATION, Quantity.MUTUAL_INFORMATION])
def test_every_method_takes_features_and_labels_and_says_what_it_estimated(name, quantity):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    h = rng.standard_normal((120, 2, 2)) + y[:, None, None]
    if name == "gaussian" and quantity is Quantity.LABEL_INFORMATION:
        with pytest.raises(UserError, match="takes no classes"):
            estimator(name).estimate(h, y, quantity)
        return
    found = estimator(name).estimate(h, y, quantity)
    assert (found.quantity, found.method, found.n) == (quantity, name, 120)
    assert np.isfinite([found.value, found.stderr]).all()
    assert found.stderr >= 0


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_method_gives_one_number_for_one_sample(name):
    rng = np.random.default_rng(0)
    x, h = rng.random((60, 4)), rng.standard_normal((60, 3))
    if name == "ross":
        h = np.arange(60) % 2
    assert estimator(name).estimate(x, h) == estimator(name).estimate(x, h)


@pytest.mark.parametrize("name", CLASSICAL)
def test_rows_that_do_not_belong_together_are_refused(name):
    with pytest.raises(UserError, match="x has 20 rows and y 21"):
        estimator(name).estimate(np.arange(20), np.arange(21))


def test_settings_reach_the_method():
    assert estimator("binning", bins=7).estimate(np.arange(70), np.arange(70) * 1.0).value == pytest.approx(
        np.log(7)
    )


def test_an_unknown_name_is_named_with_its_neighbour():
    with pytest.raises(UserError, match=r"no estimator 'kgs' \(did you mean ksg\?\): choose one of counting"):
        estimator("kgs")


def test_an_unknown_setting_is_named_with_those_that_there_are():
    with pytest.raises(UserError, match="ksg has no setting 'neighbours': its settings are k, splits, seed"):
        estimator("ksg", neighbours=3)
    with pytest.raises(UserError, match="counting has no setting 'bins': it has no settings"):
        estimator("counting", bins=3)


def test_a_setting_of_the_wrong_type_is_a_sentence():
    with pytest.raises(UserError, match="a setting of ksg is not of the right type"):
        estimator("ksg", k="three")


def test_nothing_is_imported_before_it_is_asked_for():
    code = (
        "import sys; import ib_analysis.information.estimators.catalogue;"
        "print([m for m in sys.modules if m.startswith(('torch', 'scipy', 'sklearn'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
