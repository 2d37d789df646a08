"""Stage 2: what the face looks like."""
