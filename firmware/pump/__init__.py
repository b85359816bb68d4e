"""The controller: motion, pressure, detection, ledger, alarms and link, on integers and the ports it is given.

Nothing here imports machine, rp2 or time. While the pump moves nothing here allocates, and no integer
leaves the 31 bits of a small one (the board has 32-bit words); what is set up before may do both.
"""
