import numpy as np

from nodes.talker.training.alignment import Material, PhoneModels, best_path, chain_of, starts_of

WIDTH = 6
SOUNDS = np.random.default_rng(3).normal(size=(4, WIDTH)).astype(np.float32) * 3


def spoken(lengths: list[tuple[int, int]], seed: int) -> np.ndarray:
    """Frames of some phones, each of them ``(phone, frames)``, with a little noise."""
    frames = np.concatenate([np.repeat(SOUNDS[phone][None], count, 0) for phone, count in lengths])
    return (frames + 0.3 * np.random.default_rng(seed).normal(size=frames.shape)).astype(np.float32)


def drawn(seed: int) -> list[tuple[int, int]]:
    """A sentence of five phones, at times with a pause inside, other phones next to each other."""
    rng = np.random.default_rng(seed)
    phones: list[int] = [0]
    while len(phones) < 6:
        phones.append(int(rng.choice([k for k in (1, 2, 3) if k != phones[-1]])))
    if rng.random() < 0.5:
        phones.insert(3, 0)
    return [(phone, int(rng.integers(5, 20))) for phone in [*phones, 0]]


def material(lengths: list[tuple[int, int]], seed: int) -> Material:
    """What is spoken, with a pause after the second phone that may be missing."""
    phones = [phone for phone, _ in lengths]
    return Material(spoken(lengths, seed), chain_of(phones if 0 in phones[1:-1] else [*phones[:3], 0, *phones[3:]]))


def test_phones_are_found_where_they_are_spoken_from_nothing_but_sound_and_order() -> None:
    sentences = [drawn(seed) for seed in range(60)]
    learned = [material(lengths, seed) for seed, lengths in enumerate(sentences)]
    models = PhoneModels(4, WIDTH)
    models.fit(learned, lambda _: None)
    errors: list[int] = []
    for lengths, one, path in zip(sentences, learned, models.paths(learned), strict=True):
        real = np.cumsum([0, *(count for _, count in lengths)])[:-1]
        pause_given = 0 in [phone for phone, _ in lengths[1:-1]]
        starts = starts_of(path, one.chain)
        found = [start for token, start in starts.items() if pause_given or token != 3]
        errors.extend(abs(a - b) for a, b in zip(found, real, strict=True))
    assert np.mean(np.array(errors) <= 1) > 0.9


def test_a_pause_may_be_missing_and_a_phone_may_not() -> None:
    models = PhoneModels(4, WIDTH)
    sentences = [drawn(seed) for seed in range(40)]
    models.fit([material(lengths, seed) for seed, lengths in enumerate(sentences)], lambda _: None)
    one = Material(spoken([(1, 9), (2, 9)], 5), chain_of([0, 1, 0, 2, 0]))
    (path,) = models.paths([one])
    assert {1, 3} <= starts_of(path, one.chain).keys()
    assert (np.diff(path) >= 0).all() and len(path) == 18


def test_too_few_frames_for_the_phones_are_no_alignment() -> None:
    models = PhoneModels(4, WIDTH)
    (path,) = models.paths([Material(spoken([(1, 5)], 0), chain_of([0, 1, 2, 0]))])
    assert len(path) == 0


def test_the_best_path_is_where_the_states_are_likely_and_leaves_missing_pauses_out() -> None:
    chain = chain_of([0, 5, 0, 9, 0])
    wanted = np.repeat([1, 2, 3, 5, 6, 7, 8], [2, 3, 2, 4, 2, 3, 5])
    logs = np.full((len(wanted), len(chain.states)), -3.0, np.float32)
    logs[np.arange(len(wanted)), wanted] = 0.0
    assert best_path(logs, chain).tolist() == wanted.tolist()
    assert len(best_path(logs[:4], chain)) == 0
