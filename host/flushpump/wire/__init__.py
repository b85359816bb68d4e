"""Bytes to typed messages and back. Imports only the message table."""
