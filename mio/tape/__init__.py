"""Recordings of running dataflows: every message with its header and times, every step of every engine."""
