"""The digest of a stage follows what the stage runs, and nothing else."""

import ast
import hashlib

from ib_analysis import provenance
from ib_analysis.artefacts import canonical_json
from ib_analysis.provenance import stage_digest


def test_comments_and_docstrings_change_nothing_and_code_changes_the_tree():
    def tree(source: str) -> str:
        return ast.dump(provenance._without_docstrings(ast.parse(source)))

    plain = "def f(x):\n    return x + 1\n"
    commented = '"""A module."""\ndef f(x):\n    """Adds one."""\n    # why\n    return x + 1\n'
    assert tree(plain) == tree(commented)
    assert tree(plain) != tree(plain.replace("1", "2"))


def test_the_digest_of_a_source_is_the_same_under_every_python(tmp_path):
    """So results may be copied between machines: Python 3.11, 3.12 and 3.13 give this tree."""
    source = tmp_path / "module.py"
    source.write_text(
        "class A(B):\n    def f(self, x: int = 1) -> None:\n        return [y async for y in x]\n"
    )
    assert hashlib.sha256(provenance._syntax_tree(source)).hexdigest()[:16] == "f3f39e988fc85138"


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
