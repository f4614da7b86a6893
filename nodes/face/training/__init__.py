"""Trainings of the face: data, codec, generator without and with voices."""
