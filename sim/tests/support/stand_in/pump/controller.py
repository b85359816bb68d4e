"""One-letter commands.

g go, h halt, q halt at once, e echo state, a allocate, x raise, n log, w scratch, r reset, s service, p print.
"""

HALF_TICKS = 125 * 50  # 100 us a step
FLUSH = 10_000


class Controller:
    def __init__(self, board, link, steps, counter, pressure, indicators, journal, identity):
        self.link = link
        self.steps = steps
        self.counter = counter
        self.pressure = pressure
        self.indicators = indicators
        self.journal = journal
        self.identity = identity
        self.moving = False
        self.request = 0
        self._go = False
        self._rx = bytearray(64)
        self._tx = bytearray(32)
        self._entry = bytearray(16)
        self._reading = 0
        self._kept = bytearray(4)
        if journal.load(1, self._kept) == 0:
            self._kept[0] = identity.reset_cause
            journal.save(1, self._kept, 4)

    def tick(self, now_us):
        self._reading = self.pressure.read()
        inputs = self.indicators.inputs()
        if inputs & 1:
            self._go = False
            self.steps.stop()
        for index in range(self.link.readinto(self._rx)):
            self._command(self._rx[index], now_us)
        if self._go:
            self.steps.enable(True)
            while self.steps.queued_us() < FLUSH and self.steps.queue(HALF_TICKS, 25, 1):
                pass
        self.moving = self.steps.queued_us() > 0
        self.indicators.show(4 if self.moving else 3, 0)

    def _command(self, letter, now_us):
        if letter == 103:
            self._go = True
        elif letter == 104:
            self._go = False
        elif letter == 113:
            self._go = False
            self.steps.stop()
        elif letter == 101:
            self._echo(now_us)
        elif letter == 97:
            self._kept = bytearray(100)
        elif letter == 120:
            raise ValueError("the letter x")
        elif letter == 110:
            self._entry[0] = self.journal.newest() + 1 & 0xFF
            self.journal.append(self._entry, 16)
            self.journal.scratch_write(3, self.journal.entry(1, self._entry) * 256 + self._entry[0])
        elif letter == 119:
            self.journal.scratch_write(0, 0x2345678)
        elif letter == 114:
            self.request = 2
        elif letter == 115:
            self.request = 1
        elif letter == 112:
            print("a word too much")

    def _echo(self, now_us):
        tx = self._tx
        self.identity.entropy(tx)
        self._put(0, now_us)
        self._put(4, self.counter.position())
        self._put(8, self._reading)
        self._put(12, self.journal.scratch_read(0))
        self._put(16, self.journal.scratch_read(3))
        tx[20] = self.identity.reset_cause
        tx[21] = self.indicators.inputs()
        tx[22] = self.journal.load(1, self._entry) & 0xFF
        tx[23] = self._entry[0]
        self.link.write(tx, 32)

    def _put(self, at, value):
        for index in range(4):
            self._tx[at + index] = value >> 8 * index & 0xFF
