import numpy as np
import pytest

from mio.bench._talker_times import time_errors_ms
from mio.bench.talker_voice import word_errors
from mio.contracts.messages import Reply
from nodes.talker.clause import Piece, SpokenPhone
from nodes.talker.espeak import EspeakVoice

SENTENCES = {
    "en": (
        "Peter packed a paper cup, and Betty got a big dog.",
        "I say a sheep sat on the shore, so she saw a man.",
        "Nobody knew my name at noon, not even Emma.",
    ),
    "de": (
        "Peter packt den Koffer, und Dieter badet im Bodensee.",
        "Sie sitzt am Tisch und sagt, es sei schon spät.",
        "Mama kann immer kommen, meint Nina.",
    ),
}


@pytest.mark.parametrize("language", ["en", "de"])
def test_nine_of_ten_phone_times_are_within_fifteen_milliseconds_of_the_sound(
    voice: EspeakVoice, language: str
) -> None:
    errors = [
        error_ms
        for text in SENTENCES[language]
        for piece in voice.speak(Reply(text=text, language=language))
        if piece is not None
        for _, error_ms in time_errors_ms(piece)
    ]
    assert len(errors) >= 25
    assert np.percentile(np.abs(errors), 50) < 5.0
    assert np.percentile(np.abs(errors), 90) < 15.0
    assert abs(np.median(errors)) < 3.0


def test_the_measure_finds_a_shift() -> None:
    sound = np.zeros(24_000, np.float32)
    sound[12_000:] = 0.1 * np.random.default_rng(0).standard_normal(12_000)
    phones = [SpokenPhone("ɑː", 0, 0.0), SpokenPhone("s", 0, 0.49), SpokenPhone("sil", 0, 1.0)]
    assert [(edge, round(error_ms)) for edge, error_ms in time_errors_ms(Piece(sound, phones, []))] == [
        ("vowel, sibilant", pytest.approx(10, abs=4))
    ]


@pytest.mark.parametrize(
    ("heard", "wrong"),
    [
        ("we counted 40 geese", 0),
        ("We counted forty-geese!", 0),
        ("we count forty", 2),
        ("we we counted forty geese", 1),
        ("", 4),
    ],
)
def test_word_errors_count_what_was_misheard(heard: str, wrong: int) -> None:
    assert word_errors("We counted forty geese.", heard) == (wrong, 4)
