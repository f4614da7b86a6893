"""The devices: microphone, speaker, camera, screen and recorder, a node each, and what they share."""
