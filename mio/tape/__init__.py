"""Recordings of running dataflows: every message with its header and times, and every step of every engine, in one file."""
