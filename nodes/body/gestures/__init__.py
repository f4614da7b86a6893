"""Gestures: phrases of movements in preparation, stroke, hold and retraction."""
