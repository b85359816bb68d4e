"""Replaces `machine` in the MicroPython VM on a PC, whose own one would reach into the PC's memory."""


class Registers:
    def __init__(self):
        self.values = {}

    def __getitem__(self, address):
        return self.values.get(address, 0)

    def __setitem__(self, address, value):
        self.values[address] = value


mem32 = Registers()
