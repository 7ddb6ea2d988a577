# SPDX-License-Identifier: Apache-2.0
"""wrap.py: make a generated module testable by any engine.

wrap() adds exported functions that take nothing and give i64s, so that no engine has to make or look at a v128 or a
reference of the module's own types: JavaScript cannot. The exports added:

    sk.fN.a, .b, .c    function N called with arguments written into the code: numbers that make trouble, references
                       made on the spot. What it returned, each value as an i64, and the fuel that is left: two engines
                       that went different ways differ in it
    sk.globals         all globals
    sk.tables          size of each table, and a hash of its first elements
    sk.memories        size of each memory, and a hash of its bytes
    tag.N, types.N.X   the tags, and the types of what they carry: n number, l i64, - other

A reference becomes a number that says what it is and which types of the module it passes a test for; NaNs become
one NaN. Nothing is inserted: indices stay, every section only grows at its end.
"""

import random

I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
NUMBERS = (I32, I64, F32, F64, V128)
TOP = {0x73: "func", 0x70: "func", 0x72: "extern", 0x6F: "extern", 0x69: "exn", 0x74: "exn"}  # the others: any
SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
TABLE_ELEMENTS = 64  # as many of a table are looked at


class Skip(Exception):
    """This module cannot be wrapped, and why."""


# -- Reading -------------------------------------------------------------------------------------


