"""Dataflows as files: reading, checking and drawing them. Nothing here runs one."""
