import logging
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.emotions import EMOTIONS
from mio.contracts.messages import Reply
from mio.errors import ConfigError, MioError
from mio.measure.pitch import pitch_hz, semitones
from nodes.talker.clause import Piece
from nodes.talker.config import TalkerConfig, VoiceSettings
from nodes.talker.delivery import DELIVERIES, Delivery, delivery_of
from nodes.talker.espeak import EspeakVoice
from nodes.talker.timbre import loudness_of

RATE = 24_000
TEXT = "The ferry comes on Friday, and I will meet you at the harbour. My brother found the old letter."


def pieces(voice: EspeakVoice, text: str, **fields: object) -> list[Piece]:
    return [piece for piece in voice.speak(Reply(text=text, **fields)) if piece is not None]  # type: ignore[arg-type]


def sound(voice: EspeakVoice, text: str, **fields: object) -> np.ndarray:
    return np.concatenate([piece.samples for piece in pieces(voice, text, **fields)])


def median_pitch(samples: np.ndarray) -> float:
    track = pitch_hz(samples, RATE)
    return float(np.median(track[track > 0]))


def final_pitch(voice: EspeakVoice, text: str) -> tuple[float, float]:
    """Lowest pitch of the last 400 ms of voice, and that of its last 80 ms."""
    track = pitch_hz(sound(voice, text), RATE)
    voiced = track[track > 0][-40:]
    return float(np.percentile(voiced, 5)), float(np.median(voiced[-8:]))


def test_the_default_voice_is_a_womans_at_a_conversational_rate(voice: EspeakVoice) -> None:
    spoken = pieces(voice, TEXT)
    samples = np.concatenate([piece.samples for piece in spoken])
    assert 180.0 < median_pitch(samples) < 220.0
    assert 2.0 < np.std(semitones(pitch_hz(samples, RATE))) < 4.5
    words = sum(len(piece.words) for piece in spoken)
    assert 130.0 < 60.0 * words / (len(samples) / RATE) < 190.0


def test_the_sound_is_level_clean_and_never_clips(voice: EspeakVoice) -> None:
    samples = sound(voice, TEXT)
    assert loudness_of(samples) == pytest.approx(-20.0, abs=1.0)
    assert np.abs(samples).max() < 0.95
    assert abs(samples.mean()) < 1e-4
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    assert spectrum[frequency < 50].sum() < 1e-4 * spectrum.sum()
    for loud in ("angry", "surprised"):
        assert np.abs(sound(voice, TEXT, emotion=loud, intensity=1.0)).max() < 0.96


def test_every_emotion_has_a_delivery() -> None:
    assert set(DELIVERIES) == set(EMOTIONS)
    assert delivery_of("neutral", 1.0, 1.0) == Delivery()
    assert delivery_of("happy", 0.0, 1.0) == delivery_of("happy", 1.0, 0.0) == Delivery()
    half, full = delivery_of("sad", 0.5, 1.0), delivery_of("sad", 1.0, 1.0)
    assert full.rate < half.rate < 1.0
    assert full.pitch_st == pytest.approx(2 * half.pitch_st)


@pytest.mark.parametrize(
    ("emotion", "pitch_st", "louder_db", "longer"),
    [
        ("happy", (1.0, 4.0), (1.0, 4.0), (0.85, 0.97)),
        ("surprised", (2.0, 5.0), (1.0, 4.5), (0.85, 0.97)),
        ("sad", (-4.0, -1.0), (-5.0, -2.0), (1.1, 1.5)),
        ("tender", (-2.5, -0.3), (-5.0, -2.0), (1.05, 1.4)),
        ("angry", (0.8, 4.0), (3.0, 6.0), (0.8, 0.95)),
        ("afraid", (0.8, 4.0), (-3.0, 0.5), (0.75, 0.93)),
    ],
)
def test_emotions_change_pitch_loudness_and_rate(
    voice: EspeakVoice,
    emotion: str,
    pitch_st: tuple[float, float],
    louder_db: tuple[float, float],
    longer: tuple[float, float],
) -> None:
    plain, moved = sound(voice, TEXT), sound(voice, TEXT, emotion=emotion, intensity=1.0)
    difference_st = 12 * np.log2(median_pitch(moved) / median_pitch(plain))
    assert pitch_st[0] < difference_st < pitch_st[1]
    assert louder_db[0] < loudness_of(moved) - loudness_of(plain) < louder_db[1]
    assert longer[0] < len(moved) / len(plain) < longer[1]


def test_joy_is_livelier_than_sorrow(voice: EspeakVoice) -> None:
    spread = {
        emotion: np.std(semitones(pitch_hz(sound(voice, TEXT, emotion=emotion, intensity=1.0), RATE)))
        for emotion in ("happy", "neutral", "sad")
    }
    assert spread["happy"] > 1.1 * spread["neutral"]
    assert spread["sad"] < 0.85 * spread["neutral"]


