"""Campaigns: many scenarios drawn from a config, run on all cores or a cluster, and their statistics.

Imports scenario and the rooms below it; plots and cli import it.
"""
