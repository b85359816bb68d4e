"""Pictures of what happened: one run, or a campaign of many, as SVG, PNG or one HTML page that needs nothing else."""
