"""Captured and learned motion: its 263 features, kinematics, and the sets that it is read from."""
