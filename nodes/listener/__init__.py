"""The listener: voice activity, end of turn, speech to text, and whose turn it is."""
