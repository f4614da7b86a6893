"""How the voice's networks are trained; no part of speaking."""
