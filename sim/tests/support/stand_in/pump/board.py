"""Board data as they come."""


class Board:
    def __init__(self, data):
        self.ticks_per_us = data["clock"]["ticks_per_us"]
