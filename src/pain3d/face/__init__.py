"""Stages 1 and 3: who the face is, and how it moves."""
