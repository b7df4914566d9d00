"""A pass as one operation in C against the same layers operation by operation."""

import copy
import gc
import weakref
from math import prod

import pytest
import torch
from torch import nn

from decoders import flat_parameters
from decoders.fitting import fit
from decoders.flat_parameters import flatten, flatten_gradients, read_apart, vector_part
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp import network_pass
from decoders.pixelcnn_pp.causal_convolution import (
    DownShifted,
    DownShiftedTransposed,
    WeightNormalizedConvolution,
)
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.gated_resnet import GatedResnet
from decoders.pixelcnn_pp.native_code import compiled_layers
from decoders.pixelcnn_pp.network import change_scale
from decoders.pixelcnn_pp.network_pass import WeightPlaces
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.spec import FitSpec, ImageTarget

pytestmark = pytest.mark.skipif(compiled_layers() is None, reason="there is no C compiler here")


@pytest.fixture(autouse=True)
def _new_memory_holds_no_numbers():
    """What is read before it is written shows: torch fills it with NaN."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


# filters, layers, context filters, shape of h, image
SIZES = {
    "vector": (16, 1, 16, (5,), (1, 8, 8)),
    "map": (24, 1, 32, (6, 4, 4), (3, 8, 8)),
    "padded": (8, 2, 8, (3, 5, 4), (3, 10, 7)),
    "unconditional": (32, 1, 32, None, (1, 4, 4)),
    "wide": (64, 1, 48, (5,), (1, 8, 4)),
    "two panels": (40, 1, 8, None, (1, 8, 8)),
}


@pytest.fixture(params=SIZES, ids=str)
def sizes(request):
    return SIZES[request.param]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def a_decoder(filters, layers, context_filters, h, image, dropout=0.0):
    """With weights at random wherever they would start at 0."""
    torch.manual_seed(0)
    sizes = {"filters": filters, "layers": layers, "mixtures": 2, "context_filters": context_filters}
    channels, height, width = image
    target = ImageTarget(channels=channels, height=height, width=width, levels=16)
    decoder = PixelCNNPP(PixelCNNPPSpec(**sizes, dropout=dropout, context_layers=1), target, h)
    with torch.no_grad():
        decoder.initialise(*a_batch(decoder, 40))
        for layer in decoder.modules():
            if isinstance(layer, WeightNormalizedConvolution):
                layer.bias.normal_(std=0.3)
        for name, weights in decoder.named_parameters():
            if name.endswith("context"):
                weights.normal_(std=0.1)
    return decoder.train()


def a_batch(decoder, count):
    generator = torch.Generator().manual_seed(1)
    t = decoder.target
    target = torch.randint(0, t.levels, (count, t.channels, t.height, t.width), generator=generator)
    h = None if decoder.context is None else torch.randn((count, *decoder.context), generator=generator)
    return target, h


def literally(monkeypatch):
    """Let all layers run operation by operation."""
    monkeypatch.setattr(network_pass, "key_of_pass", lambda *_: None)


def nats_and_gradients(decoder, count):
    """Nats of each image, and the gradient of each parameter and of h, by name."""
    target, h = a_batch(decoder, count)
    named = dict(decoder.named_parameters())
    if h is not None:
        named["h"] = h.requires_grad_()
    torch.manual_seed(5)
    nats = -decoder(h).log_prob(target)
    found = torch.autograd.grad((nats * torch.linspace(0.5, 1.5, count)).sum(), list(named.values()))
    return nats.detach(), dict(zip(named, found))


def assert_agree(ours, theirs):
    """To the rounding of float32: gradients as sums of terms of the size of the largest."""
    assert torch.allclose(ours[0], theirs[0], rtol=1e-5, atol=1e-4)
    scale = max(g.abs().max().item() for g in theirs[1].values())
    for name, g in theirs[1].items():
        assert torch.allclose(ours[1][name], g, rtol=2e-3, atol=3e-6 * scale), name


@pytest.mark.parametrize(("count", "parallel"), [(1, 1), (11, 1), (11, 3)])
def test_a_pass_has_the_values_and_gradients_of_its_operations(sizes, count, parallel, threads, monkeypatch):
    threads(parallel)
    decoder = a_decoder(*sizes)
    ours = nats_and_gradients(decoder, count)
    literally(monkeypatch)
    assert_agree(ours, nats_and_gradients(decoder, count))


@pytest.mark.parametrize("name", ["vector", "unconditional", "wide"])
def test_dropout_has_the_mask_of_its_operations(name, monkeypatch):
    """Where those lie channels last too: the mask counts elements in the order of memory."""
    count, decoder = 11, a_decoder(*SIZES[name], dropout=0.3)
    ours = nats_and_gradients(decoder, count)
    literally(monkeypatch)
    assert_agree(ours, nats_and_gradients(decoder, count))


def test_an_evaluation_uses_memory_again_and_has_the_same_values(sizes, monkeypatch):
    decoder = a_decoder(*sizes).eval()
    target, h = a_batch(decoder, 5)
    with torch.no_grad():
        ours = decoder(h).log_prob(target)
        literally(monkeypatch)
        theirs = decoder(h).log_prob(target)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-4)


def test_all_layers_are_one_call_forward_and_one_backward(sizes, monkeypatch):
    """And so is what reads h."""
    calls, original = [], network_pass.call

    def noted(name, *given):
        calls.append(name)
        return original(name, *given)

    monkeypatch.setattr(network_pass, "call", noted)
    nats_and_gradients(decoder := a_decoder(*sizes), 3)
    calls = [name for name in calls if name != "network_workspace"]
    passes = 1 if decoder.context is None else 2
    assert calls == ["network_forward"] * passes + ["network_backward"] * passes


class OfTwo(nn.Module):
    """A pass that reads maps several times, and another not at all, and has a layer whose map nothing reads."""

    def __init__(self):
        super().__init__()
        self.unread, self.skipping, self.own = (
            GatedResnet(8, DownShifted, skips, 0.0, 0) for skips in (0, 2, 1)
        )
        self.doubled = DownShiftedTransposed(8, 8)
        self.halved, self.again = (DownShifted(8, 8, stride=2) for _ in range(2))

    def through(self, maps):
        x = maps[0]
        self.unread(x)
        fine = change_scale(self.doubled, x)
        halved, again = change_scale(self.halved, fine), change_scale(self.again, fine)
        y = self.skipping(x, (halved, again))
        return self.own(y, (y,))

    def forward(self, *maps):
        return network_pass.run_pass(self, self.through, maps)


def test_what_nothing_reads_has_a_gradient_of_0_and_what_is_read_often_the_sum(monkeypatch):
    torch.manual_seed(0)
    network, maps = OfTwo(), [torch.randn(3, 8, 4, 4).requires_grad_() for _ in range(2)]
    of = [*maps, *network.parameters()]

    def gradients():
        value = network(*maps).square().sum()
        found = torch.autograd.grad(value, of, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for t, g in zip(of, found)]

    ours = gradients()
    literally(monkeypatch)
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(ours, gradients()))
    assert ours[1].eq(0).all()
    assert ours[0].ne(0).all()


def test_a_layer_that_occurs_twice_is_refused():
    network = OfTwo()
    network.again = network.halved
    with pytest.raises(ValueError, match="occurs twice"):
        network(torch.randn(3, 8, 4, 4))


def test_no_map_is_written_over_one_that_is_still_read():
    """Lives of the maps in the block, from the layer that writes a map to the last that reads it."""
    recording = recorded(a_decoder(*SIZES["map"]))
    apart = range(recording.inputs)
    places = network_pass.places_of_maps(recording, apart, keeps_all=False)
    lives = []
    for i, row in enumerate(recording.rows):
        readers = {
            m: [j for j, other in enumerate(recording.rows) if m in network_pass.maps_read(other)]
            for m in (row.c, row.gated, row.y)
            if m >= 0
        }
        for m, found in readers.items():
            begin = int(places.begins[m])
            lives.append((i, max(found, default=i), begin, begin + prod(recording.shapes[m])))
    pairs = [(a, b) for k, a in enumerate(lives) for b in lives[:k]]
    assert not [(a, b) for a, b in pairs if a[0] <= b[1] and b[0] <= a[1] and a[2] < b[3] and b[2] < a[3]]
    assert max(life[3] for life in lives) <= places.size
    kept = network_pass.places_of_maps(recording, apart, keeps_all=True)
    assert places.size < 0.6 * kept.size


def recorded(decoder):
    """The recording of the pass of a decoder over two images."""
    found = []

    class Spy(network_pass.Recording):
        def __init__(self, threads):
            super().__init__(threads)
            found.append(self)

    patch = pytest.MonkeyPatch()
    patch.setattr(network_pass, "Recording", Spy)
    target, h = a_batch(decoder, 2)
    decoder(h).log_prob(target)
    patch.undo()
    return found[-1]


def test_weights_that_need_no_gradient_get_none():
    decoder = a_decoder(*SIZES["map"])
    decoder.stem.requires_grad_(False)
    decoder.down.requires_grad_(False)
    target, h = a_batch(decoder, 3)
    decoder(h).log_prob(target).sum().backward()
    assert all(p.grad is None for p in decoder.down.parameters())
    assert all(p.grad is not None for p in decoder.up.parameters())


@pytest.mark.parametrize("filters", [12, 72])
def test_other_widths_run_operation_by_operation(filters, monkeypatch):
    monkeypatch.setattr(network_pass, "call", None)
    nats_and_gradients(a_decoder(filters, 1, filters, (5,), (1, 4, 4)), 2)


def test_bfloat16_and_stacks_run_operation_by_operation(monkeypatch):
    decoder = a_decoder(*SIZES["vector"])
    stack = StackedPixelCNNPP([decoder, decoder])
    monkeypatch.setattr(network_pass, "call", None)
    target, h = a_batch(decoder, 2)
    with torch.autocast("cpu", torch.bfloat16):
        decoder(h).log_prob(target)
    stack(torch.stack([target, target]), torch.stack([h, h]))


def test_an_initialisation_sees_every_layer(monkeypatch):
    """Its hooks measure what each layer gets, so a pass is not one operation then."""
    decoder = a_decoder(*SIZES["map"])
    monkeypatch.setattr(network_pass, "call", None)
    with torch.no_grad():
        decoder.initialise(*a_batch(decoder, 8))
    monkeypatch.undo()
    assert not any(layer._forward_pre_hooks for layer in decoder.modules())


HOOKS = {
    "forward": nn.Module.register_forward_hook,
    "forward pre": nn.Module.register_forward_pre_hook,
    "backward": nn.Module.register_full_backward_hook,
    "backward pre": nn.Module.register_full_backward_pre_hook,
    "global": lambda _, hook: nn.modules.module.register_module_forward_hook(hook),
}


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("where", ["up.0.0.u", "up.0.0.u.second", "context_maps.read.0.first"])
def test_a_hook_on_any_layer_gets_tensors(kind, where):
    decoder, met = a_decoder(*SIZES["map"]), []
    layer = decoder.get_submodule(where)
    hook = HOOKS[kind](layer, lambda module, *given: met.append((module, repr(given))))
    try:
        nats_and_gradients(decoder, 2)
    finally:
        hook.remove()
    given = [text for module, text in met if module is layer]
    assert given
    assert not any("RecordedMap" in text for text in given)


def test_an_empty_batch_has_no_nats_and_no_gradients():
    """And ends no process: the loops over images and threads have no turn."""
    decoder = a_decoder(*SIZES["unconditional"])
    nats = decoder(None).log_prob(torch.zeros(0, 1, 4, 4, dtype=torch.int64))
    nats.sum().backward()
    assert nats.shape == (0,)
    assert all(p.grad is None or not p.grad.any() for p in decoder.parameters())


def test_maps_of_other_images_and_weights_of_another_precision_are_refused():
    """In C they would be read as what they are not, or beyond their ends."""
    decoder = a_decoder(*SIZES["map"])
    target, h = a_batch(decoder, 4)
    with pytest.raises(ValueError, match=r"one batch and size, not \(4, 24, 8, 8\) and \(1, 32, 8, 8\)"):
        decoder(h[:1]).log_prob(target)
    with pytest.raises(ValueError, match="5x5 has no half"):
        a_decoder(*SIZES["unconditional"])(None).log_prob(torch.zeros(2, 1, 10, 10, dtype=torch.int64))
    decoder.down.double()
    with pytest.raises(TypeError, match=r"float32 on a CPU meet weights in torch\.float64 on cpu"):
        decoder(h).log_prob(target)


def test_a_pass_is_in_float32_whatever_the_precision_of_new_tensors():
    decoder = a_decoder(*SIZES["map"])
    target, h = a_batch(decoder, 3)
    streams, s = decoder.stem(decoder.network_input(target)), decoder.context_maps(h)
    expected = decoder._pass(streams, s)
    torch.set_default_dtype(torch.float64)
    try:
        found = decoder._pass(streams, s)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_a_decoder_that_is_gone_leaves_no_weights_in_a_circle():
    decoder = a_decoder(*SIZES["map"])
    target, h = a_batch(decoder, 2)
    gc.collect()
    gc.disable()
    try:
        decoder(h).log_prob(target).sum().backward()
        weights = weakref.ref(decoder.up[0][0].u.first.direction)
        del decoder
        assert weights() is None
    finally:
        gc.enable()


def recordings_of(decoder):
    """All recordings that are kept, of the network and of what reads h."""
    networks = [decoder] if decoder.context_maps is None else [decoder, decoder.context_maps.read]
    return [r for network in networks for r in network_pass._recordings[network].values()]


def test_a_recording_serves_all_passes_of_one_shape():
    decoder = a_decoder(*SIZES["map"], dropout=0.3)
    first = nats_and_gradients(decoder, 3)
    kept = recordings_of(decoder)
    assert len(kept) == 2
    assert_agree(nats_and_gradients(decoder, 3), first)  # the seeds are those of the generator
    assert recordings_of(decoder) == kept
    nats_and_gradients(decoder, 4)
    assert len(recordings_of(decoder)) == 4


def test_seeds_are_new_in_every_pass():
    decoder = a_decoder(*SIZES["unconditional"], dropout=0.3)
    target, _ = a_batch(decoder, 3)
    assert not torch.equal(decoder(None).log_prob(target), decoder(None).log_prob(target))


def replace_gain(decoder):
    layer = decoder.up[0][0].u.first
    layer.gain = nn.Parameter(3 * layer.gain.detach())


def change_dropout(decoder):
    decoder.up[0][0].u.dropout = 0.7


CHANGES = {
    "a parameter": replace_gain,
    "the dropout of a layer": change_dropout,
    "the mode of all": lambda decoder: decoder.eval(),
    "the mode of one layer": lambda decoder: decoder.up[0][0].ul.eval(),
    "the place of the weights": lambda decoder: decoder.load_state_dict(
        {name: 1.5 * value for name, value in decoder.state_dict().items()}, assign=True
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_recording_outlives_what_it_was_made_from(change, monkeypatch):
    decoder = a_decoder(*SIZES["unconditional"], dropout=0.3)
    before = nats_and_gradients(decoder, 3)
    CHANGES[change](decoder)
    ours = nats_and_gradients(decoder, 3)
    assert not torch.equal(ours[0], before[0])
    literally(monkeypatch)
    assert_agree(ours, nats_and_gradients(decoder, 3))


def test_the_recordings_of_a_network_are_few():
    decoder = a_decoder(*SIZES["unconditional"])
    for count in range(1, 40):
        with torch.no_grad():
            decoder(None).log_prob(a_batch(decoder, count)[0])
    assert len(recordings_of(decoder)) <= network_pass.MOST_RECORDINGS


def test_no_recording_keeps_weights_that_are_gone():
    decoder = a_decoder(*SIZES["unconditional"])
    nats_and_gradients(decoder, 3)
    old = weakref.ref(decoder.up[0][0].u.first.gain)
    replace_gain(decoder)
    nats_and_gradients(decoder, 3)
    gc.collect()
    assert old() is None


def test_weights_that_are_computed_are_computed_in_every_pass():
    decoder = a_decoder(*SIZES["unconditional"])
    layer = decoder.up[0][0].u.first

    class Tripled(nn.Module):
        def forward(self, gain):
            return 3 * gain

    before = nats_and_gradients(decoder, 3)[0]
    nn.utils.parametrize.register_parametrization(layer, "gain", Tripled())
    first = nats_and_gradients(decoder, 3)[0]
    with torch.no_grad():
        layer.parametrizations.gain.original.div_(3)
    second = nats_and_gradients(decoder, 3)[0]
    assert not torch.allclose(first, before, atol=1e-3)
    assert torch.allclose(second, before, atol=1e-4)


def flattened(decoder, *, as_one):
    """The parameters of a decoder as two vectors, those that read h apart."""
    named = dict(decoder.named_parameters())
    for reads_h in (False, True):
        group = [p for name, p in named.items() if ("context" in name) == reads_h]
        if group:
            flatten_gradients(group, flatten(group), as_one=as_one)
    return decoder


def gradients_of_two_passes(decoder):
    for seed in (5, 6):
        torch.manual_seed(seed)
        target, h = a_batch(decoder, 5)
        decoder(h).log_prob(target).sum().backward()
    return {name: p.grad.clone() for name, p in decoder.named_parameters()}


def test_the_gradient_of_a_vector_is_that_of_its_parameters():
    decoder = a_decoder(*SIZES["map"], dropout=0.3)
    alone = gradients_of_two_passes(decoder)
    apart = gradients_of_two_passes(flattened(a_decoder(*SIZES["map"], dropout=0.3), as_one=False))
    at_once = flattened(a_decoder(*SIZES["map"], dropout=0.3), as_one=True)
    found = gradients_of_two_passes(at_once)
    for name, expected in alone.items():
        assert torch.equal(apart[name], expected), name
        assert torch.equal(found[name], expected), name
    (recording,) = network_pass._recordings[at_once].values()
    assert len(WeightPlaces(recording.weights).holders) == 2


def test_a_weight_that_has_left_its_vector_is_read_where_it_is():
    decoder = flattened(a_decoder(*SIZES["unconditional"]), as_one=True)
    target, _ = a_batch(decoder, 3)
    before = decoder(None).log_prob(target)
    gain = decoder.up[0][0].u.first.gain
    gain.data = 3 * gain.data
    after = decoder(None).log_prob(target)
    assert not torch.equal(before, after)
    gain.grad = None
    after.sum().backward()
    assert gain.grad.any()


@pytest.mark.parametrize("frees", ["read apart", "a frozen parameter", "an own gradient", "a long vector"])
def test_a_weight_is_read_itself_where_its_vector_does_not_stand_for_it(frees, monkeypatch):
    if frees == "a long vector":
        monkeypatch.setattr(flat_parameters, "MOST_AS_ONE", 1000)
    decoder = flattened(a_decoder(*SIZES["unconditional"]), as_one=True)
    gain = decoder.up[0][0].u.first.gain
    if frees == "read apart":
        read_apart(decoder.parameters())
    elif frees == "a frozen parameter":
        gain.requires_grad_(False)
    elif frees == "an own gradient":
        gain.grad = None
    target, _ = a_batch(decoder, 3)
    decoder(None).log_prob(target).sum().backward()
    assert vector_part(gain) is None
    assert bool(gain.grad.any()) == (frees != "a frozen parameter")
    assert (vector_part(decoder.up[0][0].u.second.gain) is None) == (frees in ("read apart", "a long vector"))


def test_after_a_fit_the_parameters_are_those_of_any_module():
    decoder = a_decoder(*SIZES["unconditional"])
    target, _ = a_batch(decoder, 40)
    recipe = FitSpec(steps=2, batch_size=8, evaluate_every=1)
    fit(decoder, TensorPairs(target.to(torch.uint8), None), recipe)
    loss = decoder(None).log_prob(target).sum()
    assert all(g is not None for g in torch.autograd.grad(loss, list(decoder.parameters())))


def test_a_copy_has_weights_of_its_own():
    decoder = flattened(a_decoder(*SIZES["unconditional"]), as_one=True)
    twin = copy.deepcopy(decoder)
    target, _ = a_batch(decoder, 3)
    before = twin(None).log_prob(target)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(1.5)
    assert torch.equal(twin(None).log_prob(target), before)
    assert not torch.equal(decoder(None).log_prob(target), before)
