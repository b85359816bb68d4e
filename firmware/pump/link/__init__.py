"""The device's end of the link: others import `server.LinkServer`, `dispatch.Commands`, `telemetry.Telemetry`."""
