import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mio.bench._face_stage import Seen, Stage
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.engine import Engine
from mio.contracts.messages import Clock, FaceMotion, Interrupt, Speech, Tick, Turn, UserPlace
from mio.contracts.rates import FACE_FPS, SPEECH_HZ
from mio.errors import ConfigError
from mio.measure.face import blink_frames, gaze_off_deg, head_deg, rotation_matrices
from mio.measure.mouth import MouthGauge
from mio.nn import testing as patterns
from mio.nn.weights import read_weights, write_weights
from nodes.face.chain import HOP_FRAMES, Chain, performed
from nodes.face.chunks import ChunkModel, HeardVoice
from nodes.face.composer import ACCENTS, EYES
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine, build_engine
from nodes.face.gaze import CONTACT_DEG
from nodes.face.models.face import FaceModel
from nodes.face.models.generator import Conditions
from nodes.face.models.sizes import CodecSize, FaceSize, GeneratorSize, VoiceSize
from nodes.face.models.voice import MELS, SILENT, log_mel
from nodes.face.unils import UnilsEngine

Leader = Literal["rules", "network"]

SIZE = FaceSize(
    codec=CodecSize(scales=(1, 4, 12), bits=8, width=16, layers=1, heads=2),
    generator=GeneratorSize(width=16, layers=1, heads=2, audio_width=8, previous_chunks=2, audio_before=6),
    voice=VoiceSize(width=8, layers=1),
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    model = FaceModel(SIZE)
    model.load_state_dict(patterns.weights(model.state_dict(), 2.0))
    model.codec.mean.copy_(torch.full((108,), 0.3))
    model.codec.std.copy_(torch.full((108,), 0.05))
    write_weights(folder, model.state_dict(), SIZE, half=True)
    save_file({"neutral": torch.zeros(12, 8), "happy": torch.ones(12, 8)}, folder / "styles.safetensors")
    return folder


@pytest.fixture
def engine(weights: Path) -> Callable[..., UnilsEngine]:
    def build(
        seed: int = 1, eyes: Leader = "rules", contacts: Leader = "rules", accents: Leader = "rules", **config: float
    ) -> UnilsEngine:
        made = build_engine(
            FaceConfig(
                engine="unils", weights=weights, seed=seed, eyes=eyes, contacts=contacts, accents=accents, **config
            )
        )
        assert isinstance(made, UnilsEngine)
        return made

    return build


def listening(engine: UnilsEngine, voice: np.ndarray, until_s: float) -> Seen:
    stage = Stage(engine)
    stage.at(0.2, "turn", Turn(state="user_speaking"))
    stage.hear(0.0, voice)
    return stage.run(until_s)


def test_there_is_a_frame_for_every_moment_and_they_are_finite_and_within_their_limits(
    engine: Callable[..., UnilsEngine], voice_of_user: Callable[..., np.ndarray]
) -> None:
    seen = listening(engine(), voice_of_user(4.0), 4.0)
    assert len(seen.frames) >= 4.0 * FACE_FPS - 6
    assert np.isfinite(seen.frames).all()
    assert seen.frames[:, :100].min() >= 0.0
    assert seen.frames[:, :100].max() <= 1.0
    assert not seen.frames[:, [104, 105, 108, 111]].any()


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(
    engine: Callable[..., UnilsEngine], voice_of_user: Callable[..., np.ndarray]
) -> None:
    voice = voice_of_user(2.0)
    first, again, other = (listening(engine(seed), voice, 2.0).frames for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_eyes_led_by_the_rules_look_at_the_user_and_blink_whatever_the_head_does(
    engine: Callable[..., UnilsEngine], voice_of_user: Callable[..., np.ndarray]
) -> None:
    voice = voice_of_user(30.0)
    led, own = (listening(engine(eyes=eyes), voice, 30.0).frames[25:] for eyes in ("rules", "network"))
    contact = [
        float((gaze_off_deg(frames, FaceConfig().viewer_below_deg) < CONTACT_DEG).mean()) for frames in (led, own)
    ]
    assert contact[0] > 0.6
    assert contact[1] < 0.3, "a net that never learned looks anywhere"
    assert head_deg(led).std(0).max() > 1.0
    assert 4 <= len(blink_frames(led)) <= 20
    others = np.setdiff1d(np.arange(112), np.flatnonzero(EYES))
    assert led[:, others].std(0).max() > 0.05


def test_accents_of_the_rules_answer_the_user_on_top_of_what_the_network_does(
    engine: Callable[..., UnilsEngine], voice_of_user: Callable[..., np.ndarray]
) -> None:
    voice = voice_of_user(20.0)
    added, own = (listening(engine(accents=accents), voice, 20.0).frames[75:] for accents in ("rules", "network"))
    brow = ARKIT_INDEX["browInnerUp"]
    more, free = (added - own)[:, brow], added[:, brow] < 1.0
    assert more.max() > 0.15, "brows go up"
    assert np.abs(more).min() < 1e-6, "and are the network's in between"
    nods = head_deg(added)[:, 0] - head_deg(own)[:, 0]
    assert nods.max() > 2.0
    jumps = np.abs(np.diff(more))[free[1:] & free[:-1]]
    assert jumps.max() < 0.3, "at most in two frames where it was planned late, and none begins with a jump"
    assert free.mean() > 0.8
    others = np.setdiff1d(np.arange(106), np.flatnonzero(EYES | ACCENTS))
    np.testing.assert_allclose(added[:, others], own[:, others], atol=1e-6)
    assert gaze_off_deg(added, FaceConfig().viewer_below_deg).mean() < 8.0, "the eyes stay where they look"


def yaw_deg(frames: np.ndarray) -> np.ndarray:
    """Where the eyes look, to the avatar's left."""
    head = rotation_matrices(frames[:, 100:103])
    eyes = sum(rotation_matrices(frames[:, eye : eye + 3])[:, :, 2] for eye in (106, 109))
    gaze = np.einsum("nij,nj->ni", head, eyes)
    return np.degrees(np.arctan2(gaze[:, 0], gaze[:, 2]))


@pytest.mark.parametrize(("kind", "within_deg"), [("viseme", 3.0), ("unils", 5.0)])
def test_the_gaze_goes_along_with_a_user_whom_a_camera_sees_and_comes_back_when_nobody_is_seen(
    kind: Literal["viseme", "unils"], within_deg: float, weights: Path
) -> None:
    def shown(follow: float) -> Seen:
        engine = build_engine(FaceConfig(engine=kind, weights=weights, follow=follow, contact_listening=1.0))
        stage = Stage(engine)
        stage.at(0.2, "turn", Turn(state="user_speaking"))
        for at_s in np.arange(1.0, 3.0, 0.1):
            stage.at(float(at_s), "user_place", UserPlace(left_deg=16.0, above_deg=0.0))
        return stage.run(8.0)

    followed, half, ignored = (shown(follow) for follow in (1.0, 0.5, 0.0))
    seen_s, gone_s = (1.9, 4.0), (7.0, 8.0)
    places = [float(np.median(yaw_deg(seen.between(*seen_s)))) for seen in (followed, half, ignored)]
    assert abs(places[0] - 16.0) < within_deg
    assert abs(places[1] - 8.0) < within_deg
    assert abs(places[2]) < within_deg
    assert abs(float(np.median(yaw_deg(followed.between(*gone_s))))) < within_deg
    assert np.abs(np.median(yaw_deg(followed.between(0.4, 0.9)))) < within_deg, "not before she is seen"


def test_lips_led_by_the_rules_close_where_phones_ask_for_it(
    engine: Callable[..., UnilsEngine],
    speak: Callable[..., list[Speech]],
    sentence: list[tuple[str, float, int]],
    gauge: MouthGauge,
) -> None:
    def gaps_mm(contacts: Leader) -> list[float]:
        stage = Stage(engine(contacts=contacts))
        stage.say(1.0, speak(sentence))
        seen, found = stage.run(4.0), list[float]()
        start_s = seen.starts_s[1]
        for symbol, seconds, _ in sentence:
            if symbol in "pbm":
                found.append(gauge.measure(seen.between(start_s, start_s + seconds + 0.04)).widest_gap_mm.min())
            start_s += seconds
        return found

    assert len(gaps_mm("rules")) >= 6
    assert max(gaps_mm("rules")) <= 0.5
    assert max(gaps_mm("network")) > 0.5, "a net that never learned closes them by chance only"


def test_behind_a_closure_they_part_as_the_rules_say_whatever_the_network_does(
    engine: Callable[..., UnilsEngine], speak: Callable[..., list[Speech]], gauge: MouthGauge
) -> None:
    sentence = [("p", 0.1, 0), ("ɑ", 0.16, 1)] * 6

    def openings_mm(contacts: Leader) -> list[float]:
        stage = Stage(engine(contacts=contacts))
        stage.say(1.0, speak(sentence))
        seen = stage.run(4.0)
        releases_s = seen.starts_s[1] + 0.1 + 0.26 * np.arange(6)
        return [gauge.measure(seen.between(at_s + 0.02, at_s + 0.11)).widest_gap_mm.max() for at_s in releases_s]

    assert min(openings_mm("rules")) > 3.0
    assert min(openings_mm("network")) < 3.0, "a net that never learned opens them by chance only"


def test_a_chunk_is_sent_every_10_frames_and_reaches_beyond_the_next(
    engine: Callable[..., UnilsEngine],
) -> None:
    sent = Stage(engine()).run(4.0).sent
    starts = [round(motion.start_stage_s * FACE_FPS) for _, motion in sent]
    assert set(np.diff(starts)) == {HOP_FRAMES}
    assert all(len(motion.frames) == SIZE.codec.frames for _, motion in sent)
    assert all(motion.start_stage_s > at_s for at_s, motion in sent)


def test_the_users_voice_changes_frames_within_half_a_second_and_none_before(
    engine: Callable[..., UnilsEngine], voice_of_user: Callable[..., np.ndarray]
) -> None:
    quiet = 1e-3 * np.random.default_rng(0).standard_normal(4 * 16_000).astype(np.float32)
    loud = quiet.copy()
    loud[32_000:] += voice_of_user(2.0)
    firsts_s: list[float] = []
    for seed in range(1, 4):
        one, other = (listening(engine(seed), sound, 3.2) for sound in (quiet, loud))
        differs = np.flatnonzero(np.abs(one.frames - other.frames).max(1) > 1e-4)
        firsts_s.append(one.first_s + differs[0] / FACE_FPS)
    assert min(firsts_s) >= 2.0
    assert min(firsts_s) <= 2.5, "a net that never learned does not answer to every sound"


def test_the_avatars_voice_changes_frames_from_its_beginning_on(
    engine: Callable[..., UnilsEngine], speak: Callable[..., list[Speech]], sentence: list[tuple[str, float, int]]
) -> None:
    silent, talking = Stage(engine()), Stage(engine())
    talking.say(1.0, speak(sentence))
    one, other = silent.run(3.0), talking.run(3.0)
    differs = np.flatnonzero(np.abs(one.frames - other.frames).max(1) > 1e-4)
    assert 1.0 <= one.first_s + differs[0] / FACE_FPS <= 1.4


def test_a_chunk_of_the_stream_equals_one_made_at_once_from_the_whole_recording(
    weights: Path,
    engine: Callable[..., UnilsEngine],
    speak: Callable[..., list[Speech]],
    sentence: list[tuple[str, float, int]],
) -> None:
    chunks = speak(sentence)
    streaming = engine(eyes="network", contacts="network", accents="network", guidance=1.0)
    going(streaming, 0, 40, list(chunks))
    state = streaming.export_state()
    streamed = going(streaming, 40, 60, [])
    first = min(streamed)

    model = ChunkModel(weights, guidance=1.0, temperature=1.0, seed=1)
    assert state["seed"] == 1
    chain = Chain(model)
    chain.made = dict(state["made"])
    mel = log_mel(np.concatenate([chunk.samples for chunk in chunks]), SPEECH_HZ)
    window = slice(4 * (first - model.before), 4 * (first + model.frames))
    own = HeardVoice(mel[window], np.ones(4 * 18, np.float32))
    silence = np.full((4 * 18, MELS), SILENT, np.float32)
    now = next(tick for tick in range(40, 60) if np.ceil((tick / FACE_FPS + 0.06) * FACE_FPS) == first)
    known = (np.arange(4 * (first - model.before), 4 * (first + model.frames)) < 4 * now).astype(np.float32)
    before = np.stack([state["sent"][index] for index in range(first - model.previous, first)])
    chain.extend(first, before, (own, HeardVoice(silence, known)), "neutral")
    for index in range(first, first + HOP_FRAMES):
        np.testing.assert_allclose(chain.made[index], streamed[index], atol=1e-5)


def test_sound_that_has_not_come_changes_nothing_in_a_recording_either(weights: Path) -> None:
    chance = np.random.default_rng(0)
    own, other = (chance.normal(-1, 0.3, (160, MELS)).astype(np.float32) for _ in range(2))
    changed = other.copy()
    changed[96:] = 0.5
    before = np.zeros((24, 112), np.float32)
    one, two = (
        performed(ChunkModel(weights, guidance=1.0, temperature=1.0, seed=1), own, heard, before)
        for heard in (other, changed)
    )
    assert np.array_equal(one[:24], two[:24])
    assert not np.array_equal(one[32:], two[32:])


def test_a_successor_goes_on_with_the_same_frames(
    engine: Callable[..., UnilsEngine], speak: Callable[..., list[Speech]], sentence: list[tuple[str, float, int]]
) -> None:
    first = engine()
    shown = going(first, 0, 30, speak(sentence))
    second = engine(9)
    second.import_state(first.export_state())
    kept, taken = going(first, 30, 60, []), going(second, 30, 60, [])
    assert shown
    assert kept.keys() == taken.keys()
    assert all(np.array_equal(kept[index], taken[index]) for index in kept)


def going(engine: Engine, begin: int, end: int, chunks: list[Speech]) -> dict[int, np.ndarray]:
    shown: dict[int, np.ndarray] = {}
    for tick in range(begin, end):
        stage_s, mono_ns = tick / FACE_FPS, 1_000_000_000 + round(tick / FACE_FPS * 1e9)
        clock = Clock(stage_s=stage_s, mono_ns=mono_ns, epoch=1, segment_id=1, heard_sample=tick * 960)
        inputs = [("clock", clock), *(("speech", chunk) for chunk in chunks[:1]), ("tick", Tick(mono_ns=mono_ns))]
        chunks = chunks[1:]
        for port, message in inputs:
            for output in engine.step(port, message):
                if output is not None and isinstance(output[1], FaceMotion):
                    first = round(output[1].start_stage_s * FACE_FPS)
                    shown.update(enumerate(output[1].frames, first))
    return shown


def test_frames_of_the_rules_pass_into_those_of_the_network_and_back_without_a_jump(
    engine: Callable[..., UnilsEngine],
) -> None:
    rules = VisemeEngine(FaceConfig())
    Stage(rules).run(1.0)
    network = engine()
    network.import_state(rules.export_state())
    shown = going(network, 26, 60, [])
    begin = min(shown)
    ruled = rules.export_state()["sent"]
    assert np.abs(shown[begin] - ruled[begin]).max() < 0.15
    back = VisemeEngine(FaceConfig(seed=3))
    back.import_state(network.export_state())
    assert going(back, 60, 75, [])


def test_where_the_network_is_late_the_rules_step_in(engine: Callable[..., UnilsEngine]) -> None:
    slow = engine()
    before = going(slow, 0, 30, [])
    after = going(slow, 90, 110, [])
    assert max(before) < min(after)
    begin = min(after)
    mended = going(engine(), 0, 110, [])
    rules = VisemeEngine(FaceConfig())
    going(rules, 0, 30, [])
    ruled = going(rules, 90, 110, [])
    assert np.abs(after[begin] - ruled[begin]).max() < np.abs(after[begin] - mended[begin]).max()
    assert np.abs(after[begin] - ruled[begin]).max() < 0.05


def test_an_interruption_is_answered_with_a_new_chunk(
    engine: Callable[..., UnilsEngine], speak: Callable[..., list[Speech]], sentence: list[tuple[str, float, int]]
) -> None:
    stage = Stage(engine())
    stage.say(0.5, speak(sentence))
    stage.at(1.5, "interrupt", Interrupt(action="commit", segment_id=1))
    sent = stage.run(2.5).sent
    assert any(1.5 <= at_s <= 1.65 for at_s, _ in sent)


def test_speech_that_is_not_to_be_heard_yet_makes_no_chunk_before_its_time(
    engine: Callable[..., UnilsEngine], speak: Callable[..., list[Speech]], sentence: list[tuple[str, float, int]]
) -> None:
    stage, chunks = Stage(engine()), speak(sentence)
    assert len(chunks) > 6
    stage.say(1.0, chunks, pace_s=0.2)
    starts = [round(motion.start_stage_s * FACE_FPS) for _, motion in stage.run(3.0).sent]
    assert 1 <= (np.diff(starts) < HOP_FRAMES).sum() <= 3


def test_guidance_leads_frames_while_the_own_voice_sounds_and_not_before(weights: Path) -> None:
    own = np.full((400, MELS), SILENT, np.float32)
    own[240:] = 0.5
    other = np.full((400, MELS), SILENT, np.float32)
    before = np.zeros((24, 112), np.float32)
    plain, led = (
        performed(ChunkModel(weights, guidance=amount, temperature=1.0, seed=1), own, other, before)
        for amount in (1.0, 4.0)
    )
    assert np.array_equal(plain[:40], led[:40])
    assert not np.array_equal(plain[60:], led[60:])


def test_guidance_counts_twice_where_a_turn_begins(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    generate = FaceModel.next_chunk

    def recording(model: FaceModel, conditions: Conditions, **settings: Any) -> torch.Tensor:
        used.append(settings["guidance"])
        return generate(model, conditions, **settings)

    monkeypatch.setattr(FaceModel, "next_chunk", recording)
    model = ChunkModel(weights, guidance=1.5, temperature=1.0, seed=1)
    count = 4 * (model.before + model.frames)
    for begins_frame in (count, 4 * model.before, 2 * model.before, 0):
        mel = np.full((count, MELS), SILENT, np.float32)
        mel[begins_frame:] = 0.5
        voice = HeardVoice(mel, np.ones(count, np.float32))
        model.next_chunk(0, np.zeros((model.previous, 112), np.float32), voice, voice, "neutral")
    assert used == [1.0, 2.0, 2.0, 1.5], "in silence, from the chunk on, lately, for a while"


def test_a_style_that_is_missing_is_neutral_and_one_that_is_there_is_not(weights: Path) -> None:
    def chunk(style: str) -> np.ndarray:
        model = ChunkModel(weights, guidance=1.0, temperature=1.0, seed=1)
        silence = np.full((200, MELS), SILENT, np.float32)
        return performed(model, silence, silence, np.zeros((24, 112), np.float32), style)

    assert np.array_equal(chunk("neutral"), chunk("nonsense"))
    assert not np.array_equal(chunk("neutral"), chunk("happy"))


def test_a_folder_without_weights_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected weights"):
        build_engine(FaceConfig(engine="unils", weights=tmp_path))


def test_weights_of_another_size_or_without_styles_are_one_clear_error(weights: Path, tmp_path: Path) -> None:
    own, size = read_weights(weights, FaceSize)
    other = msgspec.structs.replace(size, voice=VoiceSize(width=16, layers=1))
    for folder, said, problem in (("a", other, "do not belong together"), ("b", size, "styles.safetensors")):
        write_weights(tmp_path / folder, own, said)
        with pytest.raises(ConfigError, match=problem):
            build_engine(FaceConfig(engine="unils", weights=tmp_path / folder))


def test_the_face_moves_by_a_network_where_its_weights_are_and_says_under_which_terms(
    weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "nodes.face")
    engine = build_engine(FaceConfig(weights=weights))
    assert isinstance(engine, UnilsEngine)
    assert engine.label == "unils"
    (line,) = caplog.messages
    assert str(weights) in line
    assert "1 M USD revenue a year" in line
    assert "face: {engine: viseme}" in line


@pytest.mark.parametrize("lacks", ["weights", "torch", "styles", "package"])
def test_the_face_moves_by_rules_where_the_network_lacks_something_and_says_what(
    lacks: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "nodes.face")
    folder, says = weights, {"weights": "no weights", "torch": "torch", "styles": "styles", "package": "safetensors"}
    if lacks == "weights":
        folder = tmp_path
    elif lacks == "torch":
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    elif lacks == "styles":
        own, size = read_weights(weights, FaceSize)
        write_weights(folder := tmp_path, own, size)
    else:
        monkeypatch.delitem(sys.modules, "nodes.face.unils")
        monkeypatch.delitem(sys.modules, "nodes.face.chunks")
        monkeypatch.setitem(sys.modules, "safetensors", None)
    engine = build_engine(FaceConfig(weights=folder))
    assert isinstance(engine, VisemeEngine)
    assert engine.label == "viseme"
    (line,) = caplog.messages
    assert says[lacks] in line
    monkeypatch.undo()


def test_missing_weights_are_found_before_anything_starts(weights: Path, tmp_path: Path) -> None:
    (problem,) = FaceConfig(engine="unils", weights=tmp_path).check()
    assert "no weights of the face" in str(problem)
    assert list(FaceConfig(engine="unils", weights=weights).check()) == []
    assert list(FaceConfig(weights=tmp_path).check()) == []
