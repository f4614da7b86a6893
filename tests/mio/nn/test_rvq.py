import torch

from mio.nn.rvq import ResidualQuantiser


def clustered(count: int = 400) -> torch.Tensor:
    torch.manual_seed(1)
    centres = 3 * torch.randn(8, 6)
    return (centres[torch.randint(8, (count,))] + 0.05 * torch.randn(count, 6)).T.reshape(6, 4, -1).transpose(0, 1)


def test_codebooks_find_the_clusters_of_the_data() -> None:
    x = clustered()
    quantiser = ResidualQuantiser(2, 8, 6).train()
    for _ in range(30):
        quantiser(x)
    quantiser.eval()
    result = quantiser(x)
    assert (result.vectors - x).square().mean() < 0.05 * x.var()
    assert len(result.codes[:, 0].unique()) == 8


def test_codes_decode_to_the_quantised_vectors_bit_by_bit() -> None:
    x = clustered()
    quantiser = ResidualQuantiser(3, 8, 6).train()
    quantiser(x)
    quantiser.eval()
    result = quantiser(x)
    decoded = quantiser.decode(result.codes)
    torch.testing.assert_close(decoded, result.vectors, atol=1e-5, rtol=0)
    assert result.codes.shape == (4, 3, 100)
    first = quantiser.decode(result.codes[:, :1])
    assert (first - x).square().mean() > (decoded - x).square().mean()


def test_what_was_quantised_gets_the_gradient_of_the_result() -> None:
    x = clustered().requires_grad_()
    quantiser = ResidualQuantiser(2, 8, 6).eval()
    quantiser(x).vectors.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))


def test_rows_that_keep_no_codebook_are_quantised_to_nothing() -> None:
    x = clustered()
    quantiser = ResidualQuantiser(2, 8, 6).eval()
    result = quantiser(x, torch.tensor([0, 1, 2, 2]))
    assert result.vectors[0].abs().max() < 1e-6
    torch.testing.assert_close(result.vectors[1], quantiser.decode(result.codes[1:2, :1])[0], atol=1e-5, rtol=0)


def test_entries_that_nothing_chooses_are_replaced() -> None:
    quantiser = ResidualQuantiser(1, 16, 6, decay=0.9).train()
    quantiser(100 + torch.randn(1, 6, 64))
    for _ in range(40):
        quantiser(clustered())
    entries = quantiser.books[0].entries
    assert (entries.abs().amax(1) < 20).all()
