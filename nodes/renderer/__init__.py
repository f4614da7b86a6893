"""Draws the avatar from face and body motion."""
