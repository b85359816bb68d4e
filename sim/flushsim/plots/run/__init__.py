"""The plot and the page of one run."""
