"""The stages of UniLS (arXiv 2512.09327): codec, generator without voices, encoder of voices, generator with voices.

The encoder of voices is a stage of its own because it replaces a pretrained one: it learns to read the mouth's motion
from sound before the generator listens to it.
"""

from typing import Literal

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from mio.nn.lora import add_updates
from mio.training.trainee import AveragedTrainee, linear_rate
from nodes.face.models import bits as coding
from nodes.face.models.codec import MotionCodec
from nodes.face.models.face import FaceModel
from nodes.face.models.generator import Conditions, Generator, Voices
from nodes.face.models.guess import likeliest, surprise
from nodes.face.models.pretrained import PretrainedEncoder
from nodes.face.models.sizes import LAPTOP, FaceSize
from nodes.face.models.voice import FEATURE_HZ, VoiceEncoder
from nodes.face.training.surface import Surface, mouth_columns
from nodes.face.training.windows import Window, Windows

Stage = Literal["codec", "prior", "voice", "audio"]

_HEAD = slice(100, 103)
_LEAST_STD = 0.02
_DROPOUT = 0.1  # of style, previous motion and each voice (UniLS)
_FEATURES_PER_FRAME = FEATURE_HZ // 25
_VOICE_FRAMES = 75


class StageTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        stage: What is trained.
        size: The networks.
        data: Folder that ``--stage data`` built.
        batch: Chunks per step.
        rate: Highest learning rate.
        warm_up: Steps until it is reached.
        steps: Steps in total; the rate falls to nothing by then.
        ema: What the averaged weights keep of themselves per step.
        alone: Share of faces by themselves in a batch.
        speaking: Share of the others in which the person speaks.
        mistakes: Largest share of flipped bits among those that the generator is shown; 0.3 in the paper, where bits
            are drawn one by one and go wrong more often than those of patterns.
        rank: Of the low-rank updates of the stage ``audio``; 32 in the paper's model, four times as wide.
        pretrained: Whether the stage ``audio`` begins with the prior's weights; False is an ablation.
        low_rank: Whether they are frozen but for low-rank updates; False is an ablation.
        seed: Of everything that is drawn.
    """

    stage: Stage
    size: FaceSize = LAPTOP
    data: str = ""
    batch: int = 32
    rate: float = 1e-3
    warm_up: int = 50
    steps: int = 1_000
    ema: float = 0.995
    alone: float = 0.3
    speaking: float = 0.6
    mistakes: float = 0.15
    rank: int = 16
    pretrained: bool = True
    low_rank: bool = True
    seed: int = 1


class StageTrainee(AveragedTrainee):
    """What the stages share: batches, optimiser, averaged weights."""

    def __init__(self, settings: StageTraining, model: nn.Module, windows: Windows) -> None:
        self.model = model
        self.settings, self._windows = settings, windows
        learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learning, settings.rate, (0.9, 0.99), weight_decay=0.01)
        rate = linear_rate(settings.warm_up, settings.steps)
        super().__init__(model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def _window(self) -> Window:
        settings = self.settings
        return self._windows.draw(settings.batch, self._rng, alone=settings.alone, speaking=settings.speaking)


class CodecTrainee(StageTrainee):
    """Learns to say motion in bits."""

    def __init__(self, settings: StageTraining, windows: Windows, surface: Surface) -> None:
        torch.manual_seed(settings.seed)
        model = MotionCodec(settings.size.codec)
        mean, std = statistics(windows.motion)
        model.mean.copy_(mean)
        model.std.copy_(std)
        self._surface = surface
        super().__init__(settings, model, windows)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of chunks."""
        frames = self.settings.size.codec.frames
        chunks = self._windows.chunks(self.settings.batch, frames, self._rng)
        return codec_losses(self.model, chunks, self._surface)


class PriorTrainee(StageTrainee):
    """Learns what a face does by itself."""

    def __init__(self, settings: StageTraining, windows: Windows, codec: MotionCodec) -> None:
        torch.manual_seed(settings.seed)
        size = without_voices(settings.size)
        self._codec = codec.eval().requires_grad_(False)
        super().__init__(settings, Generator(size).train(), windows)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of windows."""
        window = self._window()
        return generator_losses(self._codec, self.model, window, None, self._rng, mistakes=self.settings.mistakes)


class VoiceTrainee(StageTrainee):
    """Learns to read the mouth from the voice."""

    def __init__(self, settings: StageTraining, windows: Windows) -> None:
        torch.manual_seed(settings.seed)
        reader = VoiceReader(settings.size)
        self._mean, self._std = statistics(windows.motion)
        super().__init__(settings, reader, windows)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of windows."""
        window = self._windows.draw(self.settings.batch, self._rng)
        before = self.settings.size.generator.audio_before
        mouth = mouth_columns(self.settings.size.basis)
        motion = torch.cat((window.previous[:, -before:], window.chunk), 1)[..., mouth]
        wanted = (motion - self._mean[mouth]) / self._std[mouth].clamp(min=_LEAST_STD)
        made = self.model(*window.own)
        error = (made - wanted).square() * window.own.known[:, ::4, None]
        return {"loss": error.mean(), "explained": 1 - error.mean() / wanted.square().mean()}


