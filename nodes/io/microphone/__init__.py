"""The microphone: the user's voice as 16 kHz mono without gaps."""
