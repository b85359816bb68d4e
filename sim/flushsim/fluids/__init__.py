"""Which fluid is where in the line, computed after a run from its flow record. Imports plant."""
