"""One person as a glTF file that any viewer opens and moves: skin, hair, Action Units as morph targets."""
