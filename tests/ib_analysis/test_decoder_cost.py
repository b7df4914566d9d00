"""What a decoder of a large h costs is said from its own weights, without making it."""

from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import CategoricalSpec, ImageTarget
from ib_analysis.decoder_cost import cost_sentences, count_weights
from ib_analysis.spec import Described

TARGET = ImageTarget(channels=1, height=8, width=8, levels=17)
SPEC = PixelCNNPPSpec(filters=4, layers=1, mixtures=2, context_filters=4, context_layers=1)
IMAGE, LABEL = Described(**SPEC.described()), Described(**CategoricalSpec().described())


def test_the_weights_are_those_of_the_decoder():
    for context in (None, (30,), (5, 4, 4)):
        made = sum(weight.numel() for weight in PixelCNNPP(SPEC, TARGET, context).parameters())
        assert count_weights(IMAGE, TARGET, context) == made


def test_a_large_h_is_named_as_large_and_a_small_one_is_not():
    small, large = cost_sentences({"code": (8,), "flat": (200_000,)}, IMAGE, LABEL, TARGET, 10, 1000)
    assert small.startswith("code: h of 8 values (8), 32 kB for 1,000 images; p(x|h) has ")
    assert "large" not in small
    assert "flat: h of 200,000 values (200000), 800.0 MB for 1,000 images" in large
    assert "That is a large decoder" in large


def test_without_labels_no_label_decoder_is_counted():
    (line,) = cost_sentences({"code": (8,)}, IMAGE, LABEL, TARGET, 1, 10)
    assert "p(y|h)" not in line
