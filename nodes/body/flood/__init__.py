"""The engine ``flood``: motion that a network generates from text, latent by latent, ahead of stage time."""
