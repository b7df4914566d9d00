"""Laws of the decoder: normalised, every parameter learns, h adds nothing before it is fitted."""

import math

import pytest
import torch

from decoders.errors import ContextError
from decoders.pixelcnn_pp import fused_layers
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget


def a_context(context, batch, dtype=torch.float64, seed=3):
    if context is None:
        return None
    return torch.randn(batch, *context, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def repeated(h, n):
    return None if h is None else h.expand(n, *h.shape[1:])


ALPHABETS = [(1, 2, 2, 2), (1, 3, 2, 3), (3, 1, 2, 2), (3, 2, 1, 3), (2, 2, 2, 2), (1, 2, 5, 2)]


@pytest.mark.parametrize(("channels", "height", "width", "levels"), ALPHABETS)
def test_probabilities_of_all_images_sum_to_one(
    decoder, every_image, context, channels, height, width, levels
):
    model = decoder(channels, (height, width), levels, context)
    x = every_image(channels, height, width, levels)
    with torch.no_grad():
        for seed in (3, 4):
            h = a_context(context, 1, seed=seed)
            log_prob = model(repeated(h, len(x))).log_prob(x)
            assert log_prob.shape == (len(x),)
            assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 7), (8, 8), (10, 9)])
def test_any_size_has_one_log_probability_an_image(decoder, context, size):
    model = decoder(1, size, 17, context, dtype=torch.float32)
    x = torch.randint(0, 17, (3, 1, *size), dtype=torch.uint8)
    log_prob = model(a_context(context, 3, torch.float32)).log_prob(x)
    assert log_prob.shape == (3,)
    assert log_prob.dtype == torch.float32
    assert (log_prob < 0).all()


def fresh(context, seed=0):
    torch.manual_seed(seed)
    spec = PixelCNNPPSpec(filters=6, layers=1, mixtures=3, context_filters=5)
    return PixelCNNPP(spec, ImageTarget(channels=3, height=8, width=8, levels=256), context)


@pytest.mark.parametrize("shape", [(5,), (4, 3, 2)])
def test_a_fresh_conditional_decoder_is_the_unconditional_one(shape):
    x = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    h = torch.randn(16, *shape)
    plain, conditional = fresh(None), fresh(shape)
    for model, given in [(plain, None), (conditional, h)]:
        model.initialise(x, given)
        model.eval()
    assert torch.equal(plain(None).log_prob(x), conditional(h).log_prob(x))


def step(model, x, h):
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    optimiser.zero_grad()
    (-model(h).log_prob(x).mean()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return gradients


def test_every_parameter_receives_a_gradient(context):
    """At once, but for what lies behind V = 0: that after one step."""
    model = fresh(context).eval()
    x = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    h = a_context(context, 16, torch.float32)
    model.initialise(x, h)
    first, second = step(model, x, h), step(model, x, h)
    for name in first:
        if not name.startswith("context_maps"):
            assert first[name].abs().sum() > 0, name
        assert second[name].abs().sum() > 0, name


def test_initialization_is_repeatable_and_leaves_the_mode_alone(context):
    model = fresh(context).train()
    x = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    h = a_context(context, 16, torch.float32)
    model.initialise(x, h)
    once = {k: v.clone() for k, v in model.state_dict().items()}
    model.initialise(x, h)
    assert model.training
    assert all(torch.allclose(once[k], v, atol=1e-5, rtol=1e-4) for k, v in model.state_dict().items())


def test_an_initialised_decoder_starts_near_a_uniform_code(context):
    model = fresh(context).eval()
    x = torch.randint(0, 256, (32, 3, 8, 8), dtype=torch.uint8)
    h = a_context(context, 32, torch.float32)
    model.initialise(x, h)
    with torch.no_grad():
        bits_per_dim = -model(h).log_prob(x).mean().item() / math.log(2) / x[0].numel()
    assert 8 < bits_per_dim < 10.5


def test_state_loads_into_an_identical_decoder(decoder, context):
    model, other = (decoder(1, (5, 6), 17, context, seed=seed) for seed in (0, 1))
    x, h = torch.randint(0, 17, (3, 1, 5, 6)), a_context(context, 3)
    assert not torch.equal(model(h).log_prob(x), other(h).log_prob(x))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(h).log_prob(x), other(h).log_prob(x))


