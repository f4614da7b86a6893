"""FloodDiffusion: streamed text-to-motion."""
