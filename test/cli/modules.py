# SPDX-License-Identifier: Apache-2.0
"""Modules for the tests of the command line, made from bytes: no tool is needed to run the tests."""

I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f
HEADER = b"\0asm\1\0\0\0"
COMPONENT = b"\0asm\x0d\0\1\0"


def leb(n):
    out = bytearray()
    while True:
        out.append(n & 0x7f | (0x80 if n > 0x7f else 0))
        n >>= 7
        if n == 0:
            return bytes(out)


def name(text):
    data = text if isinstance(text, bytes) else text.encode()
    return leb(len(data)) + data


def vector(items):
    items = list(items)
    return leb(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def custom(title, content):
    return section(0, name(title) + content)


def functype(params, results):
    return b"\x60" + leb(len(params)) + bytes(params) + leb(len(results)) + bytes(results)


def body(code, local_types=b"\0"):
    content = local_types + bytes.fromhex(code) + b"\x0b"
    return leb(len(content)) + content


def module(functions=(), imports=(), memory=None, table=None, start=None, exports=(), names=None,
           data=None):
    """functions: (export name or None, params, results, code as hex). imports: (module, name, params,
    results), all of functions. memory, table: bytes of the limits. names: {index: name}. data: at 0."""
    types = [functype(i[2], i[3]) for i in imports] + [functype(f[1], f[2]) for f in functions]
    first = len(imports)
    out = HEADER
    if types:
        out += section(1, vector(types))
    if imports:
        out += section(2, vector(name(i[0]) + name(i[1]) + b"\0" + leb(at)
                                 for at, i in enumerate(imports)))
    if functions:
        out += section(3, vector(leb(first + at) for at in range(len(functions))))
    if table is not None:
        out += section(4, b"\1\x70" + table)
    if memory is not None:
        out += section(5, b"\1" + memory)
    listed = [name(f[0]) + b"\0" + leb(first + at) for at, f in enumerate(functions) if f[0] is not None]
    listed += [name(title) + bytes([kind]) + leb(index) for title, kind, index in exports]
    if listed:
        out += section(7, vector(listed))
    if start is not None:
        out += section(8, leb(start))
    if functions:
        out += section(10, vector(body(f[3]) for f in functions))
    if data is not None:
        out += section(11, b"\1\0\x41\0\x0b" + name(data))
    if names:
        content = vector(leb(at) + name(text) for at, text in sorted(names.items()))
        out += custom("name", b"\1" + leb(len(content)) + content)
    return out


# One module with a function for each thing the command line has to carry in or out.
KIT = module(
    functions=[
        ("add", [I32, I32], [I32], "20 00 20 01 6a"),
        ("add64", [I64, I64], [I64], "20 00 20 01 7c"),
        ("mul32", [F32, F32], [F32], "20 00 20 01 94"),
        ("mul64", [F64, F64], [F64], "20 00 20 01 a2"),
        ("swap", [I32, I64], [I64, I32], "20 01 20 00"),
        ("same128", [V128], [V128], "20 00"),
        ("same_extern", [EXTERNREF], [EXTERNREF], "20 00"),
        ("same_func", [FUNCREF], [FUNCREF], "20 00"),
        ("a_func", [], [FUNCREF], "d2 00"),
        ("divide", [I32, I32], [I32], "20 00 20 01 6d"),
        ("outer", [I32], [I32], "41 01 20 00 10 09"),
        ("spin", [], [], "03 40 0c 00 0b"),
        ("deep", [], [], "10 0c"),
        ("grow", [I32], [I32], "20 00 40 00"),
        ("same32", [F32], [F32], "20 00"),
        ("same64", [F64], [F64], "20 00"),
        (None, [], [], "00"),
        ("nothing", [], [], ""),
        ("bytes32", [F32], [I32], "20 00 bc"),
    ],
    memory=b"\1\1\xe8\x07",
    table=b"\0\3",
    exports=[("memory", 2, 0), ("table", 1, 0)],
    names={9: "the_divider", 10: "the_caller"})

# A function for each kind of object.
OBJECTS = (
    HEADER + section(1, bytes.fromhex("05 5f00 5e7801 60 00 01 6e 60 00 01 69 60 00 00")) +
    section(3, bytes.fromhex("04 02 02 02 03")) + section(13, bytes.fromhex("01 00 04")) +
    section(7, vector(name(title) + bytes([0, at]) for at, title in
                      enumerate(["a_struct", "an_array", "an_i31", "an_exception"]))) +
    section(10, vector(body(code) for code in (
        "fb 01 00", "41 03 fb 07 01", "41 7b fb 1c", "02 69 1f 40 01 03 00 08 00 0b 00 0b"))))

# A memory and a table with 64 bits.
WIDE = module(functions=[("grow", [I64], [I64], "20 00 40 00"), ("read", [I64], [I32], "20 00 28 02 00")],
              memory=b"\5\1\x90\x4e", table=b"\4\2")
EMPTY = HEADER
START_OK = module(functions=[("_start", [], [], "")])
START_TRAPS = module(functions=[("_start", [], [], "00")])
START_TYPED = module(functions=[("_start", [I32], [], "")])
SECTION_OK = module(functions=[(None, [], [], "")], start=0)
SECTION_TRAPS = module(functions=[(None, [], [], "00")], start=0)
SECTION_SPINS = module(functions=[(None, [], [], "03 40 0c 00 0b")], start=0)
IMPORTS = module(functions=[("_start", [], [], "41 00 42 00 10 00 1a")],
                 imports=[("host", "print", [I32, I64], [F32])])
INVALID = module(functions=[("f", [], [I32], "42 00")])
MULTI = module(functions=[("pair", [], [I32, I32], "41 01 41 02")])
MVP = module(functions=[("one", [], [I32], "41 01")])
HOSTILE = module(functions=[(b"a\x1b[31mb\"\\", [], [], ""), ("\u202eevil", [], [], "")])
UNKNOWN_CUSTOM = EMPTY + custom("hello", b"world")
