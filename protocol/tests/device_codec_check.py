"""Holds the device's codec against golden_frames.json; runs in CPython and in the MicroPython VM alike.

In the VM the heap is locked while frames are sealed, unsealed and taken apart: an allocation would raise
MemoryError. Usage: micropython device_codec_check.py PROTOCOL_FOLDER
"""

import json
import sys

FLIP = 0x55


def _heap_lock():
    try:
        import micropython

        micropython.heap_lock()
    except (ImportError, AttributeError):
        return


def _heap_unlock():
    try:
        import micropython

        micropython.heap_unlock()
    except (ImportError, AttributeError):
        return


def check_heap_lock():
    """In the VM: that an allocation under the lock is noticed at all."""
    size = len(sys.path) + 100
    _heap_lock()
    try:
        bytearray(size)
        noticed = False
    except MemoryError:
        noticed = True
    _heap_unlock()
    assert noticed


def _bytes(text):
    return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))


def check_frame(entry, fields):
    """Raises AssertionError with the frame's name when the device's codec makes something else of it."""
    from flushlink import frames, messages

    name = entry["name"]
    on_wire = _bytes(entry["wire"])
    payload = _bytes(entry.get("payload", ""))
    plain = bytearray(messages.HEADER_SIZE + messages.PAYLOAD_MAX + messages.CRC_SIZE)
    target = bytearray(messages.FRAME_MAX + 3)
    buffer = bytearray(messages.FRAME_MAX + 3)
    damaged = bytearray(messages.FRAME_MAX + 3)
    count = len(on_wire) - 1
    for index in range(count):
        buffer[index] = on_wire[index]
        damaged[index] = on_wire[index]
    damaged[count // 2] ^= FLIP
    offsets = frames.offsets(fields)
    integers = [field[0] for field in fields if field[1][0] != "b"]
    places = [offsets[field] for field in integers]
    kinds = [{"u8": 1, "u16": 2, "u32": 4, "i32": 5}[field[1]] for field in fields if field[1][0] != "b"]
    wanted = [entry["fields"][field] for field in integers] if integers else []
    read = [0] * len(integers)
    for field in fields:
        if field[1][0] == "b":
            value = _bytes(entry["fields"][field[0]])
            for index in range(len(value)):
                plain[offsets[field[0]] + index] = value[index]
    for index in range(len(payload)):
        plain[messages.HEADER_SIZE + index] = payload[index]
    size = offsets[""] or len(payload)
    version, kind, message = messages.VERSION, entry["kind"], entry["message"]
    session, sequence, status = entry["session"], entry["sequence"], entry["status"]
    unseal, seal = frames.unseal, frames.seal
    get_u16, get_u32, get_i32 = frames.get_u16, frames.get_u32, frames.get_i32
    put_u16, put_u32 = frames.put_u16, frames.put_u32

    _heap_lock()
    length = unseal(buffer, count)
    damage = unseal(damaged, count)
    for index in range(len(kinds)):
        at = places[index]
        if kinds[index] == 1:
            read[index] = buffer[at]
            plain[at] = wanted[index]
        elif kinds[index] == 2:
            read[index] = get_u16(buffer, at)
            put_u16(plain, at, wanted[index])
        elif kinds[index] == 4:
            read[index] = get_u32(buffer, at)
            put_u32(plain, at, wanted[index])
        else:
            read[index] = get_i32(buffer, at)
            put_u32(plain, at, wanted[index])
    plain[frames.AT_VERSION] = version
    plain[frames.AT_KIND] = kind
    plain[frames.AT_MESSAGE] = message
    put_u16(plain, frames.AT_SESSION, session)
    put_u16(plain, frames.AT_SEQUENCE, sequence)
    plain[frames.AT_STATUS] = status
    written = seal(plain, size, target)
    _heap_unlock()

    assert length == size, name
    assert damage == -1, name
    assert read == wanted, name
    assert bytes(target[:written]) == on_wire, name
    assert bytes(buffer[: messages.HEADER_SIZE + size]) == bytes(plain[: messages.HEADER_SIZE + size]), name


def check_all(golden):
    """Checks every frame of the parsed golden_frames.json; returns how many there are."""
    from flushlink import messages
    from flushlink.table_hash import table_hash

    assert table_hash() == _bytes(golden["table_hash"]), "the table has changed: make the golden frames anew"
    fields = {}
    for number, _, _, request, response, _ in messages.MESSAGES:
        fields[messages.KIND_REQUEST, number] = request
        fields[messages.KIND_RESPONSE, number] = response
    for number, _, event, _ in messages.EVENTS:
        fields[messages.KIND_EVENT, number] = event
    for entry in golden["frames"]:
        check_frame(entry, fields[entry["kind"], entry["message"]] if "fields" in entry else ())
    return len(golden["frames"])


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    check_heap_lock()
    with open(sys.argv[1] + "/golden_frames.json") as file:
        print("frames checked:", check_all(json.load(file)))
