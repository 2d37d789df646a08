"""What a subject wears in the clinic, as geometry that fits its own head: glasses, an oxygen cannula, a gown."""
