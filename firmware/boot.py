"""Runs first after every reset: nothing yet but the import path; the pump itself starts in main.py."""
