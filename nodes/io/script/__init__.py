"""The script: messages that are written down and played at given times."""
