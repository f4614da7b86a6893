"""Trains the voice in stages, each of which goes on where it was stopped.

``data``: the speech set, decoded. ``labels``: when each phone of its texts is spoken. ``teacher``: a phone recogniser,
which says what semantic codes are to mean. ``sound``: encoder and decoder of the codec without quantisers. ``codec``:
all of it. ``adversarial``: its decoder alone, against discriminators. ``export``: the averaged weights as a folder that
``mio codec`` reads. ``tokens``: the set as codes. ``tts``: the language model that speaks them. ``export-tts``: its
averaged weights as a folder that the engine ``kodama`` reads. ``judge``: the acoustic model that ``mio bench tts``
hears words with, behind ``data`` and ``labels``. With ``--codec`` the stages ``codec``,
``tokens`` and ``adversarial`` go on from such a folder; of those before them ``data`` and ``labels`` are needed. With
``--language-model`` the stage ``tts`` goes on from one.
"""

import argparse
from pathlib import Path

import msgspec
import torch
from rich.console import Console

from mio.errors import ConfigError, MioError
from mio.training.command import Figures, add_run_arguments, learn
from mio.training.loop import Plan, Trainee
from mio.training.run_folder import RunFolder
from mio.training.settings import with_settings
from mio.training.trainee import read_averaged
from nodes.talker.models.codec.codec import VoiceCodec, read_learning_codec, write_codec
from nodes.talker.models.codec.pretrained import PretrainedTeacher, read_teacher
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import SIZES, CodecSize
from nodes.talker.models.codec.tokenizer import Tokenizer
from nodes.talker.models.lm.lm import VoiceLm
from nodes.talker.models.lm.shipped import read_learning_lm, write_lm
from nodes.talker.models.lm.sizes import LM_SIZES, OTHER
from nodes.talker.training.adversarial import AdversarialTrainee
from nodes.talker.training.codec import CodecTrainee, CodecTraining, SoundTrainee
from nodes.talker.training.crops import Crops
from nodes.talker.training.judge import JudgeTrainee, JudgeTraining, classes_heard, trained_judge
from nodes.talker.training.labels import align, read_labels
from nodes.talker.training.phones import PhoneTraining, TeacherTrainee, recognised
from nodes.talker.training.speech_set import SpeechSet, build_speech, read_speech
from nodes.talker.training.tokens import Tokens, build_tokens, read_tokens
from nodes.talker.training.tts import TtsTrainee, TtsTraining, judged

