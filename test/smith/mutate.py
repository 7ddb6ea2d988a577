# SPDX-License-Identifier: Apache-2.0
"""mutate.py: make one wrong byte, or a few, in a valid module.

Two engines must then agree on whether it is still valid. Most edits are made inside a section or a body whose sizes
are put right again, so that they reach the rules of typing instead of ending at the first check of a length.
"""

from wrap import Reader, leb

OPCODES = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1F, 0x20, 0x21, 0x22, 0x23,
    0x24, 0x25, 0x26, 0x28, 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xFB,
    0xFC, 0xFD, 0xFE,
]
TYPES = [
    0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x78, 0x77, 0x74, 0x73, 0x72, 0x71, 0x70, 0x6F, 0x6E, 0x6D, 0x6C,
    0x6B, 0x6A, 0x69, 0x68, 0x65, 0x64, 0x63, 0x62, 0x60, 0x5F, 0x5E, 0x50, 0x4F, 0x4E, 0x40,
]


def replace_byte(rng, data, at):
    way = rng.randrange(6)
    if way == 0:
        data[at] = rng.randrange(256)
    elif way == 1:
        data[at] = (data[at] + rng.choice([-2, -1, 1, 2])) & 255
    elif way == 2:
        data[at] = rng.choice(OPCODES)
    elif way == 3:
        data[at] = rng.choice(TYPES)
    elif way == 4:
        data[at] ^= 1 << rng.randrange(8)
    else:
        data[at:at + 1] = bytes([data[at] | 0x80, rng.choice([0, 0, 0x7F, 1, 0x80])])


def edit(rng, data):
    """One or a few small edits anywhere in `data`."""
    for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
        if not data:
            return
        at = rng.randrange(len(data))
        way = rng.random()
        if way < 0.7:
            replace_byte(rng, data, at)
        elif way < 0.8:
            data[at:at] = bytes(rng.choice(OPCODES + TYPES) for _ in range(rng.randint(1, 3)))
        elif way < 0.9:
            del data[at:at + rng.randint(1, 3)]
        else:
            end = at + rng.randint(1, 12)
            to = rng.randrange(len(data))
            data[to:to] = data[at:end]


def split(binary):
    """[[id, payload]...]"""
    sections = []
    reader = Reader(binary, 8)
    while reader.at < len(binary):
        kind = reader.byte()
        sections.append([kind, reader.take(reader.leb())])
    return sections


def join(head, sections):
    return bytes(head) + b"".join(bytes([kind]) + leb(len(payload)) + bytes(payload) for kind, payload in sections)


def edit_code(rng, payload, bodies_of_others):
    reader = Reader(payload)
    bodies = [bytearray(reader.take(reader.leb())) for _ in range(reader.leb())]
    if not bodies:
        return payload
    at = rng.randrange(len(bodies))
    if bodies_of_others and rng.random() < 0.05:
        bodies[at] = bytearray(rng.choice(bodies_of_others))
    else:
        edit(rng, bodies[at])
    bodies_of_others[rng.randrange(40):][:1] = [bytes(bodies[at])]
    return leb(len(bodies)) + b"".join(leb(len(body)) + bytes(body) for body in bodies)


def edit_order(rng, sections):
    a, b = rng.randrange(len(sections)), rng.randrange(len(sections))
    way = rng.randrange(3)
    if way == 0:
        sections[a], sections[b] = sections[b], sections[a]
    elif way == 1:
        sections.insert(a, list(sections[b]))
    else:
        del sections[a]


def mutate(rng, binary, bodies_of_others):
    """A mutant of a valid module. `bodies_of_others` is a list that this keeps bodies in."""
    way = rng.random()
    sections = split(binary)
    if way < 0.08 or not sections:
        data = bytearray(binary)
        edit(rng, data)
        return bytes(data)
    if way < 0.10:
        return binary[:rng.randrange(len(binary))]
    if way < 0.12:
        edit_order(rng, sections)
        return join(binary[:8], sections)
    code = [section for section in sections if section[0] == 10]
    if way < 0.60 and code:
        code[0][1] = edit_code(rng, code[0][1], bodies_of_others)
    else:
        chosen = rng.choice([section for section in sections if section[0] != 10] or sections)
        payload = bytearray(chosen[1])
        edit(rng, payload)
        chosen[1] = payload
    return join(binary[:8], sections)
