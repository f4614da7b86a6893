import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.emotions import EMOTIONS
from mio.contracts.phones import PHONES, SYMBOLS
from mio.measure.face import pictured
from mio.measure.mouth import MouthGauge
from nodes.face.lips import OPENING_MM, TUCK, seal_lips
from nodes.face.visemes import CHANNELS, parts, posture

CLOSED_MM = 0.5
TOUCH_MM = 1.5
PICTURES_HZ = 30.0
SPOKEN_IN = ("neutral", "amused", "surprised", "sad", "disgusted")


def spoken(chunks, start_s):
    """Phones in stage time: symbol, start, end."""
    phones = [pair for chunk in chunks for pair in zip(chunk.phones, chunk.phone_start_s, strict=True)]
    ends = [at for _, at in phones[1:]] + [max(chunk.end_s for chunk in chunks)]
    return [(symbol, start_s + at, start_s + end) for (symbol, at), end in zip(phones, ends, strict=True)]


def pictures(seen, gauge):
    """Times of the pictures that a renderer at 30 per second shows, and the mouth in each."""
    times_s = np.arange(seen.first_s, seen.first_s + len(seen.frames) / 25 - 0.1, 1 / PICTURES_HZ)
    return times_s, gauge.measure(pictured(seen.frames, seen.first_s, times_s))


@pytest.fixture(scope="module")
def mouths(gauge, sentence, speak):
    """The sentence in some emotions: phones in stage time, times of pictures, mouths."""
    from mio.bench._face_stage import Stage
    from nodes.face.config import FaceConfig
    from nodes.face.engine import VisemeEngine

    found = {}
    for emotion in SPOKEN_IN:
        chunks = speak(sentence, emotion=emotion)
        stage = Stage(VisemeEngine(FaceConfig(seed=1)))
        stage.say(1.0, chunks)
        seen = stage.run(4.7)
        found[emotion] = (spoken(chunks, seen.starts_s[1]), *pictures(seen, gauge))
    return found


@pytest.mark.parametrize("emotion", SPOKEN_IN)
def test_lips_close_for_m_b_p_between_frames_too(mouths, emotion):
    phones, times_s, mouth = mouths[emotion]
    for symbol, start_s, end_s in phones:
        if PHONES[symbol].place == "bilabial":
            inside = (times_s >= start_s - 0.03) & (times_s <= end_s + 0.01)
            assert mouth.widest_gap_mm[inside].min() <= CLOSED_MM, (symbol, start_s)


@pytest.mark.parametrize("emotion", SPOKEN_IN)
def test_the_lower_lip_touches_the_teeth_for_f_v(mouths, emotion):
    phones, times_s, mouth = mouths[emotion]
    for symbol, start_s, end_s in phones:
        if PHONES[symbol].place == "labiodental":
            inside = (times_s >= start_s - 0.02) & (times_s <= end_s + 0.02)
            assert mouth.lip_to_teeth_mm[inside].min() <= TOUCH_MM, (symbol, start_s)
            assert mouth.gap_mm[inside, 0].max() >= 1.0, "the teeth are to be seen over the lip"


def test_rounded_vowels_narrow_and_protrude_the_mouth(mouths):
    phones, times_s, mouth = mouths["neutral"]
    at_rest = mouth.width_mm[times_s < 1.0].mean()
    out_at_rest = mouth.protrusion_mm[times_s < 1.0].mean()
    for symbol, start_s, end_s in phones:
        if symbol in ("uː", "ɔː"):
            inside = (times_s >= start_s) & (times_s <= end_s)
            assert mouth.width_mm[inside].min() < 0.92 * at_rest, (symbol, start_s)
            assert mouth.protrusion_mm[inside].max() > out_at_rest + (1.0 if symbol == "uː" else -6.0)


def test_open_vowels_open_the_mouth(mouths):
    phones, times_s, mouth = mouths["neutral"]
    for symbol, start_s, end_s in phones:
        if symbol in ("ɑː", "aɪ"):
            inside = (times_s >= start_s) & (times_s <= end_s)
            assert mouth.gap_mm[inside, 0].max() >= 6.0, (symbol, start_s)


def test_lips_part_at_the_burst_and_not_before(mouths):
    phones, times_s, mouth = mouths["neutral"]
    _, start_s, end_s = phones[0]  # p before a vowel; its burst is heard after three quarters
    burst_s = start_s + 0.75 * (end_s - start_s)
    opens_s = times_s[(times_s > start_s) & (mouth.widest_gap_mm > 1.0)][0]
    assert burst_s - 0.02 <= opens_s <= burst_s + 0.06


