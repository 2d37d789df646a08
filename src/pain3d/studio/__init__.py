"""A page in the browser: a head to move, the renderer's picture beside it, and what ViTPain reads there."""
