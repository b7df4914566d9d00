import pytest
import torch

from decoders.training import precision
from decoders.training.precision import autocast


@pytest.mark.parametrize("processor_has_it", [True, False])
@pytest.mark.parametrize("wanted", ["float32", "mixed", "bfloat16"])
def test_a_cpu_computes_in_bfloat16_only_when_it_can_and_was_told_to(monkeypatch, processor_has_it, wanted):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: processor_has_it)
    a = torch.ones(2, 2)
    with autocast(torch.device("cpu"), wanted):
        dtype = (a @ a).dtype
    assert dtype == (torch.bfloat16 if processor_has_it and wanted == "bfloat16" else torch.float32)
