"""The plots and the page of a campaign, from its statistics."""
