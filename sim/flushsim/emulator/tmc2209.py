"""A TMC2209's UART, as its datasheet has it: datagrams in, registers, answers. Runs in CPython and in MicroPython."""

SYNC = 5
IFCNT, IOIN = 0x02, 0x06
# Those that can be read: GCONF, GSTAT, IFCNT, IOIN, CHOPCONF, DRV_STATUS.
READABLE = (0x00, 0x01, IFCNT, IOIN, 0x6C, 0x6F)
# By MS1 (1) and MS2 (2), which without UART give these microsteps.
ADDRESSES = {8: 0b00, 32: 0b01, 64: 0b10, 16: 0b11}
RESET = {0x00: 0x0000_0101, 0x01: 1, IOIN: 0x2100_0040, 0x10: 0x0008_1F10, 0x6C: 0x1000_0053, 0x6F: 0x8000_0000}


def crc8(data: bytes) -> int:
    """x^8 + x^2 + x + 1; bit by bit, in the way of a shift register."""
    crc = 0
    for byte in data:
        for place in range(8):
            feedback = (crc >> 7 ^ byte >> place) & 1
            crc = crc << 1 & 0xFF
            if feedback:
                crc ^= 0b111
    return crc


class Tmc2209:
    """The driver whose MS1 and MS2 give `address`. `receive` gets each byte on its wire except its own.

    `silent`: it has no supply. `deaf_to`: writes to that register are lost.
    """

    def __init__(self, address: int) -> None:
        self.address = address
        self.silent = False
        self.deaf_to = -1
        self.registers = dict(RESET)
        self.writes = 0
        self._received = bytearray()

    def receive(self, byte: int) -> bytes:
        """The answer if this byte completes a read request, else b""."""
        if self.silent:
            return b""
        received = self._received
        received.append(byte)
        if received[0] & 0xF != SYNC:
            received[:] = b""
            return b""
        if len(received) < 4 or (received[2] & 0x80 and len(received) < 8):
            return b""
        datagram = bytes(received)
        received[:] = b""
        if crc8(datagram[:-1]) != datagram[-1] or datagram[1] != self.address:
            return b""
        if datagram[2] & 0x80:
            self._write(datagram[2] & 0x7F, datagram[3:7])
            return b""
        return self._answer(datagram[2])

    def _write(self, register: int, data: bytes) -> None:
        if register == self.deaf_to:
            return
        self.writes += 1
        self.registers[register] = data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3]

    def _answer(self, register: int) -> bytes:
        value = 0
        if register == IFCNT:
            value = self.writes & 0xFF
        elif register in READABLE:
            value = self.registers.get(register, 0)
        body = bytes((SYNC, 0xFF, register, value >> 24 & 0xFF, value >> 16 & 0xFF, value >> 8 & 0xFF, value & 0xFF))
        return body + bytes((crc8(body),))
