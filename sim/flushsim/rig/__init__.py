"""One clock for plant, firmware and link, with faults, operator and trace. Imports faults, firmware and plant."""
