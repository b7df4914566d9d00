import numpy as np
import torch

from decoders.categorical import Categorical
from decoders.evaluation import NegativeLogLikelihood, nats_per_example
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import CategoricalSpec, ImageTarget, LabelTarget
from decoders.training import precision


def example(dropout=0.5):
    torch.manual_seed(0)
    decoder = Categorical(CategoricalSpec(hidden=8, dropout=dropout), LabelTarget(classes=4), (6,))
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    return decoder, TensorPairs(torch.randint(4, (53,)), torch.randn(53, 6))


def test_blocks_do_not_matter_and_the_literal_value_is_found():
    decoder, pairs = example()
    whole = nats_per_example(decoder, pairs, "cpu", 53)
    assert whole.dtype == np.float64
    assert np.allclose(nats_per_example(decoder, pairs, "cpu", 7), whole, rtol=1e-5)
    decoder.eval()
    literal = -torch.log_softmax(decoder(pairs.h).log_probabilities, -1)[torch.arange(53), pairs.target]
    assert np.allclose(whole, literal.detach().numpy(), rtol=1e-5)


def test_rows_choose_and_order():
    decoder, pairs = example()
    rows = np.array([5, 3, 50])
    assert np.allclose(
        nats_per_example(decoder, pairs, "cpu", 2, rows=rows),
        nats_per_example(decoder, pairs, "cpu", 53)[rows],
    )


def test_evaluation_uses_no_dropout_and_leaves_mode_and_gradients_alone():
    decoder, pairs = example()
    decoder.train()
    assert np.array_equal(
        nats_per_example(decoder, pairs, "cpu", 53), nats_per_example(decoder, pairs, "cpu", 53)
    )
    assert decoder.training
    assert all(module.training for module in decoder.modules())
    assert all(parameter.grad is None for parameter in decoder.parameters())


def test_the_loss_module_carries_the_decoders_parameters():
    decoder, pairs = example(dropout=0.0)
    loss = NegativeLogLikelihood(decoder)
    assert {id(p) for p in loss.parameters()} == {id(p) for p in decoder.parameters()}
    assert torch.allclose(loss(*pairs.batch(np.arange(53))), -decoder(pairs.h).log_prob(pairs.target))


def test_no_pairs_no_nats():
    decoder, pairs = example()
    assert nats_per_example(decoder, pairs, "cpu", 8, rows=np.arange(0)).shape == (0,)


def test_bfloat16_on_a_cpu_changes_the_nats_of_images_by_little(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=16, layers=1, mixtures=2)
    decoder = PixelCNNPP(spec, ImageTarget(channels=3, height=8, width=8, levels=256), None)
    x = torch.randint(0, 256, (32, 3, 8, 8), dtype=torch.uint8)
    decoder.initialise(x, None)
    exact = nats_per_example(decoder, TensorPairs(x, None), "cpu", 32)
    mixed = nats_per_example(decoder, TensorPairs(x, None), "cpu", 32, precision="bfloat16")
    assert not np.array_equal(mixed, exact)
    assert np.allclose(mixed, exact, rtol=0.02)
    assert np.isclose(mixed.mean(), exact.mean(), rtol=2e-3)
