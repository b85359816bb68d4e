"""Plots of one run or of a campaign, as SVG, PNG or one HTML page that needs nothing else.

`run` and `campaign` import `shared`, and nothing of each other; cli imports them.
"""
