"""The speaker: plays the avatar's voice and owns the stage clock."""