class Reader:
    """A cursor over bytes."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def leb(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def heap(self):
        """A heap type: an index, or -code."""
        byte = self.data[self.at]
        if 0x40 <= byte < 0x80:
            self.at += 1
            return -byte
        return self.leb()

    def valtype(self):
        """The code of a number, or (nullable, heap type)."""
        byte = self.byte()
        if byte in NUMBERS:
            return byte
        if byte in (0x63, 0x64):
            return (byte == 0x63, self.heap())
        if 0x69 <= byte <= 0x74:
            return (True, -byte)
        raise Skip("value type 0x%x" % byte)

    def field(self):
        if self.data[self.at] in (0x77, 0x78):
            kind = self.byte()
        else:
            kind = self.valtype()
        self.byte()
        return kind

    def limits(self):
        flags = self.leb()
        self.leb()
        if flags & 1:
            self.leb()
        return flags

    def table(self):
        kind = self.valtype()
        return kind, self.limits()

    def constant(self):
        """Past a constant expression."""
        while True:
            op = self.byte()
            if op == 0x0B:
                return
            if op == 0x43:
                self.take(4)
            elif op == 0x44:
                self.take(8)
            elif op in (0x41, 0x42, 0x23, 0xD2):
                self.leb()
            elif op == 0xD0:
                self.heap()
            elif op == 0xFD:
                self.leb()
                self.take(16)
            elif op == 0xFB:
                sub = self.leb()
                if sub in (0, 1, 6, 7, 8):
                    self.leb()
                if sub == 8:
                    self.leb()
            elif op not in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):
                raise Skip("constant instruction 0x%x" % op)


class Module:
    """What wrap() has to know of a module."""

    def __init__(self, binary):
        self.sections = {}
        self.types, self.functions, self.tables, self.memories, self.globals, self.tags = [], [], [], [], [], []
        self.imported_functions = 0
        reader = Reader(binary, 8)
        while reader.at < len(binary):
            kind = reader.byte()
            payload = reader.take(reader.leb())
            if kind != 0:
                self.sections[kind] = payload
        for kind, read in ((1, self.read_type), (2, self.read_import), (3, self.read_function), (4, self.read_table),
                           (5, self.read_memory), (6, self.read_global), (13, self.read_tag)):
            if kind in self.sections:
                reader = Reader(self.sections[kind])
                for _ in range(reader.leb()):
                    read(reader)

    def read_type(self, reader):
        code = reader.byte()
        if code == 0x4E:
            for _ in range(reader.leb()):
                self.read_type(reader)
            return
        if code in (0x4F, 0x50):
            for _ in range(reader.leb()):
                reader.leb()
            code = reader.byte()
        if code == 0x60:
            params = [reader.valtype() for _ in range(reader.leb())]
            self.types.append(("func", params, [reader.valtype() for _ in range(reader.leb())]))
        elif code == 0x5F:
            self.types.append(("struct", [reader.field() for _ in range(reader.leb())], None))
        elif code == 0x5E:
            self.types.append(("array", [reader.field()], None))
        else:
            raise Skip("type 0x%x" % code)

    def read_import(self, reader):
        reader.take(reader.leb())
        reader.take(reader.leb())
        kind = reader.byte()
        if kind == 0:
            self.imported_functions += 1
        if kind == 3:
            self.globals.append(reader.valtype())
            reader.byte()
        else:
            (self.read_function, self.read_table, self.read_memory, None, self.read_tag)[kind](reader)

    def read_function(self, reader):
        self.functions.append(reader.leb())

    def read_table(self, reader):
        if reader.data[reader.at] == 0x40:
            reader.take(2)
            self.tables.append(reader.table())
            reader.constant()
        else:
            self.tables.append(reader.table())

    def read_memory(self, reader):
        self.memories.append(reader.limits())

    def read_global(self, reader):
        self.globals.append(reader.valtype())
        reader.byte()
        reader.constant()

    def read_tag(self, reader):
        reader.byte()
        self.tags.append(reader.leb())

    def has_shared_memory(self):
        return any(flags & 2 for flags in self.memories)

    def may_wait(self):
        """May it wait for another thread? There is none. True for some that do not, too."""
        code = self.sections.get(10, b"")
        return self.has_shared_memory() and (b"\xfe\x01" in code or b"\xfe\x02" in code)


# -- Writing -------------------------------------------------------------------------------------


def leb(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sleb(value):
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def heap_bytes(heap):
    return bytes([-heap]) if heap < 0 else sleb(heap)


def type_bytes(kind):
    if isinstance(kind, int):
        return bytes([kind])
    return bytes([0x63 if kind[0] else 0x64]) + heap_bytes(kind[1])


def i64_const(value):
    return b"\x42" + sleb(value - (1 << 64) if value >= 1 << 63 else value)


def op(code, *indices):
    return bytes([code]) + b"".join(leb(i) for i in indices)


GET, SET, CALL, GLOBAL_GET, GLOBAL_SET, TABLE_GET = 0x20, 0x21, 0x10, 0x23, 0x24, 0x25
END, ELSE, IF_I64, EXTEND_U = b"\x0b", b"\x05", b"\x04\x7e", b"\xad"
ADD, MUL, SHL, OR, XOR = b"\x7c", b"\x7e", b"\x86", b"\x84", b"\x85"
PRIME = 0x100000001B3


class Body:
    """A function that is being made: results are i64s."""

    def __init__(self, module):
        self.module = module
        self.locals = []
        self.code = bytearray()
        self.results = 0

    def local(self, kind):
        self.locals.append(kind)
        return len(self.locals) - 1

    def emit(self, *parts):
        for part in parts:
            self.code += part

    def finish(self):
        groups = leb(len(self.locals)) + b"".join(b"\x01" + type_bytes(kind) for kind in self.locals)
        code = groups + bytes(self.code) + END
        return leb(len(code)) + code

    # Each of the following turns the value on the stack into an i64.

    def number(self, kind):
        if kind == I32:
            self.emit(EXTEND_U)
        elif kind == F32:
            it = self.local(F32)
            self.emit(op(SET, it), op(GET, it), b"\xbc", b"\x41", sleb(0x7FC00000), op(GET, it), op(GET, it),
                      b"\x5b\x1b", EXTEND_U)
        elif kind == F64:
            it = self.local(F64)
            self.emit(op(SET, it), op(GET, it), b"\xbd", i64_const(0x7FF8 << 48), op(GET, it), op(GET, it), b"\x61\x1b")
        elif kind == V128:
            it = self.local(V128)
            self.emit(op(SET, it), op(GET, it), b"\xfd\x1d\x00", i64_const(0x9E3779B97F4A7C15), MUL,
                      op(GET, it), b"\xfd\x1d\x01", XOR)

    def value(self, kind):
        if isinstance(kind, int):
            self.number(kind)
        else:
            self.reference(kind)

    def top(self, heap):
        if heap >= 0:
            return "func" if self.module.types[heap][0] == "func" else "any"
        return TOP.get(-heap, "any")

    def reference(self, kind):
        it = self.local(kind)
        top = self.top(kind[1])
        get = op(GET, it) + (b"\xfb\x1a" if top == "extern" else b"")
        self.emit(op(SET, it), op(GET, it), b"\xd1", IF_I64, i64_const(0), ELSE)
        if top in ("any", "extern"):
            self.emit(get, b"\xfb\x14\x6c", IF_I64, get, b"\xfb\x16\x6c", b"\xfb\x1d", b"\xac", i64_const(8), SHL,
                      i64_const(1), OR, ELSE,
                      get, b"\xfb\x14\x6a", IF_I64, get, b"\xfb\x16\x6a", b"\xfb\x0f", EXTEND_U, i64_const(8), SHL,
                      i64_const(3), OR, ELSE,
                      get, b"\xfb\x14\x6b", IF_I64, i64_const(2), ELSE, i64_const(4), END, END, END)
            self.passes(get, ("struct", "array"))
            self.contents(get, kind[1])
        elif top == "func":
            self.emit(i64_const(5))
            self.passes(get, ("func",))
        else:
            self.emit(i64_const(6))
        self.emit(END)

    def passes(self, get, kinds):
        """A bit for each type of the module that the reference is of."""
        for i, (kind, _, _) in enumerate(self.module.types):
            if kind in kinds:
                self.emit(get, b"\xfb\x14", heap_bytes(i), EXTEND_U, i64_const(24 + i % 40), SHL, XOR)

    def contents(self, get, heap):
        """The numbers in it, where its type says that it is a struct, or an array (the first element)."""
        kind, fields, _ = self.module.types[heap] if heap >= 0 else (None, (), None)
        if kind == "array" and not isinstance(fields[0], tuple):
            self.emit(get, b"\xfb\x0f", IF_I64, get, b"\x41\x00", self.access(fields[0], 0x0B, heap))
            self.number(I32 if fields[0] in (0x77, 0x78) else fields[0])
            self.emit(ELSE, i64_const(0), END, ADD)
        elif kind == "struct":
            for i, field in enumerate(fields):
                if not isinstance(field, tuple):
                    self.emit(i64_const(PRIME), MUL, get, self.access(field, 0x02, heap), leb(i))
                    self.number(I32 if field in (0x77, 0x78) else field)
                    self.emit(XOR)

    @staticmethod
    def access(field, code, heap):
        return bytes([0xFB, code + (1 if field in (0x77, 0x78) else 0)]) + leb(heap)

    def hash_loop(self, index, is64, element):
        """hash = 0, while --index >= 0: hash = (hash * prime) ^ element(). `index` holds how many."""
        total = self.local(I64)
        self.emit(b"\x02\x40\x03\x40", op(GET, index), b"\x50" if is64 else b"\x45", b"\x0d\x01",
                  op(GET, index), b"\x42\x01\x7d" if is64 else b"\x41\x01\x6b", op(SET, index),
                  op(GET, total), i64_const(PRIME), MUL)
        element()
        self.emit(XOR, op(SET, total), b"\x0c\x00", END, END, op(GET, total))


# -- Arguments -------------------------------------------------------------------------------------

TROUBLE = {
    32: [0, 1, 2, 3, 8, 31, 32, 255, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF8],
    64: [0, 1, 2, 4, 63, 64, 65536, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 8],
}
TROUBLE_F32 = [0, 0x80000000, 0x3F800000, 0xBF000000, 0x7F800000, 0xFF800000, 0x7FC00000, 1, 0x4F000000, 0x7F7FFFFF]
TROUBLE_F64 = [0, 1 << 63, 0x3FF << 52, 0xBFE << 52, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, 1, 0x43E << 52,
               0x41E << 52, (0x7FF << 52) - 1]


def pick(rng, values, bits):
    return rng.choice(values) if rng.random() < 0.7 else rng.getrandbits(rng.choice([8, bits]))


def number_argument(rng, kind):
    if kind == I32:
        value = pick(rng, TROUBLE[32], 32)
        return b"\x41" + sleb(value - (1 << 32) if value >= 1 << 31 else value)
    if kind == I64:
        return i64_const(pick(rng, TROUBLE[64], 64))
    if kind == F32:
        bits = pick(rng, TROUBLE_F32, 32)
        return b"\x43" + (0x7FC00000 if bits & 0x7FFFFFFF > 0x7F800000 else bits).to_bytes(4, "little")
    if kind == F64:
        bits = pick(rng, TROUBLE_F64, 64)
        return b"\x44" + (0x7FF8 << 48 if bits & (1 << 63) - 1 > 0x7FF << 52 else bits).to_bytes(8, "little")
    return b"\xfd\x0c" + rng.randbytes(16)


class Arguments:
    """Makes references; `declared` collects the functions that were referred to."""

    def __init__(self, module, rng):
        self.module, self.rng, self.declared = module, rng, set()

    def make(self, kind):
        """Instructions that push one, or None."""
        if isinstance(kind, int):
            return number_argument(self.rng, kind)
        nullable, heap = kind
        if nullable and self.rng.random() < 0.3:
            return b"\xd0" + heap_bytes(heap)
        made = self.concrete(heap) if heap >= 0 else self.abstract(-heap)
        return made if made is not None or not nullable else b"\xd0" + heap_bytes(heap)

    def abstract(self, code):
        i31 = b"\x41" + sleb(self.rng.randint(-1 << 30, (1 << 30) - 1)) + b"\xfb\x1c"
        if code == 0x6F:
            return i31 + b"\xfb\x1b"
        if code == 0x70:
            return self.function(range(len(self.module.functions)))
        if code == 0x6C or code in (0x6E, 0x6D) and self.rng.random() < 0.5:
            return i31
        both = ("struct", "array")
        kinds = {0x6B: ("struct",), 0x6A: ("array",), 0x6E: both, 0x6D: both}.get(code, ())
        of_kind = [i for i, (kind, _, _) in enumerate(self.module.types) if kind in kinds]
        return self.concrete(self.rng.choice(of_kind)) if of_kind else None

    def concrete(self, i):
        kind, fields, _ = self.module.types[i]
        if kind == "func":
            return self.function([f for f, of in enumerate(self.module.functions) if of == i])
        if any(isinstance(field, tuple) and not field[0] for field in fields):
            return None
        if kind == "struct":
            return b"\xfb\x01" + leb(i)
        return b"\x41" + sleb(self.rng.randint(0, 5)) + b"\xfb\x07" + leb(i)

    def function(self, of):
        if not of:
            return None
        chosen = self.rng.choice(of)
        self.declared.add(chosen)
        return b"\xd2" + leb(chosen)


# -- Wrapping --------------------------------------------------------------------------------------


def call_body(module, arguments, function, fuel):
    """The body that calls a function, or None where no argument can be made."""
    _, params, results = module.types[module.functions[function]]
    body = Body(module)
    pushed = [arguments.make(kind) for kind in params]
    if None in pushed or len(results) > 200:
        return None
    fuel_global = len(module.globals) - 1
    body.emit(b"\x41", sleb(fuel), op(GLOBAL_SET, fuel_global), *pushed, op(CALL, function))
    kept = [body.local(kind) for kind in results]
    body.emit(*(op(SET, i) for i in reversed(kept)))
    for i, kind in zip(kept, results):
        body.emit(op(GET, i))
        body.value(kind)
    body.emit(op(GLOBAL_GET, fuel_global), EXTEND_U)
    body.results = len(results) + 1
    return body


def globals_body(module):
    body = Body(module)
    for i, kind in enumerate(module.globals):
        body.emit(op(GLOBAL_GET, i))
        body.value(kind)
        body.results += 1
    return body


def tables_body(module):
    body = Body(module)
    for i, (kind, flags) in enumerate(module.tables):
        is64 = flags & 4
        size = body.local(I64 if is64 else I32)
        most = i64_const(TABLE_ELEMENTS) if is64 else b"\x41" + sleb(TABLE_ELEMENTS)
        body.emit(b"\xfc\x10", leb(i), op(SET, size), op(GET, size), b"" if is64 else EXTEND_U,
                  most, op(GET, size), most, op(GET, size), b"\x54" if is64 else b"\x49", b"\x1b", op(SET, size))

        def element(table=i, kind=kind, size=size):
            body.emit(op(GET, size), op(TABLE_GET, table))
            body.value(kind)

        body.hash_loop(size, is64, element)
        body.results += 2
    return body


def memories_body(module):
    body = Body(module)
    for i, flags in enumerate(module.memories):
        is64 = flags & 4
        size = body.local(I64 if is64 else I32)
        body.emit(op(0x3F, i), op(SET, size), op(GET, size), b"" if is64 else EXTEND_U,
                  op(GET, size), b"\x42\x0d\x86" if is64 else b"\x41\x0d\x74", op(SET, size))

        def element(memory=i, is64=is64, size=size):
            body.emit(op(GET, size), b"\x42\x03\x86" if is64 else b"\x41\x03\x74", b"\x29\x40", leb(memory), b"\x00")

        body.hash_loop(size, is64, element)
        body.results += 2
    return body


def export(name, kind, index):
    name = name.encode()
    return leb(len(name)) + name + bytes([kind]) + leb(index)


def extend(section, more):
    """A section with entries added to its end."""
    if not more:
        return section
    reader = Reader(section or b"\x00")
    return leb(reader.leb() + len(more)) + reader.data[reader.at:] + b"".join(more)


def carried_letters(module, tag):
    letters = {I32: "n", F32: "n", F64: "n", I64: "l"}
    return "".join(letters.get(kind, "-") for kind in module.types[module.tags[tag]][1])


def wrap(binary, seed, fuel):
    """The module with exports for tests. Its last global is the fuel of `smith --ensure-termination`."""
    module = Module(binary)
    rng = random.Random(seed)
    arguments = Arguments(module, rng)
    bodies = []
    for function in range(module.imported_functions, len(module.functions)):
        for letter in "abc":
            body = call_body(module, arguments, function, fuel)
            if body is not None:
                bodies.append(("sk.f%d.%s" % (function, letter), body))
    bodies.append(("sk.globals", globals_body(module)))
    bodies.append(("sk.tables", tables_body(module)))
    bodies.append(("sk.memories", memories_body(module)))

    counts = sorted({body.results for _, body in bodies})
    types = [b"\x60\x00" + leb(n) + b"\x7e" * n for n in counts]
    exports = [export(name, 0, len(module.functions) + i) for i, (name, _) in enumerate(bodies)]
    for i in range(len(module.tags)):
        exports += [export("tag.%d" % i, 4, i), export("types.%d.%s" % (i, carried_letters(module, i)), 4, i)]
    added = {
        1: types,
        3: [leb(len(module.types) + counts.index(body.results)) for _, body in bodies],
        7: exports,
        9: [b"\x03\x00" + leb(len(arguments.declared)) + b"".join(leb(f) for f in sorted(arguments.declared))]
        if arguments.declared else [],
        10: [body.finish() for _, body in bodies],
    }
    out = bytearray(binary[:8])
    for kind in SECTION_ORDER:
        payload = extend(module.sections.get(kind), added.get(kind, []))
        if payload is not None:
            out += bytes([kind]) + leb(len(payload)) + payload
    return bytes(out)
