#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""big_module.py SIZE FILE: a valid module of about SIZE bytes (1.5M, 20M) whose _start returns at once.

As large programs are: three quarters code, in functions of some hundred bytes with branches and calls, the rest data in
many segments; a table with every tenth function, some hundred types, names for all functions.
"""

import sys

from wasm_bytes import MAGIC, leb, name, section

UNITS = {"K": 1 << 10, "M": 1 << 20}
I32 = 0x7f


def sleb(n):
    out = bytearray()
    while True:
        byte, n = n & 0x7f, n >> 7
        if (n == 0 and not byte & 0x40) or (n == -1 and byte & 0x40):
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def vector(items):
    return leb(len(items)) + b"".join(items)


def body(code, local_groups=b"\x01\x02\x7f"):
    content = local_groups + code + b"\x0b"
    return leb(len(content)) + content


def function_type(index):
    """Types that all differ: index in binary, i32 or i64 a digit."""
    digits = [0x7e if index >> bit & 1 else I32 for bit in range(max(1, index.bit_length()))]
    return b"\x60" + leb(len(digits) + 1) + bytes([I32] + digits) + b"\x01\x7f"


def work(index, functions):
    """A loop with loads, stores, an if and a call, a little different each time."""
    step = (b"\x20\x00" + b"\x41" + sleb(index * 7919 % 60000) + b"\x6a\x21\x01"
            + b"\x03\x40" + b"\x20\x01\x28\x02" + leb(index % 4096 * 4) + b"\x41" + sleb(index) + b"\x73\x22\x02"
            + b"\x04\x40" + b"\x20\x01\x20\x02\x36\x02" + leb(index % 1000 * 4) + b"\x0b"
            + b"\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b")
    call = b"\x20\x01\x10" + leb((index * 31 + 7) % functions) + b"\x21\x02"
    return step * 4 + call + b"\x20\x02"


def make(size):
    functions = max(4, size * 3 // 4 // 250)
    types = 400
    segments = max(1, size // 4 // 4096)
    kinds = [b"\x60\x00\x00", b"\x60\x01\x7f\x01\x7f"] + [function_type(i) for i in range(types)]
    bodies = [body(work(i, functions)) for i in range(functions)] + [body(b"", b"\x00")]
    names = [leb(i) + name(f"module::part{i % 97}::function_{i}") for i in range(functions)]
    table = vector([leb(i) for i in range(0, functions, 10)])
    count = (functions + 9) // 10
    datas = [b"\x00\x41" + sleb(1024 + i * 4100) + b"\x0b" + leb(4096)
             + bytes((i * 131 + k * 7) & 0xff for k in range(4096)) for i in range(segments)]
    pages = (1024 + segments * 4100) // 65536 + 2
    naming = vector(names)
    return (MAGIC + section(1, vector(kinds))
            + section(3, vector([b"\x01"] * functions + [b"\x00"]))
            + section(4, b"\x01\x70\x00" + leb(count))
            + section(5, b"\x01\x00" + leb(pages))
            + section(7, vector([b"\x06_start\x00" + leb(functions), b"\x06memory\x02\x00"]))
            + section(9, b"\x01\x00\x41\x00\x0b" + table)
            + section(10, vector(bodies))
            + section(11, vector(datas))
            + section(0, name("name") + b"\x01" + leb(len(naming)) + naming))


def size_of(text):
    return int(float(text[:-1]) * UNITS[text[-1]])


def main():
    if len(sys.argv) != 3 or not sys.argv[1][:-1].replace(".", "").isdigit():
        sys.exit(__doc__)
    with open(sys.argv[2], "wb") as file:
        file.write(make(size_of(sys.argv[1])))


if __name__ == "__main__":
    main()