@pytest.mark.parametrize("jaw", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_sealing_closes_the_lips_whatever_opens_them(gauge, emotion, jaw):
    from nodes.face.expressions import expression

    weights = expression(emotion, 1.0)[None]
    weights[0, ARKIT_INDEX["jawOpen"]] = jaw
    seal_lips(weights, np.ones(1))
    assert gauge.measure(weights.clip(0.0, 1.0)).widest_gap_mm[0] <= CLOSED_MM


@pytest.mark.parametrize("gender", ["female", "male"])
def test_the_table_of_openings_is_that_of_the_mesh(gender):
    gauge = MouthGauge(gender)
    rest = gauge.measure(np.zeros((1, 52))).gap_mm
    for name, opening_mm in OPENING_MM.items():
        sides = [side for side in (name, f"{name}Left") if side in ARKIT_INDEX]
        weights = np.zeros((1, 52))
        weights[0, ARKIT_INDEX[sides[0]]] = 1.0
        measured = gauge.measure(weights).gap_mm - rest
        assert np.allclose(measured, opening_mm, atol=max(0.8, 0.08 * np.abs(opening_mm).max())), name


def test_the_labiodental_posture_is_one_of_weights(gauge):
    assert TUCK.shape == (len(ARKIT_ACTIONS),) and TUCK.min() >= 0.0 and TUCK.max() <= 1.0
    assert gauge.measure(TUCK).lip_to_teeth_mm[0] <= 1.0


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_phone_has_a_posture(symbol):
    assert sum(part.share for part in parts(symbol)) == pytest.approx(1.0)
    for part in parts(symbol):
        aim = posture(part.symbol)
        assert len(aim.target) == len(aim.dominance) == len(CHANNELS)
        assert min(aim.target) >= 0.0 and max(aim.target) <= 1.0 and min(aim.dominance) > 0.0


def test_rounding_is_anticipated_and_open_vowels_are_opener():
    jaw, pucker = CHANNELS.index("jaw"), CHANNELS.index("pucker")
    assert posture("a").target[jaw] > posture("ɛ").target[jaw] > posture("iː").target[jaw] > posture("s").target[jaw]
    assert posture("uː").target[pucker] > posture("ɔː").target[pucker] > posture("ɑː").target[pucker]


def test_rounding_begins_before_the_rounded_vowel(stage, speak):
    def pucker(vowel):
        on = stage()
        on.say(
            1.0, speak([("t", 0.1, 0), ("ɛ", 0.12, 1), ("s", 0.1, 0), ("t", 0.08, 0), (vowel, 0.2, 1), ("sil", 0.2, 0)])
        )
        seen = on.run(3.0)
        start = seen.starts_s[1] + 0.32  # in the s, 80 ms before the vowel
        return seen.between(start, start + 0.04)[0, ARKIT_INDEX["mouthPucker"]]

    assert pucker("uː") > pucker("iː") + 0.05


def test_loud_and_stressed_vowels_open_further(stage, speak, gauge):
    def opening(stress, gain):
        from msgspec.structs import replace

        chunks = speak(
            [("t", 0.08, 0), ("ɛ", 0.15, 0), ("t", 0.08, 0), ("a", 0.2, stress), ("t", 0.1, 0), ("sil", 0.2, 0)]
        )
        at = round(0.31 * 24_000)
        sound = np.concatenate([chunk.samples for chunk in chunks])
        sound[at : at + 4_800] *= gain
        chunks = [replace(c, samples=sound[c.start_sample : c.start_sample + len(c.samples)]) for c in chunks]
        on = stage()
        on.say(1.0, chunks)
        return gauge.measure(on.run(3.0).frames).gap_mm[:, 0].max()

    assert opening(1, 1.0) > opening(0, 1.0) + 0.5
    assert opening(1, 2.0) > opening(1, 0.4) + 0.5


def test_a_turn_without_phones_moves_the_mouth_by_its_loudness(stage, speak, sentence, gauge):
    on = stage()
    end_s = on.say(1.0, speak(sentence, listed=False))
    seen = on.run(end_s + 1.0)
    gap = gauge.measure(seen.between(seen.starts_s[1], end_s)).gap_mm[:, 0]
    assert gap.max() > 4.0 and np.ptp(gap) > 4.0
    assert gauge.measure(seen.between(end_s + 0.5, end_s + 0.9)).widest_gap_mm.max() <= CLOSED_MM


def test_lips_open_for_breath_before_speech_and_close_after_it(stage, speak, sentence, gauge):
    on = stage()
    end_s = on.say(2.0, speak(sentence))
    seen = on.run(end_s + 2.0)
    assert gauge.measure(seen.between(1.0, 1.9)).widest_gap_mm.max() <= CLOSED_MM
    assert gauge.measure(seen.between(end_s + 0.6, end_s + 1.9)).widest_gap_mm.max() <= CLOSED_MM
