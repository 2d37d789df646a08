"""Our datasets in the layouts of others: one file for each."""
