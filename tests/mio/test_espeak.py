import ctypes.util
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.contracts.phones import PHONES, SILENCE
from mio.errors import MioError
from mio.espeak import Espeak, PhoneTime, Synthesis, abi, library, speak
from mio.espeak.timing import Mark, phone_times, symbols_of
from mio.espeak.variants import VARIANTS, linked_data

pytest.importorskip("espeakng_loader")

ENGLISH = """\
The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm
cloak. They agreed that the one who first succeeded in making him take it off should be considered stronger.
Little bottles of pure oil; a choir, a flower, fire, hour, player, lawyer, beer, bear, boar, tour, cure, idea,
sudden, cotton, rhythm, prism, judge, church, measure, vision, thing, think, loch, Bach, uh-oh, button,
mountain, better, ladder, garage, croissant, genre, naive, 1,234,567 items, 8:45, 50 % of $3.99, the 21st,
January, Wednesday, xylophone, queue, hmm."""
GERMAN = """\
Einst stritten sich Nordwind und Sonne, wer von ihnen beiden wohl der Stärkere wäre, als ein Wanderer, der in
einen warmen Mantel gehüllt war, des Weges daherkam. Pfanne, Zahn, Deutsch, Dschungel, Garage, Restaurant,
Chance, Parfum, Ingenieur, Theater, Uhr, Ohr, Bär, Bier, Tür, Meer, Natur, China, ich, ach, Buch, Küche, Höhle,
Öl, Mädchen, Äpfel, Häuser, Eule, Mai, Computer, Meeting, Team, Orange, Balkon, Teint, 1.234.567 Dinge, 21.
Januar, Xylophon, Quelle, Psychologie."""


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak.shared()


def starts_of(synthesis: Synthesis, symbol: str) -> list[tuple[float, float]]:
    spans = zip(synthesis.phones, synthesis.phones[1:], strict=False)
    return [(phone.start_s, following.start_s) for phone, following in spans if phone.symbol == symbol]


def level(samples: np.ndarray, rate: int, start_s: float, end_s: float) -> float:
    part = samples[max(0, round(start_s * rate)) : max(1, round(end_s * rate))]
    return float(np.sqrt(np.mean(part.astype(np.float64) ** 2)))


def high_band(samples: np.ndarray, rate: int) -> np.ndarray:
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / rate) < 4_000] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def test_there_is_one_instance_in_a_process(espeak: Espeak) -> None:
    assert Espeak.shared() is espeak
    assert espeak.sample_rate == 22_050


def test_a_sentence_becomes_sound_words_and_phones(espeak: Espeak) -> None:
    text = "Hello, I keep the light."
    spoken = espeak.synthesize(text)
    assert spoken.samples.dtype == np.float32
    assert 0.1 < np.abs(spoken.samples).max() <= 1.0
    assert 0.8 < len(spoken.samples) / spoken.sample_rate < 3.0
    assert [text[word.text_position :][: word.length] for word in spoken.words] == [
        "Hello",
        "I",
        "keep",
        "the",
        "light",
    ]
    first = [phone for phone in spoken.phones if phone.symbol != SILENCE][:4]
    assert [(phone.symbol, phone.stress) for phone in first] == [("h", 0), ("ə", 0), ("l", 0), ("oʊ", 1)]


def test_word_positions_count_characters_not_bytes(espeak: Espeak) -> None:
    text = "Zoë naïve über café."
    words = espeak.synthesize(text).words
    assert [text[word.text_position :][: word.length] for word in words] == ["Zoë", "naïve", "über", "café"]


def test_speaking_takes_one_call() -> None:
    spoken = speak("Hello.", "en-gb+m3", rate_wpm=120)
    assert [phone.symbol for phone in spoken.phones if phone.symbol != SILENCE] == ["h", "ə", "l", "əʊ"]
    assert len(spoken.samples) > len(speak("Hello.", "en-gb+m3", rate_wpm=240).samples)


def test_a_faster_rate_is_shorter_and_a_higher_pitch_is_not(espeak: Espeak) -> None:
    slow, fast = (espeak.synthesize("A quiet evening by the sea.", rate_wpm=rate) for rate in (120, 240))
    high = espeak.synthesize("A quiet evening by the sea.", rate_wpm=120, pitch=80)
    assert len(fast.samples) < 0.7 * len(slow.samples)
    assert len(high.samples) == pytest.approx(len(slow.samples), rel=0.05)