def test_description_builds_the_decoder_again(decoder, context):
    model = decoder(1, (5, 6), 17, context)
    d = model.description()
    shape = None if d["context"] is None else tuple(d["context"])
    again = PixelCNNPP(PixelCNNPPSpec(**d["spec"]), ImageTarget(**d["target"]), shape).double()
    again.load_state_dict(model.state_dict())
    assert d["implementation"] == "decoders.pixelcnn_pp.decoder:PixelCNNPP"
    assert again.description() == d


@pytest.mark.parametrize("shape", [(5,), (4, 3, 2)])
def test_the_scale_of_h_does_not_matter_once_initialised(shape):
    x = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    h = torch.randn(16, *shape)
    models = fresh(shape), fresh(shape)
    values = []
    for model, given in zip(models, (h, 1000 * h + 50)):
        model.initialise(x, given)
        with torch.no_grad():
            for name, p in model.named_parameters():
                if name.endswith("context"):
                    p.fill_(0.1)
        values.append(model.eval()(given).log_prob(x))
    assert torch.allclose(values[0], values[1], rtol=1e-3)


def test_pixels_sum_to_the_image(decoder, context):
    model = decoder(3, (5, 6), 17, context)
    x, h = torch.randint(0, 17, (3, 3, 5, 6)), a_context(context, 3)
    density = model(h)
    assert density.pixel_log_prob(x).shape == (3, 5, 6)
    assert torch.allclose(density.pixel_log_prob(x).sum((1, 2)), density.log_prob(x))


def test_likelihood_is_float32_under_autocast():
    model = fresh(None).eval()
    x = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    model.initialise(x, None)
    expected = model(None).log_prob(x)
    with torch.autocast("cpu", torch.bfloat16):
        value = model(None).log_prob(x)
    assert value.dtype == torch.float32
    assert torch.allclose(value, expected, rtol=0.05)


def likelihood_and_gradients(model, x, h):
    log_prob = model(h).log_prob(x)
    gradients = torch.autograd.grad(log_prob.mean(), list(model.parameters()))
    return log_prob.detach(), gradients


@pytest.mark.parametrize("channels", [1, 3])
def test_compiled_layers_and_channels_last_change_nothing_but_rounding(
    decoder, context, channels, monkeypatch
):
    """Against the same network in double precision, where torch's operations are used one by one."""
    settings = {"filters": 16, "context_filters": 16}
    model = decoder(channels, (9, 10), 17, context, torch.float32, **settings)
    x, h = torch.randint(0, 17, (3, channels, 9, 10)), a_context(context, 3, torch.float32)
    log_prob, gradients = likelihood_and_gradients(model, x, h)
    exact, exact_gradients = likelihood_and_gradients(model.double(), x, None if h is None else h.double())
    assert torch.allclose(log_prob.double(), exact, rtol=1e-5)
    for ours, theirs in zip(gradients, exact_gradients):
        assert torch.allclose(ours.double(), theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())
    monkeypatch.setattr(fused_layers, "runs_in_c", lambda *maps: False)
    plain, plain_gradients = likelihood_and_gradients(model.float(), x, h)
    assert torch.allclose(log_prob, plain, rtol=1e-5)
    for ours, theirs in zip(gradients, plain_gradients):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())


def test_a_step_with_dropout_is_repeated_bit_for_bit_by_its_seed(decoder):
    model = decoder(3, (8, 8), 17, dtype=torch.float32, filters=16).train()
    x = torch.randint(0, 17, (4, 3, 8, 8))
    steps = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        steps.append(likelihood_and_gradients(model, x, None))
    assert torch.equal(steps[0][0], steps[1][0])
    assert all(torch.equal(a, b) for a, b in zip(steps[0][1], steps[1][1]))
    assert not torch.equal(steps[0][0], steps[2][0])


