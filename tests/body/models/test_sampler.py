from collections import Counter

import pytest
import torch

from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sampler import Guidance, Sampler
from nodes.body.models.schedule import active, committed, noise_levels
from nodes.body.models.sizes import DenoiserSize, FloodSize

SIZE = FloodSize(
    denoiser=DenoiserSize(
        width=32, feedforward=32, time_frequencies=16, heads=2, layers=2, text_width=8, text_tokens=4, rotary="time"
    )
)


def model() -> Denoiser:
    torch.manual_seed(3)
    denoiser = Denoiser(SIZE.denoiser).eval()
    for parameter in denoiser.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return denoiser


@torch.no_grad()
def read(denoiser: Denoiser) -> dict[str, object]:
    tokens = {"walk": torch.randn(1, 3, 8), "wave": torch.randn(1, 4, 8), "": torch.randn(1, 1, 8)}
    return {text: denoiser.read(token) for text, token in tokens.items()}


def test_every_latent_is_updated_exactly_as_often_as_the_schedule_has_steps_and_is_clean_when_given_out() -> None:
    updates = Counter(k for step in range(200) for k in range(*active(step, 10, 5)))
    assert {updates[k] for k in range(90)} == {10}
    for step in range(10, 200):
        clean = committed(step, 10, 5)
        levels = noise_levels(torch.tensor([step / 10]), 200, 5)[0]
        assert levels[:clean].max() < 1e-5
        assert levels[clean] > 1e-5


def test_a_chunk_is_denoised_as_a_whole() -> None:
    assert active(0, 10, 5, "chunk") == (0, 5)
    assert active(19, 10, 5, "chunk") == (5, 10)
    levels = noise_levels(torch.tensor([1.3]), 12, 5, "chunk")[0]
    torch.testing.assert_close(levels, torch.tensor([0.0] * 5 + [0.7] * 5 + [1.0] * 2))


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_same_seed_gives_the_same_stream_and_a_kept_state_goes_on_the_same(scale: float) -> None:
    denoiser = model()
    contexts = read(denoiser)
    sampler = Sampler(denoiser, SIZE, Guidance(scale, 12))
    texts = ["walk"] * 9 + ["wave"] * 9
    state = sampler.begin(5)
    whole = [sampler.next(state, text, contexts) for text in texts]
    state = sampler.begin(5)
    first = [sampler.next(state, text, contexts) for text in texts[:7]]
    state.latents = state.latents.clone()
    again = first + [Sampler(denoiser, SIZE, Guidance(scale, 12)).next(state, text, contexts) for text in texts[7:]]
    torch.testing.assert_close(torch.stack(whole), torch.stack(again))
    other = sampler.begin(6)
    assert not torch.allclose(sampler.next(other, "walk", contexts), whole[0])


def test_a_changed_text_shows_within_a_second_and_not_in_what_was_given_out() -> None:
    denoiser = model()
    contexts = read(denoiser)
    sampler = Sampler(denoiser, SIZE, Guidance(4.0, 12))
    streams = []
    for later in ("walk", "wave"):
        state = sampler.begin(5)
        streams.append(torch.stack([sampler.next(state, text, contexts) for text in ["walk"] * 8 + [later] * 8]))
    same = (streams[0] - streams[1]).abs().amax(1) < 1e-6
    assert same[:8].all()
    assert not same[12:].any()


def test_a_stream_keeps_only_what_it_needs() -> None:
    denoiser = model()
    contexts = read(denoiser)
    sampler = Sampler(denoiser, SIZE, Guidance(1.0, 12))
    state = sampler.begin(5)
    for _ in range(60):
        sampler.next(state, "walk", contexts)
    assert len(state.latents) <= 12 + 2 * SIZE.window
    assert state.given == 60


def test_a_stream_that_goes_on_from_given_motion_begins_with_it() -> None:
    denoiser = model()
    contexts = read(denoiser)
    sampler = Sampler(denoiser, SIZE, Guidance(1.0, 12))
    history = torch.randn(9, 4)
    state = sampler.go_on(history, "walk", seed=2)
    assert state.given == 9 - 4
    torch.testing.assert_close(state.latents[: state.given], history[: state.given])
    assert torch.isfinite(sampler.next(state, "wave", contexts)).all()


def test_fewer_latents_are_seen_while_they_are_of_several_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    denoiser, seen = model(), list[int]()
    contexts, forward = read(denoiser), Denoiser.forward

    def watched(self: Denoiser, latents: torch.Tensor, *more: object) -> torch.Tensor:
        seen.append(latents.shape[1])
        return forward(self, latents, *more)

    monkeypatch.setattr(Denoiser, "forward", watched)
    sampler = Sampler(denoiser, SIZE, Guidance(2.0, 14, 8))
    state = sampler.begin(1)
    for text in ["walk"] * 16 + ["wave"] * 16:
        sampler.next(state, text, contexts)
    changed = seen.index(8, 30)
    assert max(seen[:changed]) == 14
    assert set(seen[changed : changed + 2 * 13]) == {8}, "for 13 latents both texts would be seen"
    assert set(seen[changed + 2 * 13 :]) == {14}
