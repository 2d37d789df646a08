"""Skins sampled by a latent diffusion model over the face's part of the atlas. Only asked-for parts import torch."""
