"""Configuration of the face node."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mio.errors import ConfigError, MioError
from mio.paths import share

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Factor = Annotated[float, msgspec.Meta(ge=0.0, le=2.0)]
PerMinute = Annotated[float, msgspec.Meta(ge=1.0, le=60.0)]


class FaceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section ``face`` of the configuration file.

    Attributes:
        engine: ``viseme``: rules from published measurements; ``unils``: a trained network over them; ``auto``:
            ``unils`` where torch and the weights are there, else ``viseme``.
        weights: Folder of the network that ``unils`` runs.
        guidance: How much more the network follows its own voice than it would by itself; 1 for no more.
        temperature: How freely the network chooses.
        eyes: Who leads eyes and lids of ``unils``: ``rules``, which look at the user and blink as people do, or the
            ``network``.
        contacts: Who closes its lips for /m b p/ and brings them to the teeth for /f v/: ``rules``, which know from the
            talker when they have to touch, or the ``network``.
        accents: Whether the ``rules`` add their movements of brows, smile and head, which go with stressed words and
            answer the user's voice, to what it does; or the ``network`` is left alone with them.
        seed: Of everything that is drawn by lot; the same seed and inputs give the same motion.
        lead_s: How far ahead of stage time frames are sent.
        reaction_s: Frames sooner than this after now are not changed any more: the way to the screen takes that long.
        articulation: Factor on the movements of the lips and the jaw while speaking; closures stay complete.
        expressiveness: Factor on emotions, brows and smiles.
        liveliness: Factor on the movements of the head.
        warmth: The smile of the resting face.
        blinks_resting_per_min: Rate of blinks while nobody speaks or the user does; 17 (Bentivoglio et al. 1997).
        blinks_speaking_per_min: Rate of blinks while the avatar speaks; 26 (the same).
        contact_speaking: Share of the time in which the avatar looks at the user while it speaks; 0.41 (Argyle and
            Cook 1976).
        contact_listening: The same while the user speaks; 0.75 (the same).
        follow: How far the gaze goes along with a user whom a camera sees (``UserPlace``); 1 for all the way. A picture
            that looks straight ahead seems to look at whoever sees it, so that less than all is enough.
        viewer_distance_m: How far away the user's eyes, which are the camera, are from the avatar's.
        viewer_below_deg: How far below the avatar's eyes they are; 2.4 for the renderer's framing ``bust``.
    """

    engine: Literal["auto", "viseme", "unils"] = "auto"
    weights: Path = share("weights", "face-laptop")
    guidance: Annotated[float, msgspec.Meta(ge=1.0, le=5.0)] = 1.75
    temperature: Annotated[float, msgspec.Meta(gt=0.0, le=2.0)] = 1.0
    eyes: Literal["rules", "network"] = "rules"
    contacts: Literal["rules", "network"] = "rules"
    accents: Literal["rules", "network"] = "rules"
    seed: int = 1
    lead_s: Annotated[float, msgspec.Meta(ge=0.1, le=2.0)] = 0.3
    reaction_s: Annotated[float, msgspec.Meta(ge=0.0, le=0.5)] = 0.06
    articulation: Factor = 1.0
    expressiveness: Factor = 1.0
    liveliness: Factor = 1.0
    warmth: Share = 0.18
    blinks_resting_per_min: PerMinute = 17.0
    blinks_speaking_per_min: PerMinute = 26.0
    contact_speaking: Share = 0.41
    contact_listening: Share = 0.75
    follow: Share = 0.5
    viewer_distance_m: Annotated[float, msgspec.Meta(ge=0.2, le=20.0)] = 1.8
    viewer_below_deg: Annotated[float, msgspec.Meta(ge=-20.0, le=20.0)] = 2.4

    def check(self) -> Iterable[MioError]:
        """What is missing to move by a network, if it has to: its weights, torch."""
        return self.missing() if self.engine == "unils" else ()

    def missing(self) -> Iterable[MioError]:
        """What is missing to move by a network."""
        if not (self.weights / "weights.safetensors").is_file():
            yield ConfigError(f"no weights of the face in {self.weights}", "train them: mio train face --help")
        if importlib.util.find_spec("torch") is None:
            yield ConfigError("engine unils needs the package torch", "pip install 'mio[unils]'")
