"""Campaigns: many cases drawn from a description, run on all cores or on a cluster, and what they say of the pump."""
