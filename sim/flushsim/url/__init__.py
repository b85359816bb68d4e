"""`flushsim://` URLs and the pyserial port behind them. Imports rig, emulator and plant; cli and scenario import it."""