def test_questions_rise_and_statements_fall(voice: EspeakVoice) -> None:
    asked, told = final_pitch(voice, "You live on the island?"), final_pitch(voice, "You live on the island.")
    assert asked[1] > 1.15 * asked[0]
    assert told[1] < 1.05 * told[0]
    assert asked[1] > 1.25 * told[1]
    wondered = final_pitch(voice, "Where do you live?")
    assert wondered[1] < 1.05 * wondered[0]


def test_emphasis_is_longer_louder_and_higher(voice: EspeakVoice) -> None:
    measured = []
    for text in ("I really like the sea.", "I *really* like the sea."):
        piece = pieces(voice, text)[0]
        word = next(word for word in piece.words if word.text == "really")
        part = piece.samples[round(word.start_s * RATE) : round(word.end_s * RATE)]
        measured.append((len(part), np.sqrt(np.mean(part**2)), median_pitch(part)))
    plain, stressed = measured
    assert stressed[0] > 1.1 * plain[0]
    assert stressed[1] > 1.15 * plain[1]
    assert stressed[2] > 1.05 * plain[2]


def test_punctuation_makes_pauses(voice: EspeakVoice) -> None:
    pause_s = {}
    for mark in ("", ",", ".", "…"):
        piece = pieces(voice, f"We went home{mark}")[0]
        pause_s[mark] = len(piece.samples) / RATE - piece.phones[-1].start_s
    assert pause_s[""] < pause_s[","] < pause_s["."] < pause_s["…"] < 0.8


def test_other_languages_have_their_own_voices(voice: EspeakVoice) -> None:
    english, german = (pieces(voice, "Mutter", language=language)[0] for language in ("en", "de"))
    assert [phone.symbol for phone in german.phones[:2]] == ["m", "ʊ"]
    assert [phone.symbol for phone in english.phones[:2]] == ["m", "ʌ"]
    assert loudness_of(sound(voice, "Guten Morgen, wie geht es dir heute?", language="de")) == pytest.approx(
        -20, abs=2.5
    )
    assert len(pieces(voice, "Bonjour tout le monde.", language="fr-FR")) == 1


def test_a_language_without_a_voice_is_spoken_by_the_first_one_and_logged_once(
    voice: EspeakVoice, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(pieces(voice, "Qapla today.", language="tlh")) == 1
        assert len(pieces(voice, "Qapla again.", language="tlh")) == 1
    assert [record.getMessage().count("tlh") for record in caplog.records] == [1]


def test_a_clause_of_several_scripts_is_spoken_by_several_voices(voice: EspeakVoice) -> None:
    text = "Say Привет to her."
    words = [word for piece in pieces(voice, text) for word in piece.words]
    assert [word.text for word in words] == ["Say", "Привет", "to", "her"]
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)


def test_settings_shape_the_voice() -> None:
    low = EspeakVoice(VoiceSettings(pitch=30, rate_wpm=120, loudness_db=-26.0, warmth=0.0, room_db=-60.0))
    high = EspeakVoice(VoiceSettings(pitch=70, rate_wpm=200, loudness_db=-18.0))
    assert median_pitch(sound(high, TEXT)) > 1.4 * median_pitch(sound(low, TEXT))
    assert len(sound(high, TEXT)) < 0.75 * len(sound(low, TEXT))
    assert loudness_of(sound(low, TEXT)) == pytest.approx(-26.0, abs=1.0)


def test_a_variant_may_be_espeaks_the_projects_or_the_packs(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("language variant\nname mine\npitch 90 130\n")
    pitches = [
        median_pitch(sound(EspeakVoice(VoiceSettings(variant=variant), tmp_path), "Good morning, everybody."))
        for variant in ("mine", "f2", "mara", "")
    ]
    assert max(pitches[0], pitches[3]) < 130.0 < 150.0 < min(pitches[1:3])
    with pytest.raises(MioError, match="no variant 'f22' -> did you mean"):
        EspeakVoice(VoiceSettings(variant="f22"))


def test_the_configuration_changes_single_keys_of_the_packs_voice(tmp_path: Path) -> None:
    (tmp_path / "character.yml").write_text("voice:\n  variant: f3\n  rate_wpm: 160\n")
    settings = TalkerConfig(character=tmp_path, voice={"rate_wpm": "140"}).voice_settings()
    assert (settings.variant, settings.rate_wpm, settings.pitch) == ("f3", 140, 50)
    with pytest.raises(ConfigError, match="talker.voice: .*rate_wmp"):
        TalkerConfig(character=tmp_path, voice={"rate_wmp": 140}).voice_settings()
    with pytest.raises(ConfigError, match="talker.voice: .*<= 450"):
        TalkerConfig(character=tmp_path, voice={"rate_wpm": 1_000}).voice_settings()


def test_checking_names_what_is_missing(tmp_path: Path) -> None:
    assert list(TalkerConfig().check()) == []
    problems = list(TalkerConfig(voice={"variant": "f22"}).check())
    assert [problem.problem for problem in problems] == ["espeak-ng has no variant 'f22'"]
    problems = list(TalkerConfig(voice={"languages": {"en": "en-xx"}}).check())
    assert [problem.problem for problem in problems] == ["espeak-ng has no voice 'en-xx'"]
    assert len(list(TalkerConfig(character=tmp_path).check())) == 1
