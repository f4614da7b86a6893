import torch
from torch import nn

from mio.nn.lora import add_updates, merge_updates


def a_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3, bias=False))


def test_updates_begin_as_nothing_and_only_they_learn() -> None:
    network, x = a_network(), torch.randn(4, 6)
    before, frozen = network(x), network[0].weight.detach().clone()
    assert add_updates(network.modules(), rank=2, alpha=4) == 2
    torch.testing.assert_close(network(x), before)
    learning = [
        parameter for name, parameter in network.named_parameters() if "weight" in name and parameter.requires_grad
    ]
    assert {tuple(parameter.shape) for parameter in learning} == {(2, 6), (5, 2), (2, 5), (3, 2)}
    network(x).square().sum().backward()
    torch.optim.SGD(learning, 0.1).step()
    assert not torch.allclose(network(x), before)
    assert torch.equal(network[0].parametrizations.weight.original, frozen)


def test_merged_updates_leave_plain_layers_that_compute_the_same() -> None:
    network, x = a_network(), torch.randn(4, 6)
    names = set(network.state_dict())
    add_updates(network.modules(), rank=2, alpha=4)
    for name, parameter in network.named_parameters():
        if name.endswith("up"):
            nn.init.normal_(parameter)
    wanted = network(x)
    merge_updates(network)
    assert set(network.state_dict()) == names
    torch.testing.assert_close(network(x), wanted)
