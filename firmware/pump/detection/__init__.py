"""The state of the line from pressure and steps: `detector.Detector` is what others import."""
