"""How an emotion changes the way of speaking: rate, pitch, range, loudness and pauses."""

from typing import NamedTuple

from mio.contracts.emotions import Emotion

# Pauses after punctuation, seconds: short and medium pauses of Campione & Véronis 2002 (A large-scale multilingual
# study of silent pause duration, Speech Prosody), at the lower end, as in conversation.
PAUSES_S = {"": 0.04, ",": 0.18, ";": 0.28, ":": 0.28, ".": 0.42, "!": 0.42, "?": 0.45, "…": 0.55}


class Delivery(NamedTuple):
    """Changes against neutral speech.

    Attributes:
        rate: Factor on words per minute.
        pitch_st: Semitones on the mean pitch.
        pitch_range: Factor on the pitch range.
        volume_db: Decibels on the loudness.
        pauses: Factor on pauses.
    """

    rate: float = 1.0
    pitch_st: float = 0.0
    pitch_range: float = 1.0
    volume_db: float = 0.0
    pauses: float = 1.0

    def scaled(self, amount: float) -> "Delivery":
        """This change by a share, or exaggerated: factors in the exponent, the rest linearly."""
        return Delivery(
            self.rate**amount,
            self.pitch_st * amount,
            self.pitch_range**amount,
            self.volume_db * amount,
            self.pauses**amount,
        )


# At full intensity. Directions after Juslin & Laukka 2003 (Communication of emotions in vocal expression and music
# performance, Psychological Bulletin 129, table 7) for happy, tender, sad, afraid and angry, and Murray & Arnott 1993
# (Toward the simulation of emotion in synthetic speech, JASA 93, table 1) for these and disgusted; surprised as Cahn
# 1990 (The generation of affect in synthesized speech). Curious, amused and thoughtful are weakened relatives of
# surprised, happy and sad. The amounts are this project's: everyday conversation, not acting.
DELIVERIES: dict[Emotion, Delivery] = {
    "neutral": Delivery(),
    "happy": Delivery(rate=1.08, pitch_st=2.0, pitch_range=1.7, volume_db=2.0, pauses=0.9),
    "amused": Delivery(rate=1.05, pitch_st=1.2, pitch_range=1.5, volume_db=1.0, pauses=1.0),
    "tender": Delivery(rate=0.88, pitch_st=-0.6, pitch_range=0.75, volume_db=-3.0, pauses=1.2),
    "curious": Delivery(rate=1.03, pitch_st=1.4, pitch_range=1.5, volume_db=0.5, pauses=1.0),
    "thoughtful": Delivery(rate=0.88, pitch_st=-0.8, pitch_range=0.75, volume_db=-1.5, pauses=1.6),
    "surprised": Delivery(rate=1.08, pitch_st=3.0, pitch_range=1.9, volume_db=2.0, pauses=0.9),
    "sad": Delivery(rate=0.84, pitch_st=-1.6, pitch_range=0.5, volume_db=-3.0, pauses=1.5),
    "afraid": Delivery(rate=1.15, pitch_st=3.0, pitch_range=0.9, volume_db=-1.0, pauses=0.9),
    "angry": Delivery(rate=1.1, pitch_st=1.5, pitch_range=1.7, volume_db=4.0, pauses=0.8),
    "disgusted": Delivery(rate=0.88, pitch_st=-1.5, pitch_range=1.1, volume_db=-0.5, pauses=1.2),
}


def delivery_of(emotion: Emotion, intensity: float, expressiveness: float) -> Delivery:
    """How to say something that is meant in a certain way.

    Args:
        emotion: How it is meant.
        intensity: 0 to 1.
        expressiveness: Of the character; 0 knows no emotion.
    """
    return DELIVERIES[emotion].scaled(intensity * expressiveness)
