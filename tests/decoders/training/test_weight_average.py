import torch

from decoders.categorical import Categorical
from decoders.spec import CategoricalSpec, LabelTarget
from decoders.training.weight_average import WeightAverage, average_decay


def test_the_average_is_the_literal_recursion():
    decoder = Categorical(CategoricalSpec(hidden=4), LabelTarget(classes=2), (3,))
    average = WeightAverage(decoder, 0.95)
    literal = [parameter.detach().clone().double() for parameter in decoder.parameters()]
    for step in range(1, 40):
        for parameter in decoder.parameters():
            torch.nn.init.normal_(parameter)
        average.update(step)
        d = average_decay(0.95, step)
        literal = [d * a + (1 - d) * p.detach() for a, p in zip(literal, decoder.parameters(), strict=True)]
    for expected, found in zip(literal, average.model.parameters(), strict=True):
        assert torch.allclose(expected.float(), found, atol=1e-6)
        assert not found.requires_grad


def test_buffers_are_taken_over_not_averaged():
    decoder = Categorical(CategoricalSpec(hidden=4), LabelTarget(classes=2), (3,))
    average = WeightAverage(decoder, 0.95)
    decoder.initialise(torch.tensor([0, 1]), torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 9.0]]))
    average.copy_buffers()
    assert torch.equal(average.model.standardise.mean, decoder.standardise.mean)


def test_a_restarted_average_equals_the_model():
    decoder = Categorical(CategoricalSpec(hidden=4), LabelTarget(classes=2), (3,))
    average = WeightAverage(decoder, 0.95)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    decoder.initialise(torch.tensor([0, 1]), torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 9.0]]))
    average.restart()
    found = average.model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in decoder.state_dict().items())
