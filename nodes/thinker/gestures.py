"""Gestures as descriptions, for bodies that move from text."""

from mio.contracts.emotions import Gesture

DESCRIPTIONS: dict[Gesture, str] = {
    "none": "a person stands relaxed",
    "beat": "a person talks and moves a hand in time with the words",
    "greet": "a person waves with the right hand",
    "explain": "a person opens both hands and explains something",
    "point": "a person points to the side with the right hand",
    "shrug": "a person shrugs with both shoulders",
    "nod": "a person nods",
    "think": "a person thinks with one hand at the chin",
    "no": "a person shakes the head",
    "bow": "a person bows slightly",
    "listen": "a person leans forward and listens",
}
"""What each gesture looks like, in the style of the HumanML3D captions that text-to-motion models are trained on."""