class AudioTrainee(StageTrainee):
    """Learns to listen: both voices' attentions in full, the rest by low-rank updates."""

    def __init__(
        self,
        settings: StageTraining,
        windows: Windows,
        codec: MotionCodec,
        prior: Generator | None,
        encoder: VoiceEncoder | PretrainedEncoder,
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            windows: To learn from, with sounds for a pretrained encoder.
            codec: Of the run.
            prior: Of the run; None to begin from nothing.
            encoder: Of voices, of the run or pretrained; frozen.
        """
        torch.manual_seed(settings.seed)
        model = FaceModel(settings.size)
        model.codec.load_state_dict(codec.state_dict())
        self._encoder = encoder if isinstance(encoder, PretrainedEncoder) else None
        if model.voice is not None:
            model.voice.load_state_dict(encoder.state_dict())
        if prior is not None:
            model.generator.load_state_dict(prior.state_dict(), strict=False)
        prepare(model, settings.rank if settings.low_rank and prior is not None else 0)
        super().__init__(settings, model.train(), windows)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of windows."""
        model, window = self.model, self._window()
        assert isinstance(model, FaceModel)
        model.codec.eval()
        with torch.no_grad():
            heard = model.hear(window.own, window.other, self._encoder)
        voices = Voices(*(track * self._kept(len(track)) for track in heard))
        return generator_losses(
            model.codec, model.generator, window, voices, self._rng, mistakes=self.settings.mistakes
        )

    def _kept(self, count: int) -> Tensor:
        return torch.from_numpy((self._rng.random((count, 1, 1)) >= _DROPOUT).astype(np.float32))


class VoiceReader(nn.Module):
    """The encoder and what reads the mouth from its features."""

    def __init__(self, size: FaceSize) -> None:
        super().__init__()
        self.encoder = VoiceEncoder(size.voice)
        self.exit = nn.Linear(size.voice.width, len(mouth_columns(size.basis)))

    def forward(self, mel: Tensor, known: Tensor) -> Tensor:
        """``[B, n, mouth]`` of ``[B, 4 n, 40]`` log-mel."""
        features = self.encoder(mel, known).unflatten(1, (-1, _FEATURES_PER_FRAME))
        return self.exit(features.mean(2))


def without_voices(size: FaceSize) -> FaceSize:
    """The size of the stage that hears nothing."""
    return msgspec.structs.replace(size, generator=msgspec.structs.replace(size.generator, audio_width=0))


def prepare(model: FaceModel, rank: int) -> None:
    """Freeze what is not to be learned in the last stage.

    Args:
        model: With weights of the stages before.
        rank: Of the low-rank updates; 0 to learn all of the generator.
    """
    model.codec.requires_grad_(False)
    if model.voice is not None:
        model.voice.requires_grad_(False)
    if not rank:
        return
    model.generator.requires_grad_(False)
    own = model.generator
    ends = [own.embed, own.exit, *([own.patterns] if own.patterns is not None else [])]
    add_updates([*ends, *(layer for block in own.blocks for layer in _tuned(block))], rank, rank)
    for block in own.blocks:
        block.get_submodule("voices").requires_grad_(True)
    own.voice_marks.requires_grad_(True)


def _tuned(block: nn.Module) -> list[nn.Module]:
    return [*block.get_submodule("attention").modules(), *block.get_submodule("feedforward").modules()]


def statistics(motion: Tensor) -> tuple[Tensor, Tensor]:
    """``[108]`` mean and standard deviation; columns that hardly move get a least one, those that never do none."""
    mean, std = motion.mean(0), motion.std(0)
    moving = std > 1e-6
    return torch.where(moving, mean, 0.0), torch.where(moving, std.clamp(min=_LEAST_STD), 0.0)


def codec_losses(model: nn.Module, motion: Tensor, surface: Surface) -> dict[str, Tensor]:
    """Losses of ``[B, T, 108]`` motion; ``loss`` is what is minimised.

    Weights are UniLS's, but that of the lips: theirs is 0.1 of vertices of a real scan's size, here they carry speech.
    Theirs has no ``rare`` either, the squared error of what moves the skin in units of its spread: without it brows,
    which rarely rise and move little skin, come back half as high.
    """
    assert isinstance(model, MotionCodec)
    made, quantised = model(motion)
    std = model.std.clamp(min=_LEAST_STD)
    error = (made - motion) / std
    pose = error[..., surface.pose].abs().mean()
    speed = error[..., 1:, _HEAD] - error[..., :-1, _HEAD]
    smooth = (made[:, 2:, _HEAD] - 2 * made[:, 1:-1, _HEAD] + made[:, :-2, _HEAD]) / std[_HEAD]
    off = (made - motion)[..., surface.columns]
    skin_mm2, lips_mm2 = ((off @ gram * off).sum(-1).mean() for gram in (surface.skin, surface.lips))
    loss = quantised + error.abs().mean() + 8 * pose + 5 * speed.square().mean() + 0.5 * smooth.square().mean()
    rare = error[..., surface.columns].square().mean()
    loss = loss + 2 * skin_mm2 + lips_mm2 + 2 * rare
    return {"loss": loss, "bits": quantised, "skin_mm2": skin_mm2, "lips_mm2": lips_mm2, "pose": pose, "rare": rare}


def generator_losses(
    codec: MotionCodec,
    model: nn.Module,
    window: Window,
    voices: Voices | None,
    rng: np.random.Generator,
    *,
    mistakes: float,
) -> dict[str, Tensor]:
    """Cross entropy of the bits, of which a share up to ``mistakes`` is shown wrong; and the share of right guesses."""
    assert isinstance(model, Generator)
    scales = codec.size.scales
    dice = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    with torch.no_grad():
        right, shown = coding.flipped(codec.features(window.chunk), scales, mistakes, dice)
        style, previous = (
            codec.condition(motion * torch.from_numpy((rng.random((len(motion), 1, 1)) >= _DROPOUT).astype(np.float32)))
            for motion in (window.style, window.previous)
        )
    guess = model(coding.next_inputs(shown, scales), Conditions(style, previous, voices))
    return {"loss": surprise(guess, right), "right": (likeliest(guess) == right).float().mean()}
