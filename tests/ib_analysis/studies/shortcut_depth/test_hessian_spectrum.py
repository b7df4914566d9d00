"""Dense and Lanczos spectra of the same networks, and the definitions of condition number and index."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import aslinearoperator
from torch.func import hessian

from ib_analysis.studies.shortcut_depth.hessian_spectrum import (
    dense_hessian,
    hessian_operator,
    lanczos_spectrum,
    negative_share,
    of_eigenvalues,
    spectrum,
)
from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork, convolution, dense


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(*size, seed=0):
    return torch.randn(*size, generator=seeded(seed), dtype=torch.float64)


def network(layer=dense, shortcut=2, nonlinearity="tanh"):
    readout = None if layer is dense else draws(4, 27, seed=8)
    layers = dense(4) if layer is dense else convolution(3, 3, 3, torch.device("cpu"))
    return UnitNetwork(layers, 6, shortcut, nonlinearity, readout)


def task(layer=dense):
    return Samples(draws(12, 4) if layer is dense else draws(12, 3, 3, 3), draws(12, 4, seed=1))


@pytest.mark.parametrize("nonlinearity", ["identity", "tanh", "relu"])
def test_the_dense_hessian_is_that_of_torch(nonlinearity):
    net, samples = network(nonlinearity=nonlinearity), task()
    w = net.initialised("xavier", 0.01, seeded())
    torch.testing.assert_close(dense_hessian(net, w, samples), hessian(lambda v: net.loss(v, samples))(w))


@pytest.mark.parametrize("layer", [dense, convolution])
def test_lanczos_finds_the_ends_of_the_dense_spectrum_and_nearly_its_index(layer):
    net, samples = network(layer), task(layer)
    w = net.initialised("near_zero", 0.1, seeded(2))
    whole = spectrum(net, w, samples, len(w), seeded())
    part = spectrum(net, w, samples, len(w) - 1, seeded())
    assert (whole.method, part.method) == ("dense", "lanczos")
    assert (part.largest, part.smallest) == pytest.approx((whole.largest, whole.smallest), rel=1e-7)
    # A random direction: its squared entries sum to a share p with the variance 2 p (1 - p) / P, here of two probes.
    assert abs(part.index - whole.index) < 4 * (0.25 / len(w)) ** 0.5
    assert (part.condition_number, part.flat) == (None, None)


def test_the_operator_is_the_hessian():
    net, samples = network(), task()
    w = net.initialised("xavier", 0.01, seeded(3))
    v = draws(len(w), seed=4).numpy()
    np.testing.assert_allclose(
        hessian_operator(net, w, samples) @ v,
        dense_hessian(net, w, samples).numpy() @ v,
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_hessian_that_is_zero_is_flat_in_both_ways():
    net, samples = network(shortcut=3), task()
    zero = torch.zeros_like(net.weights)
    for most in (len(zero), 1):
        found = spectrum(net, zero, samples, most, seeded())
        assert (found.largest, found.index, found.flat, found.condition_number) == (0.0, 0.0, 1.0, None)


def test_the_definitions():
    found = of_eigenvalues(torch.tensor([-3.0, -1e-15, 0.5, 1.0], dtype=torch.float64))
    assert (found.largest, found.smallest) == (1.0, -3.0)
    assert found.condition_number == 6.0
    assert (found.index, found.flat) == (0.25, 0.25)


def test_quadrature_is_exact_where_the_probe_is_known():
    # A probe with squared weights 0.1, 0.3 and 0.6 on the eigenvalues -2, 0 and 5.
    product = aslinearoperator(np.diag([-2.0, 0.0, 5.0]))
    assert negative_share(product, np.sqrt([0.1, 0.3, 0.6]), 1e-9) == pytest.approx(0.1)


def test_lanczos_follows_from_its_generator():
    net, samples = UnitNetwork(dense(4), 1, 1, "tanh"), task()
    w = net.initialised("xavier", 0.01, seeded(3))
    assert lanczos_spectrum(net, w, samples, seeded(1)) == lanczos_spectrum(net, w, samples, seeded(1))