def test_what_does_not_fit_is_refused(decoder):
    conditional, plain = decoder(context=(5,)), decoder()
    with pytest.raises(ValueError, match="built for"):
        conditional(None)
    with pytest.raises(ValueError, match="built for"):
        plain(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"\(6,\)"):
        conditional(torch.zeros(2, 6))
    with pytest.raises(ValueError, match="levels 0 to 9"):
        plain.initialise(torch.arange(10).view(10, 1, 1, 1).expand(-1, -1, 8, 8), None)
    with pytest.raises(ValueError, match="shape"):
        plain.initialise(torch.zeros(2, 1, 7, 8), None)
    with pytest.raises(ValueError, match="vector"):
        PixelCNNPP(PixelCNNPPSpec(), ImageTarget(channels=1, height=8, width=8, levels=2), (3, 4))


def test_a_decoder_that_starts_from_the_pretrained_one_equals_it_until_it_is_fitted():
    target = ImageTarget(channels=3, height=8, width=8, levels=4)
    spec = PixelCNNPPSpec(filters=4, layers=1, mixtures=2, dropout=0.0, context_filters=4, context_layers=1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 4, (16, 3, 8, 8), generator=generator, dtype=torch.uint8)
    h = torch.randn(16, 5, 4, 4, generator=generator)
    pretrained = PixelCNNPP(spec, target, None)
    pretrained.initialise(x, None)
    pretrained.eval()
    for context, h_ in (((5, 4, 4), h), (None, None)):
        decoder = PixelCNNPP(spec, target, context)
        decoder.start_from(pretrained)
        decoder.initialise(x, h_)
        decoder.eval()
        torch.testing.assert_close(decoder(h_).log_prob(x), pretrained(None).log_prob(x))


def test_a_decoder_that_starts_from_its_neighbour_reads_h_like_it():
    target = ImageTarget(channels=1, height=8, width=8, levels=4)
    spec = PixelCNNPPSpec(filters=4, layers=1, mixtures=2, dropout=0.0, context_filters=4, context_layers=1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 4, (16, 1, 8, 8), generator=generator, dtype=torch.uint8)
    h = torch.randn(16, 5, 4, 4, generator=generator)
    neighbour = PixelCNNPP(spec, target, (5, 4, 4))
    neighbour.initialise(x, h)
    with torch.no_grad():
        for name, parameter in neighbour.named_parameters():
            if name.endswith(".context"):
                parameter.normal_(generator=generator)
    neighbour.eval()
    decoder = PixelCNNPP(spec, target, (5, 4, 4))
    decoder.start_from(neighbour)
    # The activations of the next epoch have another scale: they are standardised anew.
    decoder.initialise(x, 3 * h + 1)
    decoder.eval()
    torch.testing.assert_close(decoder(3 * h + 1).log_prob(x), neighbour(h).log_prob(x))
    assert {id(p) for p in decoder.pretrained_parameters()} == {id(p) for p in decoder.parameters()}
    with pytest.raises(ContextError, match="other sizes"):
        PixelCNNPP(spec, target, (6, 4, 4)).start_from(neighbour)


def test_a_pretrained_decoder_of_another_size_or_kind_is_refused():
    target = ImageTarget(channels=1, height=8, width=8, levels=4)
    small, large = (PixelCNNPPSpec(filters=f, layers=1, mixtures=2, context_filters=4) for f in (4, 6))
    with pytest.raises(ContextError, match="other sizes"):
        PixelCNNPP(large, target, None).start_from(PixelCNNPP(small, target, None))
    with pytest.raises(ContextError, match="other layers"):
        PixelCNNPP(small, target, None).start_from(PixelCNNPP(small, target, (3,)))
