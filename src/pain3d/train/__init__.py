"""Training: frames in, a run folder out."""
