"""Measurements of a running or recorded conversation, from outside: processes, sound tracks, pictures."""
