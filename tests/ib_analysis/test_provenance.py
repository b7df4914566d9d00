"""The digest of a stage follows what the stage runs, and nothing else."""

from ib_analysis import provenance
from ib_analysis.artefacts import canonical_json
from ib_analysis.provenance import stage_digest


def test_a_stage_reaches_its_implementations_and_not_its_neighbours(monkeypatch):
    decoder = {"decoder": {"implementation": "decoders.pixelcnn_pp.decoder:PixelCNNPP", "spec": {}}}
    before = {name: stage_digest(name, decoder) for name in ("fit_marginal", "tabulate_information")}
    bare = stage_digest("train_encoder", {})
    original = provenance._tree_digest
    monkeypatch.setattr(
        provenance,
        "_tree_digest",
        lambda module: "edited" if module == "decoders.pixelcnn_pp.logistic_mixture" else original(module),
    )
    provenance._modules_digest.cache_clear()
    assert stage_digest("fit_marginal", decoder) != before["fit_marginal"]
    assert stage_digest("train_encoder", {}) == bare
    provenance._modules_digest.cache_clear()


def test_the_configuration_is_in_no_stage(monkeypatch):
    digests = {}
    for edited in (None, "ib_analysis.experiment"):
        original = provenance._tree_digest.__wrapped__
        monkeypatch.setattr(
            provenance, "_tree_digest", lambda m, e=edited, o=original: "edited" if m == e else o(m)
        )
        provenance._modules_digest.cache_clear()
        digests[edited] = stage_digest("fit_decoders", {})
        monkeypatch.undo()
    provenance._modules_digest.cache_clear()
    assert digests[None] == digests["ib_analysis.experiment"]


def test_canonical_json_has_one_spelling():
    assert canonical_json({"b": 1, "a": [1.5]}) == canonical_json({"a": [1.5], "b": 1})
