"""The node that moves the body: SMPL motion at 20 frames per second, all the time."""
