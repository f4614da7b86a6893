"""The engine ``openai`` against a server on this machine that answers as such endpoints do."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mio.contracts.messages import Interrupt, Reply, Speech
from mio.contracts.phones import SILENCE
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError
from mio.runtime.testing import steps
from nodes.talker.clause import ClauseVoice, Piece
from nodes.talker.config import OpenAIConfig, TalkerConfig, VoiceSettings
from nodes.talker.endpoint import EndpointVoice, GuessedTimes
from nodes.talker.engine import Talker, build_engine
from nodes.talker.espeak import EspeakVoice
from nodes.talker.expected import Expectation, Expected
from nodes.talker.text.units import units_of
from nodes.talker.words import WordTimes, WrittenWords

TEXT = "You found it at last! Well done, my friend."
SILENCE_S = 0.1


@dataclass
class Server:
    """What the endpoint shall do, and what it was asked."""

    url: str = ""
    letters_per_s: float = 15.0
    status: int = 200
    stops_after_s: float | None = None
    hangs: bool = False
    part_bytes: int = 4_801  # odd: samples are cut through
    asked: list[dict[str, object]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def sound(self, text: str) -> bytes:
        """A tone for each of the letters, silence around them."""
        count = round(len(text) / self.letters_per_s * SPEECH_HZ)
        tone = 0.2 * np.sin(2 * np.pi * 200 * np.arange(count) / SPEECH_HZ)
        quiet = np.zeros(round(SILENCE_S * SPEECH_HZ))
        return np.round(np.concatenate((quiet, tone, quiet)) * 32_767).astype("<i2").tobytes()


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/audio/speech"
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(asked)
            self.send_response(state.status)
            self.end_headers()
            if state.status != 200:
                self.wfile.write(b'{"error": {"message": "no such voice"}}')
                return
            if state.hangs:
                time.sleep(1.5)
                return
            sound = state.sound(asked["input"])
            try:
                for at in range(0, len(sound), state.part_bytes):
                    if state.stops_after_s is not None and at > state.stops_after_s * 2 * SPEECH_HZ:
                        time.sleep(1.5)
                        return
                    self.wfile.write(sound[at : at + state.part_bytes])
                    self.wfile.flush()
                    time.sleep(0.002)
            except OSError:
                state.hung_up.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{http.server_port}/v1"
        yield state
        http.shutdown()


def config(server: Server, **changes: object) -> OpenAIConfig:
    return OpenAIConfig(base_url=server.url, first_sound_s=0.4, sound_gap_s=0.4, **changes)  # type: ignore[arg-type]


def voice_of(server: Server, spare: ClauseVoice | None = None, **changes: object) -> EndpointVoice:
    return EndpointVoice(config(server, **changes), VoiceSettings(), spare)


def pieces(voice: ClauseVoice, reply: Reply) -> list[Piece]:
    return [piece for piece in voice.speak(reply) if piece is not None]


def test_a_clause_is_what_the_endpoint_sent_with_a_pause_behind_each_sentence(server: Server) -> None:
    made = pieces(voice_of(server, gain_db=-6.0), Reply(text=TEXT))
    assert [asked["input"] for asked in server.asked] == ["You found it at last!", "Well done, my friend."]
    assert server.asked[0]["response_format"] == "pcm" and "instructions" not in server.asked[0]
    sent = [np.frombuffer(server.sound(str(a["input"])), "<i2").astype(np.float32) / 32_768 for a in server.asked]
    pause = np.zeros(round(0.42 * SPEECH_HZ), np.float32)
    wanted = np.concatenate((sent[0] / 2, pause, sent[1] / 2, pause))
    np.testing.assert_allclose(np.concatenate([piece.samples for piece in made]), wanted, atol=2e-3)


def test_words_and_phones_lie_in_the_sound_of_their_sentence_in_order(server: Server) -> None:
    voice = voice_of(server)
    for text in (TEXT, TEXT):  # the second time its pace is known
        made = pieces(voice, Reply(text=text))
    words = [word for piece in made for word in piece.words]
    assert [word.text for word in words] == ["You", "found", "it", "at", "last", "Well", "done", "my", "friend"]
    lengths = [len(server.sound(str(asked["input"]))) / 2 / SPEECH_HZ for asked in server.asked[-2:]]
    second_s = lengths[0] + 0.42
    assert words[0].start_s == pytest.approx(SILENCE_S, abs=0.01)
    assert words[4].end_s == pytest.approx(lengths[0] - SILENCE_S, abs=0.01)
    assert words[5].start_s == pytest.approx(second_s + SILENCE_S, abs=0.02)
    assert words[8].end_s == pytest.approx(second_s + lengths[1] - SILENCE_S, abs=0.02)
    assert all(word.start_s < word.end_s for word in words)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(words, words[1:], strict=False))
    starts = [phone.start_s for piece in made for phone in piece.phones]
    assert starts == sorted(starts) and len(starts) > 20
    assert [phone.symbol for phone in made[-1].phones][-1] == SILENCE


def test_phones_come_with_their_sound_once_the_pace_is_known(server: Server) -> None:
    voice, text = voice_of(server), "You found it at last, my old friend!"
    pieces(voice, Reply(text=text))
    sent_s = 0.0
    for piece in pieces(voice, Reply(text=text))[:-1]:
        assert all(sent_s - 0.1 < phone.start_s < sent_s + len(piece.samples) / SPEECH_HZ for phone in piece.phones)
        sent_s += len(piece.samples) / SPEECH_HZ


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.5])
def test_guessed_times_end_with_the_sound_however_wrong_the_pace_was(pace: float) -> None:
    text = "one two three"
    unit = units_of(text, "en")[0]
    expected = Expectation().of(unit)
    times = GuessedTimes(expected, WordTimes(WrittenWords(text)), 3.0, pace)
    tone = np.full(round(1.2 * expected.length_s * SPEECH_HZ), 0.1, np.float32)
    known = [times.heard(part) for part in np.array_split(tone, 7)] + [times.end()]
    phones, words = ([item for part in known for item in getattr(part, name)] for name in ("phones", "words"))
    starts = [phone.start_s for phone in phones]
    assert starts[0] == 3.0 and starts == sorted(starts)
    assert starts[-1] == pytest.approx(3.0 + 1.2 * expected.length_s, abs=1e-3)
    assert [word.text for word in words] == ["one", "two", "three"]
    assert words[-1].end_s == pytest.approx(starts[-1])
    assert times.pace == pytest.approx(1.2, abs=0.01)


def test_a_sentence_without_any_sound_of_its_own_still_gives_all_phones() -> None:
    expected = Expectation().of(units_of("one two", "en")[0])
    times = GuessedTimes(expected, WordTimes(WrittenWords("one two")), 0.0, 1.0)
    assert times.heard(np.zeros(4_800, np.float32)) == ([], [])
    assert len(times.end().phones) == len(expected.phones) + 1


def test_without_any_speller_words_still_have_times(monkeypatch: pytest.MonkeyPatch) -> None:
    expectation = Expectation()
    monkeypatch.setattr(expectation, "_espeak", None)
    monkeypatch.setattr(expectation, "_speller", None)
    expected = expectation.of(units_of("uno dos tres", "es")[0])
    assert isinstance(expected, Expected) and not expected.phones
    assert [word.first_char for word in expected.words] == [0, 4, 8]


def test_emotions_are_asked_for_as_pace_and_in_words(server: Server) -> None:
    voice = voice_of(server, instructions="Sound {emotion}.")
    pieces(voice, Reply(text="Go on.", emotion="sad", intensity=1.0))
    assert server.asked[0]["instructions"] == "Sound sad."
    assert server.asked[0]["speed"] == pytest.approx(0.84)


@pytest.mark.parametrize(("trouble", "message"), [("status", "no such voice"), ("hangs", "no sound for 0.4 s")])
def test_who_does_not_answer_is_replaced_for_the_turn_and_asked_again_in_the_next(
    server: Server, voice: EspeakVoice, caplog: pytest.LogCaptureFixture, trouble: str, message: str
) -> None:
    talker = Talker(voice_of(server, voice), TalkerConfig())
    setattr(server, trouble, 404 if trouble == "status" else True)
    for index in range(2):
        reply = Reply(text="Two lost boats.", segment_id=1, index=index, fin=index == 1)
        spoken = [speech for _, speech in steps(talker, "reply", reply) if isinstance(speech, Speech)]
        assert [word for speech in spoken for word in speech.words] == ["Two", "lost", "boats"]
    assert len(server.asked) == 1 and message in caplog.text and "another voice speaks" in caplog.text
    setattr(server, trouble, 200 if trouble == "status" else False)
    steps(talker, "reply", Reply(text="Two lost boats.", segment_id=2, fin=True))
    assert len(server.asked) == 2


def test_who_stops_in_the_middle_leaves_what_was_heard_and_the_turn_ends(server: Server, voice: EspeakVoice) -> None:
    server.stops_after_s = 0.5
    talker = Talker(voice_of(server, voice), TalkerConfig())
    reply = Reply(text="You found it at last, my old friend.", segment_id=1, fin=True)
    spoken = [speech for _, speech in steps(talker, "reply", reply) if isinstance(speech, Speech)]
    assert spoken[-1].fin and 0.4 < sum(len(speech.samples) for speech in spoken) / SPEECH_HZ < 0.8


def test_with_nobody_to_step_in_it_is_one_clear_error(server: Server) -> None:
    server.status = 500
    with pytest.raises(MioError, match=r"speech endpoint http.*no such voice -> look whether it runs"):
        pieces(voice_of(server), Reply(text="Hello."))


def test_an_interruption_closes_the_connection(server: Server) -> None:
    server.letters_per_s = 0.5
    talker = build_engine(TalkerConfig(engine="openai", openai=config(server)))
    outputs = talker.step("reply", Reply(text="Hello there, my old friend.", segment_id=1, fin=True))
    next(output for output in outputs if output is not None)
    steps(talker, "interrupt", Interrupt(action="commit", segment_id=1))
    assert not [output for output in outputs if output is not None]
    assert server.hung_up.wait(5.0)
