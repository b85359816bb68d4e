"""In the MicroPython VM: sets up a modelled TMC2209. Arguments: case, settings as JSON. Prints one JSON line."""

import json
import sys

import machine
from hardware.tmc2209 import set_up

case, settings = sys.argv[1], json.loads(sys.argv[2])
chip, wire = machine.chip, machine.wire
answers = 0


def now_and_then(answer):
    """Damages every third answer."""
    global answers
    answers += 1
    return answer if answers % 3 else bytes((answer[0], answer[1], answer[2], answer[3] ^ 0x10)) + answer[4:]


def flipped(place):
    return lambda answer: bytes(byte ^ (0x40 if index == place else 0) for index, byte in enumerate(answer))


if case == "silent":
    chip.silent = True
elif case == "no echo":
    wire.echo = False
elif case == "address":
    chip.address = 0
elif case == "other chip":
    chip.registers[0x06] = 0x30000040
elif case.startswith("flipped"):
    wire.change = flipped(int(case.split()[1]))
elif case == "short":
    wire.change = lambda answer: answer[:5]
elif case == "noisy":
    wire.change = now_and_then
elif case == "lost write":
    wire.lose_writes = 2
elif case == "lost writes":
    wire.lose_writes = 1000
elif case == "deaf":
    chip.deaf_to = 0x10
elif case == "counts wrong":
    original = chip.receive

    def receive(byte):
        answer = original(byte)
        chip.writes += 5 if len(answer) and answer[2] == 2 else 0
        return answer

    chip.receive = receive
elif case == "forgets":
    chip.registers[0x6C] = 0
    original = chip.receive

    def receive(byte):
        chip.registers[0x6C] = 0x10000053
        return original(byte)

    chip.receive = receive
elif case == "wrap":
    chip.writes = 253
fed = [0]


def feed():
    fed[0] += 1


complaint = set_up({"uart_tx": 8, "uart_rx": 9}, settings, feed)
found = {
    "complaint": complaint,
    "registers": {str(register): value for register, value in chip.registers.items()},
    "opened": machine.opened,
    "took_ms": wire.now_ms,
    "exchanges": wire.exchanges,
    "fed": fed[0],
    "writes": chip.writes,
}
print(json.dumps(found))