def test_volume_scales_the_sound(espeak: Espeak) -> None:
    loud, soft = (espeak.synthesize("Good morning.", volume=volume) for volume in (100, 50))
    assert np.abs(soft.samples).max() == pytest.approx(np.abs(loud.samples).max() / 2, rel=0.1)


@pytest.mark.parametrize(("voice", "text"), [("en-us", ENGLISH), ("en-gb", ENGLISH), ("de", GERMAN)])
def test_no_phone_that_espeak_prints_is_lost(
    espeak: Espeak, voice: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: set[str] = set()

    def note(marks: list[Mark], *rest: object) -> list[PhoneTime]:
        printed.update(mark.ipa for mark in marks)
        return []

    monkeypatch.setattr(library, "phone_times", note)
    espeak.synthesize(text, voice)
    named = {ipa for ipa in printed if ipa and not ipa.startswith("(")}
    assert len(named) > 40
    assert {ipa for ipa in named if not symbols_of(ipa, voice)[0]} == set()
    assert {symbol for ipa in named for symbol in symbols_of(ipa, voice)[0]} <= set(PHONES)


def test_every_language_can_count_without_losing_a_phone(espeak: Espeak) -> None:
    for language in ("fr", "es", "it", "nl", "sv", "pl", "ru", "hi", "ja", "cmn", "ar", "tr"):
        phones = espeak.synthesize("1 2 3 4 5 6 7 8 9 10", language).phones
        assert len([phone for phone in phones if phone.symbol != SILENCE]) >= 20, language


@pytest.mark.parametrize(("voice", "text"), [("en-us", ENGLISH), ("de", GERMAN)])
def test_phones_follow_each_other_and_end_with_silence(espeak: Espeak, voice: str, text: str) -> None:
    spoken = espeak.synthesize(text, voice)
    starts = [phone.start_s for phone in spoken.phones]
    assert starts == sorted(starts)
    assert starts[0] == 0.0
    assert spoken.phones[-1].symbol == SILENCE
    assert starts[-1] <= len(spoken.samples) / spoken.sample_rate
    lengths = np.diff(starts)
    assert lengths.min() > 0.0
    assert np.median(lengths) < 0.15
    pairs = list(zip(spoken.phones, spoken.phones[1:], strict=False))
    assert not any(a.symbol == b.symbol == SILENCE for a, b in pairs)


def test_a_language_change_inside_a_text_is_no_phone(espeak: Espeak) -> None:
    assert symbols_of("(en)") == ((), 0)
    phones = espeak.synthesize("Das Meeting war gut.", "de").phones
    assert [phone.symbol for phone in phones[-4:]] == ["ɡ", "uː", "t", SILENCE]


@pytest.mark.parametrize("voice", ["en-us", "en-us+f2", "en-us+Annie"])
def test_voiceless_stops_begin_with_their_closure_and_contain_their_burst(espeak: Espeak, voice: str) -> None:
    spoken = espeak.synthesize("Pappa took a paper cup to Peter. Apart from that, a cat ate it up.", voice)
    rate, loudest = spoken.sample_rate, level(spoken.samples, spoken.sample_rate, 0.0, 99.0)
    checked = 0
    for symbol in "ptk":
        for start_s, end_s in starts_of(spoken, symbol)[1:]:
            if start_s == 0.0 or end_s - start_s < 0.05:
                continue
            closure = level(spoken.samples, rate, start_s + 0.005, start_s + 0.02)
            before = level(spoken.samples, rate, start_s - 0.03, start_s - 0.01)
            burst = np.abs(np.diff(spoken.samples[round((start_s + 0.02) * rate) : round(end_s * rate)])).max()
            assert closure < 0.25 * max(before, 0.3 * loudest), (symbol, start_s)
            assert burst > 0.01, (symbol, start_s)
            checked += 1
    assert checked >= 8


def test_sibilants_lie_within_fifteen_milliseconds_of_their_noise(espeak: Espeak) -> None:
    spoken = espeak.synthesize("A sea of azure, a sofa, a sunny Sunday, I say so. A sheep, a shoe.", "en-us+f2")
    rate = spoken.sample_rate
    noise = high_band(spoken.samples, rate)
    errors_ms: list[float] = []
    for symbol in ("s", "ʃ"):
        for start_s, _ in starts_of(spoken, symbol):
            times = np.arange(start_s - 0.05, start_s + 0.05, 0.001)
            floor = 0.1 * level(noise, rate, start_s + 0.02, start_s + 0.06)
            rise = [
                (level(noise, rate, at, at + 0.006) + floor) / (level(noise, rate, at - 0.006, at) + floor)
                for at in times
            ]
            errors_ms.append(1_000 * abs(times[int(np.argmax(rise))] - start_s))
    assert len(errors_ms) >= 6
    assert max(errors_ms) < 15.0


def test_a_vowel_begins_where_the_nasal_opens(espeak: Espeak) -> None:
    spoken = espeak.synthesize("Mama, my mother met a man at noon.", "en-us+f2")
    rate = spoken.sample_rate
    vowels = [
        phone.start_s
        for before, phone in zip(spoken.phones, spoken.phones[1:], strict=False)
        if before.symbol == "m" and PHONES[phone.symbol].manner == "vowel"
    ]
    edges = np.diff(spoken.samples, prepend=np.float32(0))
    assert len(vowels) >= 5
    for start_s in vowels:
        inside = level(edges, rate, start_s + 0.005, start_s + 0.03)
        assert inside > 2.0 * level(edges, rate, start_s - 0.03, start_s - 0.005), start_s


def test_sequences_are_split_and_short_phones_widened() -> None:
    sound = np.sin(np.arange(22_050, dtype=np.float32))
    phones = phone_times([Mark("ˈɔːɹ", 0), Mark("s", 11_025), Mark("əl", 13_230), Mark("t", 22_040)], sound, 22_050)
    assert [phone.symbol for phone in phones] == ["ɔː", "ɹ", "s", "ə", "l", "t", SILENCE]
    assert [phone.stress for phone in phones] == [1, 0, 0, 0, 0, 0, 0]
    assert 0.2 < phones[1].start_s < 0.5
    assert phones[6].start_s - phones[5].start_s == pytest.approx(0.03, abs=0.002)


def test_no_events_give_one_silence() -> None:
    assert phone_times([], np.zeros(2_205, np.float32), 22_050) == [PhoneTime(SILENCE, 0, 0.1)]
    assert phone_times([], np.zeros(0, np.float32), 22_050) == [PhoneTime(SILENCE, 0, 0.0)]


def test_rs_and_central_vowels_are_those_of_the_language() -> None:
    assert symbols_of("r", "de")[0] == symbols_of("r", "es+f2")[0] == ("ɾ",)
    assert symbols_of("r", "en-us+f2")[0] == ("ɹ",)
    assert symbols_of("ɜ", "de")[0] == ("ɐ",)


def test_the_same_text_sounds_the_same_whatever_was_said_before(espeak: Espeak, tmp_path: Path) -> None:
    steady = tmp_path / "steady"
    steady.write_text("language variant\nname steady\npitch 140 220\nflutter 0\nroughness 0\nbreath 0 3 3 3 3\n")
    voice = f"en-us+{espeak.add_variant(steady)}"
    first = espeak.synthesize("It sounds the same.", voice, volume=60)
    espeak.synthesize("Zischen und Rauschen, ganz anders.", "de+f5", rate_wpm=220, volume=60)
    again = espeak.synthesize("It sounds the same.", voice, volume=60)
    assert np.array_equal(first.samples, again.samples)
    assert first.phones == again.phones


def test_threads_take_turns(espeak: Espeak) -> None:
    texts = {"en-us": "One of the threads says this.", "de": "Der andere Faden sagt das."}
    alone = {voice: [phone.symbol for phone in espeak.synthesize(text, voice).phones] for voice, text in texts.items()}
    together: dict[str, list[list[str]]] = {voice: [] for voice in texts}

    def speak(voice: str) -> None:
        for _ in range(10):
            together[voice].append([phone.symbol for phone in espeak.synthesize(texts[voice], voice).phones])

    threads = [threading.Thread(target=speak, args=(voice,)) for voice in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(spoken == alone[voice] for voice in texts for spoken in together[voice])


@pytest.mark.parametrize(
    ("voice", "problem"),
    [
        ("en-uss", "no voice 'en-uss' -> did you mean en-us"),
        ("en-us+f22", "no variant 'f22' -> did you mean f2"),
        ("", "no voice ''"),
        ("en-us+../../../etc/passwd", "no variant"),
    ],
)
def test_an_unknown_voice_is_one_clear_error(espeak: Espeak, voice: str, problem: str) -> None:
    with pytest.raises(MioError, match=r"espeak-ng has") as caught:
        espeak.synthesize("Hello.", voice)
    assert problem in str(caught.value)
    assert len(espeak.synthesize("Hello.").samples) > 0


def test_missing_espeak_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(abi.importlib, "import_module", missing)
    monkeypatch.setattr(abi.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(MioError, match=r"not installed -> pip install 'mio\[espeak\]'"):
        abi.find_files()


def test_a_system_library_is_the_second_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(abi.importlib, "import_module", missing)
    monkeypatch.setattr(abi.ctypes.util, "find_library", lambda name: "libespeak-ng.so.1")
    assert abi.find_files() == abi.Files("libespeak-ng.so.1", None)


def test_a_library_that_cannot_be_loaded_is_one_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"not a library")
    with pytest.raises(MioError, match=r"libespeak-ng.so cannot be loaded"):
        abi.load(str(broken))


def test_languages_find_their_voice(espeak: Espeak) -> None:
    assert espeak.voice_for("en-US") == "en-us"
    assert espeak.voice_for("de_AT") == "de"
    assert espeak.voice_for("tlh") is None
    assert espeak.voice_for("") is None
    assert len(espeak.voices()) > 100
    assert {"f2", "Annie"} <= set(espeak.variants())


def test_pronunciations_come_word_by_word(espeak: Espeak) -> None:
    assert espeak.phonemes("Hello, blue lamp.") == [["h", "ə", "l", "oʊ"], ["b", "l", "uː"], ["l", "æ", "m", "p"]]
    assert espeak.phonemes("Apfel", "de") == [["a", "p", "f", "ə", "l"]]
    assert espeak.phonemes("") == []


@pytest.mark.parametrize("text", ["", " \n ", "\0", "...", "\U0001f600", "\x07\x1b", "a\0b", "\ud800", "word " * 2_000])
def test_odd_texts_are_spoken_or_silent(espeak: Espeak, text: str) -> None:
    spoken = espeak.synthesize(text)
    assert np.isfinite(spoken.samples).all()
    assert spoken.phones[-1].symbol == SILENCE


def test_a_text_beyond_all_bounds_is_refused(espeak: Espeak) -> None:
    with pytest.raises(MioError, match="a text of 20001 characters"):
        espeak.synthesize("a" * 20_001)


def test_ssml_changes_the_delivery(espeak: Espeak) -> None:
    plain = espeak.synthesize("I see it.", ssml=True)
    slow = espeak.synthesize('I <prosody rate="50%">see</prosody> it.', ssml=True)
    assert len(slow.samples) > 1.1 * len(plain.samples)


def test_a_variant_file_that_is_missing_is_one_clear_error(espeak: Espeak, tmp_path: Path) -> None:
    with pytest.raises(MioError, match="No such file"):
        espeak.add_variant(tmp_path / "nowhere")


def test_the_linked_data_is_made_once_and_elsewhere_if_it_must(espeak: Espeak, tmp_path: Path) -> None:
    data = abi.find_files().data
    assert data is not None
    folder = linked_data(data, tmp_path / "cache")
    assert linked_data(data, tmp_path / "cache") == folder
    assert (folder / VARIANTS / "f2").read_bytes() == (data / VARIANTS / "f2").read_bytes()
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert (linked_data(data, blocked) / "phontab").is_file()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=120), st.sampled_from(["en-us", "de", "fr+f3"]))
def test_any_text_gives_ordered_times_within_the_sound(text: str, voice: str) -> None:
    spoken = Espeak.shared().synthesize(text, voice)
    end_s = len(spoken.samples) / spoken.sample_rate + 1e-6
    starts = [phone.start_s for phone in spoken.phones]
    assert starts == sorted(starts)
    assert all(0.0 <= start_s <= end_s for start_s in starts)
    assert all(0 <= word.text_position <= len(text) and 0.0 <= word.start_s <= end_s for word in spoken.words)
    assert all(phone.symbol in PHONES for phone in spoken.phones)
    assert spoken.phones[-1].symbol == SILENCE


@pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="the system has no libespeak-ng")
def test_the_systems_library_speaks_with_own_variants_too(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("language variant\nname mine\npitch 140 220\n")
    program = (
        "import sys; from pathlib import Path; from mio.espeak import Espeak, abi\n"
        "abi.importlib.import_module = lambda name: (_ for _ in ()).throw(ImportError(name))\n"
        "espeak = Espeak.shared(); name = espeak.add_variant(Path(sys.argv[1]))\n"
        "print(len(espeak.synthesize('Hello.', f'en-us+{name}').words))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "mine")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"


def test_speaking_leaves_no_types_behind(espeak: Espeak) -> None:
    types = len(ctypes.Array.__subclasses__())
    for number in range(20):
        espeak.synthesize(f"{number} bottles")
    assert len(ctypes.Array.__subclasses__()) == types
