"""Trains FloodDiffusion: motion sets, the autoencoder, the denoiser."""
