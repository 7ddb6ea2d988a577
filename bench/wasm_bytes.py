# SPDX-License-Identifier: Apache-2.0
"""wasm_bytes.py: the little of the WebAssembly binary format the benchmarks need.

Makes the tiny modules (nothing, loop) and the wide one, which repeats the function bodies of
another module: the same instructions in the same mixture, several times the size. Repeated
functions have the types of their originals and call the originals, so the result is valid.
"""

MAGIC = b"\0asm\1\0\0\0"
TYPE, IMPORT, FUNCTION, MEMORY, EXPORT, CODE, CUSTOM = 1, 2, 3, 5, 7, 10, 0


class NotWasm(Exception):
    pass


def leb(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def name(text):
    return leb(len(text)) + text.encode()


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def sections(data):
    """[(id, content)] in the order of the file."""
    if data[:8] != MAGIC:
        raise NotWasm("not a WebAssembly module")
    found, at = [], 8
    while at < len(data):
        number = data[at]
        size, at = read_leb(data, at + 1)
        found.append((number, data[at:at + size]))
        at += size
    return found


def code_bytes(data):
    return sum(len(content) for number, content in sections(data) if number == CODE)


def functions(data):
    for number, content in sections(data):
        if number == FUNCTION:
            return read_leb(content, 0)[0]
    return 0


def imports(data):
    """The import names as "module.name"; of no use past the first kind other than a function."""
    found = []
    for number, content in sections(data):
        if number != IMPORT:
            continue
        count, at = read_leb(content, 0)
        for _ in range(count):
            parts = []
            for _ in range(2):
                size, at = read_leb(content, at)
                parts.append(content[at:at + size].decode("utf-8", "replace"))
                at += size
            found.append(".".join(parts))
            if content[at] != 0:
                break
            _, at = read_leb(content, at + 1)
    return found


def exports(data):
    found = []
    for number, content in sections(data):
        if number != EXPORT:
            continue
        count, at = read_leb(content, 0)
        for _ in range(count):
            size, at = read_leb(content, at)
            found.append(content[at:at + size].decode("utf-8", "replace"))
            _, at = read_leb(content, at + size + 1)
    return found


def vector_of_code(content):
    count, at = read_leb(content, 0)
    bodies = []
    for _ in range(count):
        size, start = read_leb(content, at)
        bodies.append(content[at:start + size])
        at = start + size
    return bodies


def vector_of_types(content):
    count, at = read_leb(content, 0)
    found = []
    for _ in range(count):
        value, at = read_leb(content, at)
        found.append(value)
    return found


def repeat(data, times):
    """The module with each function body `times` times; custom sections are left out."""
    out = bytearray(MAGIC)
    for number, content in sections(data):
        if number == FUNCTION:
            types = vector_of_types(content) * times
            content = leb(len(types)) + b"".join(leb(t) for t in types)
        elif number == CODE:
            bodies = vector_of_code(content) * times
            content = leb(len(bodies)) + b"".join(bodies)
        if number != CUSTOM:
            out += section(number, content)
    return bytes(out)


def one_function(export, body, kind=b"\x60\0\0", memory=None):
    """A module that exports one function with this body, and has a memory of so many pages."""
    code = b"\0" + body + b"\x0b"
    out = MAGIC + section(TYPE, b"\1" + kind) + section(FUNCTION, b"\1\0")
    if memory is not None:
        out += section(MEMORY, b"\1\0" + leb(memory))
    out += section(EXPORT, b"\1" + name(export) + b"\0\0")
    return out + section(CODE, b"\1" + leb(len(code)) + code)


# Stores a word at the end of each of two pages of 64 KiB.
TOUCH = b"".join(b"\x41" + address + b"\x41\1\x36\2\0" for address in
                 (b"\xfc\xff\3", b"\xfc\xff\7"))


def nothing():
    return one_function("_start", b"")


def loop():
    """Touches two pages, then turns for ever."""
    return one_function("_start", TOUCH + b"\x03\x40\x0c\0\x0b", memory=2)


def touch():
    """run(x) touches two pages and gives x."""
    return one_function("run", TOUCH + b"\x20\0", b"\x60\1\x7f\1\x7f", memory=2)
