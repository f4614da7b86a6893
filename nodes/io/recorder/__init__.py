"""The recorder: the avatar's picture and both voices as an mp4 file, muxed by stage time."""
