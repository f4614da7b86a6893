"""The talker's networks."""
