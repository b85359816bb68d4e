"""Records in the formats of other programs; each module here is one format. Imports records only."""
