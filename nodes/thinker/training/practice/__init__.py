"""A tiny world in which self-training can be watched: all of it is made here, and the truth of each turn is known."""
