import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.talker.models.lm.generation import Frame, Prompt, Sampling, Speaking
from nodes.talker.models.lm.lm import LmState, Voice, VoiceLm
from nodes.talker.models.lm.pointer import Pointer, pointer_of, slots, sounding
from nodes.talker.models.lm.sizes import LM_SIZES, LmSize
from nodes.talker.models.lm.steps import LmSteps, behind
from nodes.talker.models.lm.text import Phones, phones_of, side_by_side

SIZE = LmSize(
    books=4,
    entries=16,
    entry_width=12,
    text_width=16,
    text_layers=2,
    width=32,
    layers=2,
    heads=2,
    window=9,
    depth_width=24,
    depth_layers=1,
    depth_heads=2,
)


@pytest.fixture(scope="module")
def lm() -> VoiceLm:
    torch.manual_seed(7)
    return VoiceLm(SIZE, torch.randn(SIZE.books, SIZE.entries, SIZE.entry_width)).eval().requires_grad_(False)


def voice(rows: int = 1) -> Voice:
    return Voice(
        torch.zeros(rows, dtype=torch.int64), torch.ones(rows, dtype=torch.int64), torch.ones(rows, 3), torch.ones(rows)
    )


def said(count: int, seed: int = 0) -> Phones:
    drawn = torch.randint(1, 71, (count,), generator=torch.Generator().manual_seed(seed)).tolist()
    marks = [0] * (count - 1) + [4]
    return phones_of([0, *drawn[1:-1], 0], [k % 3 for k in range(count)], [k % 2 == 0 for k in range(count)], marks)


def spoken(speaking: Speaking) -> list[Frame]:
    frames: list[Frame] = []
    while (frame := speaking.frame()) is not None:
        frames.append(frame)
    return frames


def test_a_stream_knows_of_every_frame_what_training_computes_at_once(lm: VoiceLm) -> None:
    phones, pointer = said(9), pointer_of([0, 3, 9, 20, 41, 50, 66, 90, 120], 8, 18)
    codes = torch.randint(0, 16, (1, 18, 4), generator=torch.Generator().manual_seed(3))
    whole, seen = lm.follow(codes, torch.ones(1, 18), phones, pointer, voice())
    state, encoded = LmState([], 0), lm.text(phones, voice().language)
    for at in range(19):
        entered = lm.enter(codes[:, at - 1 : at] if at else codes[:, :1], torch.full((1, 1), float(at > 0)))
        own = slots(encoded, pointer.place[:, at : at + 1])
        hidden, state = lm(entered + lm.condition(voice()), own, pointer.age[:, at : at + 1], state)
        torch.testing.assert_close(hidden, whole[:, at : at + 1])
        torch.testing.assert_close(own, seen[:, at : at + 1])
    assert state.memories[0].keys.shape[2] == SIZE.window - 1


class Heard:
    """Chooses what is told and keeps the logits."""

    def __init__(self, told: list[int], logits: list[Tensor]) -> None:
        self._told, self._logits = told, logits

    def __call__(self, book: int, logits: Tensor) -> int:
        self._logits.append(logits)
        return self._told[book]


@torch.no_grad()
def test_step_by_step_is_what_the_network_computes_at_once(lm: VoiceLm) -> None:
    phones, pointer = said(9), pointer_of([0, 3, 9, 20, 41, 50, 66, 90, 120], 8, 24)
    codes = torch.randint(0, 16, (1, 24, 4), generator=torch.Generator().manual_seed(3))
    whole, seen = lm.follow(codes, torch.ones(1, 24), phones, pointer, voice())
    wanted = lm.frame(whole, seen, pointer.advance)[0]
    logits = lm.depth(wanted[:24], codes[0, :, :-1], lm.books)
    steps, encoded = LmSteps(lm), behind(lm.text(phones, voice().language))
    rings, place, age, heard = steps.rings([], 0), pointer.place[0].tolist(), pointer.age[0].tolist(), list[Tensor]()
    for at, told in enumerate(codes[0].tolist()):
        entered = steps.enter(codes[0, at - 1].tolist() if at else None) + lm.condition(voice())[0]
        hidden = steps.hidden(entered, encoded[place[at] : place[at] + 5], age[at], rings, at)
        frame = steps.frame(hidden, encoded[place[at] : place[at] + 5], int(pointer.advance[0, at]))
        torch.testing.assert_close(hidden[0], whole[0, at])
        torch.testing.assert_close(frame[0], wanted[at])
        assert steps.codes(frame, Heard(told, heard)) == told
    torch.testing.assert_close(torch.stack(heard).view(24, 4, -1), logits)


def test_a_frame_knows_nothing_of_later_ones_nor_of_what_is_outside_its_window(lm: VoiceLm) -> None:
    phones, pointer = said(9), pointer_of([0, 3, 9, 20, 41, 50, 66, 90, 120], 8, 30)
    codes = torch.randint(0, 16, (1, 30, 4), generator=torch.Generator().manual_seed(3))
    other = codes.clone()
    other[:, 10] = (other[:, 10] + 1) % 16
    before, after = (lm.follow(c, torch.ones(1, 30), phones, pointer, voice())[0] for c in (codes, other))
    changed = (before != after).any(-1)[0]
    reach = SIZE.layers * (SIZE.window - 1)
    assert not changed[:11].any() and changed[11] and not changed[11 + reach + 1 :].any()