_STAGES = (
    "data",
    "labels",
    "teacher",
    "sound",
    "codec",
    "adversarial",
    "export",
    "tokens",
    "tts",
    "export-tts",
    "judge",
)
_SHOWN = (
    "loss",
    "mel",
    "pitch",
    "said_st",
    "right",
    "phones",
    "used",
    "judged",
    "deceived",
    "advance",
    "semantic",
    "acoustic",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--stage", choices=_STAGES, required=True, help="what to do; in this order")
    parser.add_argument("--data", type=Path, help="folder of speech: LJSpeech, LibriTTS, Common Voice ... (stage data)")
    parser.add_argument("--language", default="en", help="of speech that does not say it: en or de (en; stage data)")
    add_run_arguments(parser, Path("out/train/voice"))
    parser.add_argument("--size", choices=SIZES, default="laptop", help="size of the networks (laptop)")
    parser.add_argument("--to", type=Path, help="folder of an export (weights/voice-codec, weights/voice-tts)")
    parser.add_argument("--codec", type=Path, help="a codec to go on from (stages codec, tokens, adversarial, export)")
    parser.add_argument("--teacher", type=Path, help="folder of w2v-BERT 2.0, for a codec that hears with it")
    parser.add_argument("--language-model", type=Path, help="one to go on from, of any speakers (stage tts)")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (1)")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run one stage; the same command goes on where it was stopped."""
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high")  # TF32 on a GPU that has it
    stages = {
        "data": _build,
        "labels": _label,
        "teacher": _train_teacher,
        "sound": _train_sound,
        "codec": _train_codec,
        "adversarial": _train_adversarial,
        "export": _export,
        "tokens": _tokenise,
        "tts": _train_tts,
        "export-tts": _export_tts,
        "judge": _train_judge,
    }
    stages[args.stage](args, console)
    return 0


def _build(args: argparse.Namespace, console: Console) -> None:
    if args.data is None:
        raise MioError("no speech to build from", "name the data folder with --data DIR")
    build_speech(args.data, args.out / "data", console.print, args.language)
    speakers = read_speech(args.out / "data").main_speakers()
    console.print(f"speakers with ten minutes or more, or most: {', '.join(speakers)}")


def _label(args: argparse.Namespace, console: Console) -> None:
    aligned, every = align(read_speech(args.out / "data"), args.out / "data", console.print)
    console.print(f"{aligned} of {every} utterances aligned")


def _train_teacher(args: argparse.Namespace, console: Console) -> None:
    settings, speech = _phone_settings(args), read_speech(args.out / "data")
    labels = read_labels(args.out / "data")
    _learn(args, console, settings, TeacherTrainee(settings, speech, labels, args.device))
    right = recognised(trained_recogniser(args.out / "teacher"), speech, labels, "val")
    console.print(f"phones heard as labelled, split val: {right:.1%} of the frames")


def _train_sound(args: argparse.Namespace, console: Console) -> None:
    settings = _settings(args)
    _learn(args, console, settings, SoundTrainee(settings, _crops(args, settings), None, args.device))


def _train_codec(args: argparse.Namespace, console: Console) -> None:
    settings = _settings(args)
    if args.codec is None:
        torch.manual_seed(settings.seed)
        model = begun_tokenizer(args.out / "sound", settings.size)
        teacher = _teacher(args, settings.size)
    else:
        codec = read_learning_codec(args.codec, args.teacher)
        model, teacher = codec.tokenizer, codec.teacher
        settings = msgspec.structs.replace(settings, size=codec.size)
    trainee = CodecTrainee(settings, _crops(args, settings), teacher, model, args.device)
    _learn(args, console, settings, trainee)


def _train_adversarial(args: argparse.Namespace, console: Console) -> None:
    settings = _settings(args)
    codec = _codec_before(args)
    model = codec.tokenizer if codec.size.noise else codec.tokenizer.with_noise()
    settings = msgspec.structs.replace(settings, size=model.size)
    trainee = AdversarialTrainee(settings, _crops(args, settings), codec.teacher, model, args.device)
    _learn(args, console, settings, trainee)


def _export(args: argparse.Namespace, console: Console) -> None:
    """Write the averaged networks: the decoder of the stage ``adversarial`` if there is one."""
    codec, last = _codec_before(args), args.codec or args.out / "codec"
    if (args.out / "adversarial").is_dir():
        last = args.out / "adversarial"
        codec.tokenizer = trained_tokenizer(last)
        codec.size = codec.tokenizer.size
    to = args.to or Path("weights/voice-codec")
    write_codec(to, codec)
    console.print(f"written: {to}, from {last}")


def _tokenise(args: argparse.Namespace, console: Console) -> None:
    speech, aligned = read_speech(args.out / "data"), read_labels(args.out / "data")
    codec = _codec_before(args)
    count = build_tokens(codec, speech, aligned, args.out / "tokens", voices_of(speech), console.print)
    console.print(f"{count} sentences as codes, each speed counted")


def _train_tts(args: argparse.Namespace, console: Console) -> None:
    tokens, aligned = read_tokens(args.out / "tokens"), read_labels(args.out / "data")
    voices = voices_of(read_speech(args.out / "data"))
    speakers, model = (*voices, OTHER), None
    size = msgspec.structs.replace(LM_SIZES[args.size], entry_width=tokens.entries.shape[2], speakers=speakers)
    if args.language_model is not None:
        model = read_learning_lm(args.language_model, speakers, tokens.entries)
        size = model.size
    settings = with_settings(TtsTraining(size=size, data=str(args.out / "tokens"), voices=voices), args.set)
    _learn(args, console, settings, TtsTrainee(settings, tokens, aligned, model, args.device))
    figures = judged(trained_lm(args.out / "tts", tokens), tokens, aligned, settings.voices, "val")
    console.print("nats, split val: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def _export_tts(args: argparse.Namespace, console: Console) -> None:
    to = args.to or Path("weights/voice-tts")
    write_lm(to, trained_lm(args.out / "tts", read_tokens(args.out / "tokens")))
    console.print(f"written: {to}, from {args.out / 'tts'}")


def _train_judge(args: argparse.Namespace, console: Console) -> None:
    settings = with_settings(JudgeTraining("judge", str(args.out / "data")), args.set)
    speech, aligned = read_speech(args.out / "data"), read_labels(args.out / "data")
    _learn(args, console, settings, JudgeTrainee(settings, speech, aligned, args.device))
    for speaker, share in classes_heard(trained_judge(args.out / "judge"), speech, aligned, "val").items():
        console.print(f"halves of phones heard as labelled, split val, {speaker}: {share:.1%} of the time")


def voices_of(speech: SpeechSet) -> tuple[str, ...]:
    """Speakers that a set is learned for: those of this project if it has them, or those with most speech."""
    known = TtsTraining().voices
    return known if any(utterance.speaker in known for utterance in speech.utterances) else speech.main_speakers()


def _trained_codec(args: argparse.Namespace) -> VoiceCodec:
    """The averaged codec of a run's stages ``teacher`` and ``codec``."""
    tokenizer = trained_tokenizer(args.out / "codec")
    codec = VoiceCodec(tokenizer.size)
    codec.tokenizer, codec.teacher = tokenizer, _teacher(args, tokenizer.size)
    return codec.eval().requires_grad_(False)


def _teacher(args: argparse.Namespace, size: CodecSize) -> PhoneRecogniser | PretrainedTeacher | None:
    """Who teaches semantic codes: what the stage ``teacher`` has learned, or the one that is named."""
    if not size.semantic:
        return None
    return trained_recogniser(args.out / "teacher") if size.teacher == "phones" else read_teacher(args.teacher, size)


def _codec_before(args: argparse.Namespace) -> VoiceCodec:
    """What the run's stage ``codec`` has learned, on from the codec that is named, or that one itself."""
    if args.codec is None:
        return _trained_codec(args)
    codec = read_learning_codec(args.codec, args.teacher)
    if (args.out / "codec").is_dir():
        codec.tokenizer = trained_tokenizer(args.out / "codec")
    return codec.eval().requires_grad_(False)


def trained_lm(folder: Path, tokens: Tokens) -> VoiceLm:
    """The averaged language model of a run."""
    settings, weights = read_averaged(folder, TtsTraining)
    model = VoiceLm(settings.size, tokens.entries)
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def trained_tokenizer(folder: Path) -> Tokenizer:
    """The averaged tokenizer of a run."""
    settings, weights = read_averaged(folder, CodecTraining)
    model = Tokenizer(settings.size)
    model.load_state_dict(weights)
    return model


def begun_tokenizer(folder: Path, size: CodecSize) -> Tokenizer:
    """A tokenizer with the acoustic encoder and the decoder of a run's stage ``sound``, which knows no other parts.

    Raises:
        ConfigError: If those are of another size.
    """
    sound = trained_tokenizer(folder)
    if msgspec.structs.replace(sound.size, semantic=size.semantic, bands=size.bands) != size:
        raise ConfigError(f"{folder}: encoder and decoder are of another size", "set the same in both stages")
    model = Tokenizer(size)
    model.acoustic.load_state_dict(sound.acoustic.state_dict())
    model.voice.load_state_dict(sound.voice.state_dict())
    return model


def trained_recogniser(folder: Path) -> PhoneRecogniser:
    """The averaged recogniser of a run."""
    settings, weights = read_averaged(folder, PhoneTraining)
    model = PhoneRecogniser(settings.size)
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def _phone_settings(args: argparse.Namespace) -> PhoneTraining:
    return with_settings(PhoneTraining(args.stage, SIZES[args.size], str(args.out / "data")), args.set)


def _settings(args: argparse.Namespace) -> CodecTraining:
    voices = voices_of(read_speech(args.out / "data"))
    settings = CodecTraining(args.stage, SIZES[args.size], str(args.out / "data"), voices)
    if args.stage == "adversarial":  # its judges cost more than the codec
        settings = msgspec.structs.replace(settings, batch=4, frames=8, rate=2e-4)
    return with_settings(settings, args.set)


def _crops(args: argparse.Namespace, settings: CodecTraining) -> Crops:
    return Crops(read_speech(args.out / "data"), "train", settings.voices, settings.others)


def _learn(
    args: argparse.Namespace,
    console: Console,
    settings: CodecTraining | PhoneTraining | TtsTraining | JudgeTraining,
    trainee: Trainee,
) -> None:
    plan = Plan(settings.steps, settings.seed, device=args.device)
    figures = Figures(args.stage, _SHOWN)
    learn(trainee, RunFolder(args.out / args.stage, settings), plan, figures, console, args.plot)
