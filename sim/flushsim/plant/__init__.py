"""Physics only: stepper, plunger, syringe, line, vein and sensor. Imports faults, and knows no firmware and no rig."""
