"""The tiny dataset of the learning half, for the tests of this folder."""

from learning import learning_dataset  # noqa: F401
