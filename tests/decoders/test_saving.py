import tracemalloc

import pytest
import torch
from safetensors.torch import save_file

from decoders.categorical import Categorical
from decoders.errors import DecoderFileError
from decoders.linear_gaussian import LinearGaussian
from decoders.saving import FORMAT, build_decoder, load_decoder, save_decoder
from decoders.spec import CategoricalSpec, ImageTarget, LabelTarget, LinearGaussianSpec
from decoders.training.disk import DiskError
from decoders.training.tensor_file import write_tensors


def categorical(context=(2, 8, 8)):
    torch.manual_seed(1)
    decoder = Categorical(CategoricalSpec(hidden=8, layers=2, dropout=0.5), LabelTarget(classes=4), context)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    return decoder


@pytest.mark.parametrize("context", [None, (6,), (2, 8, 8)])
def test_save_and_load_is_the_same_density(tmp_path, context):
    decoder, path = categorical(context), tmp_path / "decoder.safetensors"
    if context is not None:
        decoder.initialise(torch.arange(4), 3.0 + 2.0 * torch.randn(4, *context))
    save_decoder(decoder, path)
    loaded = load_decoder(path)
    assert not loaded.training
    assert loaded.description() == decoder.description()
    h = None if context is None else torch.randn(7, *context)
    y = torch.arange(7) % 4
    assert torch.equal(loaded(h).log_prob(y), decoder.eval()(h).log_prob(y))
    assert [file.name for file in tmp_path.iterdir()] == ["decoder.safetensors"]


def test_a_decoder_that_is_read_again_and_again_leaves_nothing_in_memory(tmp_path):
    save_decoder(categorical(), tmp_path / "decoder")

    def bytes_after(reads: int) -> int:
        for _ in range(reads):
            load_decoder(tmp_path / "decoder")
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = bytes_after(20)
        assert bytes_after(200) - before < 200 * 30
    finally:
        tracemalloc.stop()


def test_the_same_decoder_is_the_same_bytes(tmp_path):
    written = set()
    for _ in range(8):  # what is ordered by a hash differs from one writing to the next
        save_decoder(categorical(), tmp_path / "decoder")
        written.add((tmp_path / "decoder").read_bytes())
    assert len(written) == 1


def test_the_oracle_keeps_float64(tmp_path):
    target = ImageTarget(channels=1, height=2, width=2, levels=4)
    oracle = LinearGaussian(LinearGaussianSpec(), target, (3,))
    oracle.fit_closed_form(torch.randn(50, 1, 2, 2), torch.randn(50, 3))
    save_decoder(oracle, tmp_path / "oracle")
    loaded = load_decoder(tmp_path / "oracle")
    assert all(torch.equal(a, b) for a, b in zip(loaded.buffers(), oracle.buffers(), strict=True))


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_one_sentence(tmp_path, kept):
    path = tmp_path / "decoder.safetensors"
    save_decoder(categorical(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        DecoderFileError, match=r"decoder\.safetensors: is truncated, damaged or not a decoder"
    ):
        load_decoder(path)


@pytest.mark.parametrize("where", [0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_flipped_bit_is_one_sentence(tmp_path, where):
    path = tmp_path / "decoder.safetensors"
    save_decoder(categorical(), path)
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DecoderFileError, match=r"decoder\.safetensors: is .*damaged"):
        load_decoder(path)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DiskError, match="nowhere: does not exist"):
        load_decoder(tmp_path / "nowhere")


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "foreign"
    save_file({"w": torch.zeros(3)}, path)
    with pytest.raises(DecoderFileError, match="no decoder of this program"):
        load_decoder(path)
    path.write_text("no tensors at all, but long enough to look like a header")
    with pytest.raises(DecoderFileError, match="not a decoder file"):
        load_decoder(path)


def rewrite(path, weights=None, **changes):
    decoder = categorical()
    write_tensors(path, FORMAT, {**decoder.description(), **changes}, weights or decoder.state_dict())


@pytest.mark.parametrize(
    "changes",
    [
        {"implementation": "os:system"},
        {"implementation": "decoders.fitting:fit"},
        {"implementation": "decoders.nowhere:Categorical"},
        {"implementation": "decoders.categorical:Nothing"},
        {"target": {"classes": "many"}},
        {"spec": {"kind": "categorical", "widht": 3}},
        {"context": [3, 8, 8]},
        {"context": 7},
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, changes):
    rewrite(tmp_path / "decoder", **changes)
    with pytest.raises(DecoderFileError):
        load_decoder(tmp_path / "decoder")


def test_weights_that_are_missing_are_refused(tmp_path):
    rewrite(tmp_path / "decoder", weights={"frequencies": torch.zeros(4)})
    with pytest.raises(DecoderFileError, match="fit the decoder again"):
        load_decoder(tmp_path / "decoder")


def test_building_refuses_what_lies_outside():
    with pytest.raises(DecoderFileError, match="outside the package"):
        build_decoder({"implementation": "subprocess:Popen", "spec": {}, "target": {}, "context": None})


def test_a_folder_in_the_place_of_the_file_and_a_file_in_the_place_of_its_folder_are_sentences(tmp_path):
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(DiskError, match=r"taken: a folder stands where a file is needed"):
        save_decoder(categorical(), tmp_path / "taken")
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file" / "decoder", tmp_path / "file" / "more" / "decoder"):
        with pytest.raises(DiskError, match=r"file.*stands where.*move away what is in its place"):
            save_decoder(categorical(), path)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]