@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    frame_steps=st.integers(1, 9),
)
@settings(deadline=None)
def test_a_pointer_visits_every_phone_in_order_and_leaves_the_last(lengths: list[int], frame_steps: int) -> None:
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    frames = sum(lengths) // frame_steps + 1 + len(lengths)
    place, age, advance = (column[0] for column in pointer_of(starts, frame_steps, frames))
    assert len(place) == frames + 1 and int(place[0]) == 0
    assert (place[1:] == place[:-1] + advance[:-1]).all()
    assert int(place[-1]) == len(lengths) - 1 and int(advance[-1]) == 1
    assert int(advance.max()) <= 3 and int(age.max()) <= 15
    late = [k for k, start in enumerate(starts) if int((place + advance)[min(start // frame_steps, frames - 1)]) < k]
    assert not late or max(torch.bincount(torch.tensor(starts) // frame_steps).tolist()) > 3


def test_what_sounds_in_a_frame_are_the_phones_that_its_pointer_passes() -> None:
    encoded = torch.arange(1.0, 8.0)[None, :, None]
    seen = slots(encoded, torch.tensor([[0, 5]]))
    assert seen[0, :, :, 0].tolist() == [[1, 2, 3, 4, 5], [6, 7, 0, 0, 0]]
    heard = sounding(seen, torch.tensor([[2, 1]]))
    assert heard[0, :, :, 0].tolist() == [[2.0, 3.0, 4.0], [6.5, 7.0, 0.0]]


def test_every_phone_is_said_once_and_in_order_and_then_it_ends(lm: VoiceLm) -> None:
    frames = spoken(Speaking(LmSteps(lm), said(12), voice(), 1))
    places = [0, *(frame.place for frame in frames)]
    assert [b - a for a, b in zip(places, places[1:], strict=False)] == [frame.advance for frame in frames]
    assert places[-1] == 11 and frames[0].codes.shape == (4,)
    assert len(frames) <= 10 * Sampling().longest + 2 * 2 * Sampling().longest


def test_the_same_seed_says_the_same_and_another_one_does_not(lm: VoiceLm) -> None:
    first, again, other = (
        [f.codes.tolist() for f in spoken(Speaking(LmSteps(lm), said(12), voice(), s))] for s in (1, 1, 2)
    )
    assert first == again and first != other


def test_no_phone_lasts_longer_than_it_may(lm: VoiceLm) -> None:
    frames = spoken(Speaking(LmSteps(lm), said(8), voice(), 5, Sampling(longest=2)))
    ages, longest = 0, 0
    for frame in frames:
        ages = 0 if frame.advance else ages + 1
        longest = max(longest, ages if frame.place not in (0, 7) else 0)
    assert longest <= 1


def test_speech_goes_on_from_a_prompt_as_if_it_had_said_that_itself(lm: VoiceLm) -> None:
    lm = copy.deepcopy(lm)
    lm.advance.weight[2:] = 0.0
    lm.advance.bias.copy_(torch.tensor([0.0, 0.0, -9.0, -9.0]))  # one phone at a time
    cold = Sampling(semantic=0.0, acoustic=0.0, advance=0.0)
    first, rest = said(6, 1), said(7, 2)
    whole = Phones(*(torch.cat((a, b), 1) for a, b in zip(first, rest, strict=True)))
    frames = spoken(Speaking(LmSteps(lm), whole, voice(), 1, cold))
    count = next(k for k, frame in enumerate(frames) if frame.place >= 6)
    assert frames[count - 1].place == 5
    ages = [0]
    for frame in frames[: count - 1]:
        ages.append(0 if frame.advance else ages[-1] + 1)
    places = torch.tensor([[0, *(frame.place for frame in frames[: count - 1])]])
    pointer = Pointer(places, torch.tensor([ages]), torch.tensor([[frame.advance for frame in frames[:count]]]))
    codes = torch.stack([torch.from_numpy(frame.codes.astype("int64")) for frame in frames[:count]])
    on = spoken(Speaking(LmSteps(lm), rest, voice(), 9, cold, Prompt(codes, first, pointer)))
    assert [frame.codes.tolist() for frame in on] == [frame.codes.tolist() for frame in frames[count:]]
    assert [frame.place + 6 for frame in on] == [frame.place for frame in frames[count:]]


def test_rows_side_by_side_keep_what_they_say(lm: VoiceLm) -> None:
    batch = side_by_side([said(4), said(7)])
    assert batch.phone.shape == (2, 7) and not batch.phone[0, 4:].any()
    encoded = lm.text(batch, voice(2).language)
    torch.testing.assert_close(encoded[:1, :4], lm.text(said(4), voice().language))
    assert not encoded[0, 4:].any()
    row = phones_of([0, 5, 6, 0, 7, 0], [0] * 6, [False] * 6, [0, 0, 0, 1, 0, 4])
    assert row.next_mark[0].tolist() == [1, 1, 1, 1, 4, 4]
    assert row.to_pause[0].tolist() == [3, 2, 1, 0, 1, 0]


def test_the_sizes_are_as_large_as_they_say() -> None:
    laptop = LM_SIZES["laptop"]
    made = VoiceLm(laptop, torch.ones(laptop.books, laptop.entries, laptop.entry_width))
    assert sum(weight.numel() for weight in made.parameters()) < 12e6
