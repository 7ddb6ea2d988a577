#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seeds.py OPCODES FOLDER STAMP: write modules to begin fuzzing with to FOLDER/decode, run and artifact, and
choices to FOLDER/validate and FOLDER/run; layers of images to FOLDER/tar.

One module for each kind of instruction with a signature in opcodes.def, a function an instruction; and some by
hand with control, calls, tables, segments and imports. They are small: the fuzzer puts them together.
"""

import base64
import io
import os
import random
import sys
import tarfile

sys.dont_write_bytecode = True

TYPES = {"i": 0x7f, "l": 0x7e, "f": 0x7d, "d": 0x7c, "v": 0x7b}
# Where an access may be: the memories of a module, which one it is in, and so the type of its address.
NEAR, WIDE, OTHER, OTHER_WIDE = ([[0, 1]], 0, "i"), ([[4, 1]], 0, "l"), ([[4, 1], [0, 1]], 1, "i"), (
    [[0, 1], [4, 1]], 1, "l")
IMMEDIATES = {"NONE": [], "MEMARG": [0, 3], "MEMARG_LANE": [0, 3, 1], "LANE": [1],
              "LANES16": list(range(8, 24))}
END = 0x0b
WOVEN = b"\xff"  # of an input to fuzz-run: choices follow


def leb(n):
    out = []
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return out + [n]


def counted(content):
    return leb(len(content)) + content


def vector(items):
    return leb(len(items)) + [byte for item in items for byte in item]


def section(number, content):
    return [number] + counted(content)


def module(*sections):
    return bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0] + [byte for s in sections for byte in s])


def name(text):
    return counted(list(text.encode()))


def func_type(params, results):
    return [0x60] + vector([[t] for t in params]) + vector([[t] for t in results])


def body(code, local_types=()):
    return counted(vector([[1, t] for t in local_types]) + code + [END])


def export(text, kind, index):
    return name(text) + [kind] + leb(index)


def rows(path):
    """(prefix, code, immediate, signature, kind) of each instruction with a signature."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("OP("):
                continue
            cells = [c.strip() for c in line[3:].rstrip().rstrip(")").split(",")]
            if cells[5] != "ANY" and cells[4] in IMMEDIATES:
                yield int(cells[1], 16), int(cells[2], 16), cells[4], cells[5], cells[7]


def of_rows(group, place=NEAR):
    """A module with a function for each of these: operands from locals, the result given back."""
    memories, memory, address = place
    types, bodies, exports = [], [], []
    for i, (prefix, code, immediate, signature, _) in enumerate(group):
        params, result = signature.split("_")
        immediates = IMMEDIATES[immediate]
        if immediate.startswith("MEMARG"):
            params = address + params[1:]
            immediates = ([0x40, memory] if memory else [0]) + immediates[1:]
        types.append(func_type([TYPES[p] for p in params], [TYPES[r] for r in result]))
        opcode = [code] if prefix == 0 else [prefix] + leb(code)
        operands = [byte for k in range(len(params)) for byte in (0x20, k)]
        bodies.append(body(operands + opcode + immediates))
        exports.append(export("f%d" % i, 0, i))
    exports.append(export("memory", 2, memory))
    constant = 0x41 if memories[0][0] == 0 else 0x42
    return module(section(1, vector(types)), section(3, vector([leb(i) for i in range(len(group))])),
                  section(5, vector(memories)), section(7, vector(exports)),
                  section(10, vector(bodies)),
                  section(11, vector([[0, constant, 16, END] + counted([1, 2, 3, 4, 5])])))


def far_by_hand():
    """Memories and tables of both widths, and what moves between them."""
    codes = {
        "memories": [0x41, 1, 0x42, 2, 0x41, 4, 0xfc, 10, 0, 1, 0x42, 3, 0x41, 2, 0x41, 3, 0xfc, 10, 1, 0, 0x42, 0,
                     0x42, 5, 0x42, 9, 0xfc, 10, 1, 1, 0x42, 1, 0x41, 9, 0x42, 4, 0xfc, 11, 1, 0x42, 7, 0x41, 0,
                     0x41, 2, 0xfc, 8, 1, 1, 0x42, 1, 0x40, 1, 0x3f, 1, 0x7c, 0xa7],
        "tables": [0x42, 1, 0x41, 0, 0x41, 1, 0xfc, 12, 1, 1, 0x41, 0, 0x42, 1, 0x41, 1, 0xfc, 14, 0, 1, 0x42, 0,
                   0x41, 0, 0x41, 1, 0xfc, 14, 1, 0, 0xd2, 0, 0x42, 1, 0xfc, 15, 1, 0x1a, 0x42, 0, 0xd2, 0, 0x42,
                   1, 0xfc, 17, 1, 0x42, 0, 0x25, 1, 0xd1, 0xfc, 16, 1, 0xa7, 0x6a],
        "indirect": [0x20, 0, 0x42, 0, 0x11, 0, 1],
        "indirect-tail": [0x20, 0, 0x42, 0, 0x13, 0, 1],
    }
    for key, code in codes.items():
        yield "far-" + key, module(
            section(1, vector([func_type([0x7f], [0x7f])])), section(3, [1, 0]),
            section(4, [2, 0x70, 0, 2, 0x70, 4, 2]), section(5, [2, 0, 1, 5, 1, 3]),
            section(7, vector([export("f", 0, 0), export("t", 1, 1), export("m", 2, 0),
                               export("n", 2, 1)])),
            section(9, [2, 2, 1, 0x42, 0, END, 0, 1, 0, 1, 0, 1, 0]), section(12, [2]),
            section(10, vector([body(code)])),
            section(11, [2, 2, 1, 0x42, 8, END, 2, 1, 2, 1, 2, 3, 4]))


def by_hand():
    i32 = 0x7f
    to_i32, i32_to_i32, nothing = func_type([], [i32]), func_type([i32], [i32]), func_type([], [])
    codes = {
        "loop": [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, END, 0x20, 0],
        "if": [0x20, 0, 0x04, i32, 0x41, 1, 0x05, 0x41, 2, END],
        "table": [0x02, i32, 0x02, i32, 0x41, 1, 0x41, 7, 0x20, 0, 0x0e, 1, 0, 1, END, 0x41, 1,
                  0x6a, END],
        "recursion": [0x20, 0, 0x10, 0],
        "tail": [0x20, 0, 0x41, 1, 0x6a, 0x12, 0],
        "indirect": [0x20, 0, 0x41, 0, 0x11, 0, 0],
        "indirect-tail": [0x20, 0, 0x41, 0, 0x13, 0, 0],
        "ref": [0x20, 0, 0xd2, 0, 0x14, 0],
        "on-null": [0x02, 0x40, 0xd2, 0, 0xd5, 0, 0x1a, END, 0x41, 1],
        "globals": [0x23, 0, 0x41, 1, 0x6a, 0x24, 0, 0x23, 0],
        "select": [0x41, 1, 0x41, 2, 0x20, 0, 0x1b],
        "select-typed": [0x41, 1, 0x41, 2, 0x20, 0, 0x1c, 1, i32],
        "grow": [0x41, 1, 0x40, 0, 0x3f, 0, 0x6a],
        "fill": [0x41, 0, 0x41, 9, 0x41, 9, 0xfc, 11, 0, 0x41, 1, 0x41, 0, 0x41, 5, 0xfc, 10, 0, 0,
                 0x41, 0],
        "init": [0x41, 0, 0x41, 0, 0x41, 2, 0xfc, 8, 1, 0, 0xfc, 9, 1, 0x41, 0],
        "tables": [0x41, 1, 0x41, 0, 0x41, 1, 0xfc, 12, 1, 0, 0xfc, 13, 1, 0x41, 0, 0x41, 1, 0x41,
                   1, 0xfc, 14, 0, 0, 0xd2, 0, 0x41, 1, 0xfc, 15, 0, 0x41, 0, 0xd2, 0, 0x41, 1,
                   0xfc, 17, 0, 0x41, 0, 0x25, 0, 0xd1, 0x6a],
        "vectors": [0xfd, 12] + [7] * 16 + [0x22, 1, 0x20, 1, 0xfd, 0x6e, 0xfd, 0x15, 3],
    }
    for key, code in codes.items():
        yield key, module(
            section(1, vector([i32_to_i32])), section(3, [1, 0]), section(4, [1, 0x70, 0, 2]),
            section(5, [1, 0, 1]), section(6, [1, i32, 1, 0x41, 5, END]),
            section(7, vector([export("f", 0, 0), export("t", 1, 0), export("memory", 2, 0)])),
            section(9, [2, 0, 0x41, 0, END, 1, 0, 1, 0, 1, 0]), section(12, [2]),
            section(10, vector([body(code, [0x7b])])),
            section(11, [2, 0, 0x41, 8, END, 2, 1, 2, 1, 2, 3, 4]))
    # Tags: 0 imported, of nothing, 1 of an i32. Function 0 throws 1, and so does f, or calls it.
    throwing = {
        "try-table": [0x02, 0x40, 0x02, i32, 0x1f, i32, 2, 0, 1, 0, 0, 0, 1, 0x20, 0, 0x10, 0, END,
                      END, 0x0f, END, 0x41, 0],
        "try-ref": [0x02, 0x69, 0x1f, 0x40, 1, 3, 0, 0x20, 0, 0x08, 1, END, 0x00, END, 0x0a],
        "try-loop": [0x03, 0x40, 0x1f, 0x40, 1, 2, 0, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x04, 0x40,
                     0x08, 0, END, END, END, 0x20, 0],
        "try": [0x06, i32, 0x20, 0, 0x10, 0, 0x07, 1, 0x41, 1, 0x6a, 0x19, 0x41, 2, END],
        "rethrow": [0x06, i32, 0x06, i32, 0x20, 0, 0x08, 1, 0x19, 0x09, 0, END, 0x07, 1, END],
        "delegate": [0x06, i32, 0x06, i32, 0x20, 0, 0x12, 0, 0x18, 0, 0x07, 1, END],
    }
    for key, code in throwing.items():
        yield key, module(
            section(1, vector([i32_to_i32, nothing, func_type([i32], [])])),
            section(2, vector([name("h") + name("t") + [4, 0, 1]])), section(3, [2, 0, 0]),
            section(13, [1, 0, 2]), section(7, vector([export("f", 0, 1), export("t", 4, 1)])),
            section(10, vector([body([0x20, 0, 0x08, 1]), body(code, [0x7b])])))
    yield "imports", module(
        section(1, vector([to_i32, nothing])),
        section(2, vector([name("h") + name("f") + [0, 0], name("h") + name("t") + [1, 0x70, 0, 2],
                           name("h") + name("m") + [2, 0, 1], name("h") + name("g") + [3, i32, 1]])),
        section(3, [2, 0, 1]), section(7, vector([export("f", 0, 1), export("i", 0, 0)])),
        section(8, [2]), section(9, [1, 0, 0x41, 0, END, 1, 1]),
        section(10, vector([body([0x10, 0, 0x23, 0, 0x6a]), body([0x41, 3, 0x24, 0])])),
        section(11, [1, 0, 0x41, 3, END, 1, 65]))
    yield "names", module(
        section(1, vector([nothing])), section(3, [1, 0]), section(10, vector([body([0])])),
        section(0, name("name") + [0] + counted(name("m")) + [1] + counted([1, 0] + name("f"))))
    yield "types", module(
        section(1, [2, 0x4e, 2, 0x50, 0, 0x5f, 2, i32, 1, 0x63, 1, 0, 0x4f, 1, 0, 0x5f, 3, i32, 1, 0x63,
                    1, 0, 0x78, 0] + nothing),
        section(3, [1, 2]), section(10, vector([body([], [0x70])])))


def with_memory():
    """Modules whose memory an artifact has pages of. The long one also tells the fuzzer how long inputs may be."""
    for key, size in (("page", 20), ("pages", 40000)):
        yield "memory-" + key, module(
            section(1, vector([func_type([], [])])), section(3, [1, 0]), section(5, [1, 0, 2]),
            section(7, vector([export("f", 0, 0)])), section(10, vector([body([])])),
            section(11, vector([[0, 0x41, 5, END] + counted([i & 255 for i in range(size)]),
                                [0, 0x41, 0xf0, 0xa2, 0x04, END] + counted([1, 2, 3]),
                                [0, 0x41, 7, END] + counted([255, 254])])))


def choices():
    noise = random.Random(4)
    for i in range(60):
        yield "choices-%02d" % i, noise.randbytes(20 + i * i // 4)


LAYERS = (
    [("a/b", "f", ""), ("l", "2", "a"), ("l/c", "f", ""), ("h", "1", "a/b")],
    [("d", "5", ""), ("d/.wh..wh..opq", "f", ""), ("d/x", "f", ""), (".wh.a", "f", "")],
    [("d", "2", "../out"), ("d/a", "f", ""), ("o/a", "f", ""), ("d/r/x", "f", "")],
    [("dev", "3", ""), ("p", "6", ""), ("a", "5", ""), ("d", "f", ""), ("a" * 120 + "/b", "f", "")],
)


def layers():
    """Tars, with what fuzz/tar.c has in front of them."""
    for i, entries in enumerate(LAYERS):
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=form) as archive:
                for name_, kind, link in entries:
                    info = tarfile.TarInfo(name_)
                    info.type, info.linkname = tarfile.REGTYPE if kind == "f" else kind.encode(), link
                    info.size = 3 if kind == "f" else 0
                    info.pax_headers = {"SCHILY.xattr.user.x": "y", "mtime": "1.5"} if form == tarfile.PAX_FORMAT else {}
                    archive.addfile(info, io.BytesIO(b"abc"))
            yield "layer-%d-%d" % (i, form), b"\x80" + out.getvalue()[:-8192]
            yield "layers-%d-%d" % (i, form), b"\xc0" + out.getvalue()[:1024] + out.getvalue()[:-8192]


def kept(target):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", target + ".b64")
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as file:
        for i, line in enumerate(file):
            yield "kept-%03d" % i, base64.b64decode(line)


def write(folder, target, seeds):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    for key, content in seeds + list(kept(target)):
        with open(os.path.join(folder, target, "seed-" + key), "wb") as file:
            file.write(content)


def main(opcodes, folder, stamp):
    groups = {}
    for row in rows(opcodes):
        key = "%s-%02x" % (row[4].lower(), row[0])
        groups.setdefault(key, []).append(row)
    seeds = [("%s-%d" % (key, i), of_rows(group[i:i + 8])) for key, group in groups.items()
             for i in range(0, len(group), 8)]
    for key, group in groups.items():
        if group[0][2].startswith("MEMARG"):
            for k, place in enumerate((WIDE, OTHER, OTHER_WIDE)):
                seeds += [("%s-far%d-%d" % (key, k, i), of_rows(group[i:i + 8], place))
                          for i in range(0, len(group), 8)]
    seeds += list(by_hand()) + list(far_by_hand())
    chosen = list(choices())
    write(folder, "decode", seeds)
    write(folder, "run", seeds + [(key, WOVEN + content) for key, content in chosen])
    write(folder, "validate", [(key, b"\0\0" + content) for key, content in chosen])
    write(folder, "artifact", list(by_hand()) + list(with_memory()))
    write(folder, "dns", [])
    write(folder, "dockerfile", [])
    write(folder, "wasi", [])
    write(folder, "tar", list(layers()))
    with open(stamp, "w", encoding="utf-8") as file:
        file.write("%d seeds\n" % (len(seeds) + len(chosen)))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
