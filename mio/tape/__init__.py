"""Recordings of running dataflows: written, read, replayed, compared, traced, viewed."""
