"""What hangs on the pump: catalog, hydraulics, and the access path with its limits. Imports no other room."""
