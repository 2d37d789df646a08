"""The dataset page: every frame of a dataset in a browser, from disk, with filters, heatmaps, balance and audit."""
