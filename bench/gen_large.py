#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gen_large.py: write a C program of thousands of different functions.

Usage: gen_large.py [--functions N] [--weight W] [--seed S] > large.c

The mixture is meant to resemble what large modules hold: integer and 64-bit arithmetic, floating
point, loops over arrays, structures, text, dense switches, chains of conditions, direct calls and
calls through a table of pointers. W multiplies the statements in a function. The text is the same
for the same arguments on every machine, and every operation has one meaning in C, so the checksum
of the native and the wasm build agree. run() visits every function once per repetition.
"""

import argparse
import random

PRELUDE = """/* Written by bench/gen_large.py; not for editing. */
#include "program.h"

#define F NOINLINE uint32_t

struct item {
	uint32_t a;
	uint16_t b;
	int8_t c;
	uint64_t d;
	double e;
};

enum { WORDS = 1024, ITEMS = 64, REALS = 256 };

static uint32_t words[WORDS];
static struct item items[ITEMS];
static double reals[REALS];

typedef uint32_t leaf_fn(uint32_t x, uint32_t y);

static inline uint32_t rotate(uint32_t x, uint32_t by)
{
	by &= 31;
	return x << by | x >> (-by & 31);
}

/* Of a number that may be anything, an unsigned value: what is out of range gives a constant. */
static inline uint32_t to_u32(double x)
{
	return x > 0 && x < 4e9 ? (uint32_t)x : 77;
}

"""

EPILOGUE = """
static void fill(void)
{
	uint32_t seed = 99;

	for (uint32_t i = 0; i < WORDS; i++)
		words[i] = random_next(&seed);
	for (uint32_t i = 0; i < REALS; i++)
		reals[i] = (double)(random_next(&seed) % 2000) / 16 + 1;
	for (uint32_t i = 0; i < ITEMS; i++) {
		uint32_t x = random_next(&seed);

		items[i] = (struct item){x, (uint16_t)x, (int8_t)(x >> 9), x * 5ull, x % 100};
	}
}

uint32_t run(uint32_t reps)
{
	uint32_t hash = 0;

	for (uint32_t r = 0; r < reps; r++) {
		fill();
		FORGET();
		hash = visit_all(8);
		FORGET();
		for (uint32_t i = 0; i < WORDS; i++)
			hash = hash_u32(hash, words[i]);
		hash = hash_f64s(hash, reals, REALS);
	}
	return hash;
}
"""


class Writer:
    """Builds functions; `leaves` are those a later one may call without deep chains."""

    def __init__(self, seed, weight):
        self.rng = random.Random(seed)
        self.weight = weight
        self.out = []
        self.leaves = []
        self.texts = 0

    def emit(self, text):
        self.out.append(text)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self, low, high):
        return self.rng.randint(low, high)

    def times(self, low, high):
        return self.number(low, high) * self.weight

    # -- Expressions ---------------------------------------------------------------------

    def constant(self):
        return f"{self.number(0, self.pick(15, 255, 65535, 2**32 - 1))}u"

    def two(self, make, names, depth):
        """Two operands that differ: `x < x` and the like would only be folded away."""
        a = make(names, depth - 1)
        for _ in range(8):
            b = make(names, depth - 1)
            if b != a:
                break
        return a, b

    def u32(self, names, depth):
        """An expression of type uint32_t over variables; constants are operands only."""
        if depth == 0 or self.rng.random() < 0.1:
            return self.pick(*names)
        a, b = self.two(self.u32, names, depth)
        common = [f"({a} + {b})", f"({a} - {b})", f"({a} ^ {b})", f"({a} & {b})", f"({a} | {b})",
                  f"({a} + {self.constant()})", f"({a} ^ {self.constant()})",
                  f"({a} * {self.number(3, 99999)}u)", f"({a} >> {self.number(1, 15)})",
                  f"({a} << {self.number(1, 9)})", f"words[{a} & (WORDS - 1)]"]
        rare = [f"({a} * {b})", f"rotate({a}, {b})", f"({a} / (({b} & 255) + 3))",
                f"({a} % (({b} & 4095) + 5))", f"({a} < {b} ? {a} : {b})",
                f"({b} & 1 ? {a} : {self.constant()})", f"(uint32_t)((int32_t){a} >> 3)",
                f"(uint32_t)(uint8_t){a}", f"(uint32_t)(int16_t){a}",
                f"(uint32_t)__builtin_popcount({a})", f"words[{self.number(0, 1023)}]"]
        return self.rng.choice(common if self.rng.random() < 0.7 else rare)

    def u64(self, names, depth):
        if depth == 0:
            return self.pick(*names)
        a, b = self.two(self.u64, names, depth)
        return self.pick(
            f"({a} + {b})", f"({a} ^ {b})", f"({a} * {b})", f"({a} >> {self.number(1, 40)})",
            f"({a} << {self.number(1, 20)})", f"({a} - {b})", f"({a} | {b})",
            f"({a} + {self.number(1, 2**63)}ull)", f"({a} * {self.number(3, 2**62)}ull)",
            f"(uint64_t)(uint32_t){a}", f"({a} < {b} ? {a} : {b})")

    def f64(self, names, depth):
        if depth == 0:
            return self.pick(*names)
        a, b = self.two(self.f64, names, depth)
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / ({b} * {b} + 1.5))",
            f"__builtin_sqrt({a} * {a} + 0.25)", f"({a} < {b} ? {a} : {b})", f"(-{a})",
            f"({a} * {self.number(1, 4000) / 32})", f"({a} + {self.number(1, 4000) / 32})",
            f"__builtin_fabs({a})", f"reals[to_u32({a}) & (REALS - 1)]")

    # -- Function bodies -----------------------------------------------------------------

    def arithmetic(self, name):
        names = ["x", "y"]
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n")
        for i in range(self.times(3, 8)):
            self.emit(f"\tuint32_t t{i} = {self.u32(names[-6:], 3)};\n")
            names.append(f"t{i}")
        self.emit(f"\treturn {' ^ '.join(names[-4:])};\n}}\n\n")

    def wide(self, name):
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n"
                  f"\tuint64_t p = x * {self.number(3, 2**31)}ull;\n"
                  f"\tuint64_t q = y + {self.number(1, 2**40)}ull;\n\n"
                  f"\tfor (uint32_t i = 0; i < {self.number(2, 6)}; i++) {{\n")
        for _ in range(self.times(2, 6)):
            self.emit(f"\t\t{self.pick('p', 'q')} {self.pick('=', '^=', '+=')} "
                      f"{self.u64(['p', 'q', '(uint64_t)i'], 3)};\n")
        self.emit("\t}\n\treturn (uint32_t)(p ^ p >> 32) + (uint32_t)(q >> 17);\n}\n\n")

    def real(self, name):
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n"
                  "\tdouble u = reals[x & (REALS - 1)], v = reals[y & (REALS - 1)], w = 1;\n\n")
        for _ in range(self.times(3, 7)):
            self.emit(f"\t{self.pick('u', 'v', 'w')} = {self.f64(['u', 'v', 'w'], 3)};\n")
        self.emit(f"\tif (u > -1e6 && u < 1e6)\n\t\treals[{self.number(0, 255)}] = u;\n"
                  "\treturn to_u32(u * 8) ^ to_u32(v) ^ (uint32_t)(w > 2);\n}\n\n")

    def loop(self, name):
        step = self.number(1, 97) | 1
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n\tuint32_t s = {self.constant()};\n\n"
                  f"\tfor (uint32_t i = 0; i < {self.number(6, 24)}; i++) {{\n"
                  f"\t\tuint32_t *p = &words[(x + i * {step}) & (WORDS - 1)];\n\n")
        for _ in range(self.times(1, 4)):
            self.emit(f"\t\ts {self.pick('+=', '^=', '=')} {self.u32(['*p', 's', 'i', 'y'], 3)};\n")
            if self.rng.random() < 0.4:
                self.emit(f"\t\tif (s & {1 << self.number(0, 12)})\n"
                          f"\t\t\t*p = {self.u32(['*p', 's', 'y'], 2)};\n")
        self.emit(f"\t\tif (s == {self.constant()})\n\t\t\tbreak;\n\t}}\n\treturn s;\n}}\n\n")

    def switch(self, name):
        cases = self.number(6, 24)
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n\tuint32_t s = y;\n\n"
                  f"\tfor (uint32_t i = 0; i < {self.number(2, 5)}; i++) {{\n"
                  f"\t\tswitch ((x + s) % {cases + 2}) {{\n")
        for case in range(cases):
            self.emit(f"\t\tcase {case}:\n")
            for _ in range(self.times(1, 2)):
                self.emit(f"\t\t\ts {self.pick('+=', '^=', '=', '-=')} "
                          f"{self.u32(['s', 'x', 'y', 'i'], 2)};\n")
            through = self.rng.random() > 0.85
            self.emit("\t\t\t/* fall through */\n" if through else "\t\t\tbreak;\n")
        self.emit("\t\tdefault:\n\t\t\ts = rotate(s, 7) + 1;\n\t\t\tbreak;\n\t\t}\n\t}\n"
                  "\treturn s;\n}\n\n")

    def structure(self, name):
        fields = ["p->a", "p->b", "(uint32_t)p->c", "(uint32_t)p->d", "x", "y"]
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n"
                  f"\tstruct item *p = &items[(x ^ {self.number(0, 63)}) & (ITEMS - 1)];\n"
                  f"\tstruct item *q = &items[y & (ITEMS - 1)], keep = *q;\n\n")
        for _ in range(self.times(2, 6)):
            self.emit("\t" + self.pick(
                f"p->a = {self.u32(fields, 2)};",
                f"q->b = (uint16_t){self.u32(fields, 2)};",
                f"p->c = (int8_t){self.u32(fields, 2)};",
                f"p->d ^= {self.u64(['q->d', 'p->d', '(uint64_t)x'], 2)};",
                f"q->e = p->e * 0.5 + {self.number(1, 64)};",
                f"if (p->b > q->b)\n\t\tp->a += {self.u32(fields, 2)};",
                f"if ({self.u32(fields, 2)} & 1)\n\t\t*p = keep;") + "\n")
        self.emit("\treturn p->a ^ q->b ^ (uint32_t)(p->d >> 7) ^ to_u32(q->e) ^ keep.a;\n}\n\n")

    def text(self, name):
        words = [self.pick("open", "close", "key=", "127.0.0.1", " ", "; ", "Content-Length: ",
                           "42", "-7", "true", "\\n", "path/to/file", "0x1f", "GET ",
                           "value", "\\t")
                 for _ in range(self.number(4, 12))]
        self.texts += 1
        self.emit(f"static const char text{self.texts}[] = \"{''.join(words)}\";\n\n"
                  f"F {name}(uint32_t x, uint32_t y)\n{{\n\tuint32_t n = x, state = y % 3;\n\n"
                  f"\tfor (const char *c = text{self.texts}; *c != '\\0'; c++) {{\n")
        for _ in range(self.times(2, 4)):
            low = self.number(32, 100)
            self.emit(f"\t\tif (*c {self.pick('==', '>=', '<', '!=')} {low} && state "
                      f"{self.pick('==', '!=')} {self.number(0, 2)})\n"
                      f"\t\t\tn = {self.u32(['n', '(uint32_t)*c', 'state'], 2)}, "
                      f"state = (state + {self.number(1, 2)}) % 3;\n")
        self.emit("\t\telse\n\t\t\tn = n * 31 + (uint32_t)*c;\n\t}\n\treturn n;\n}\n\n")

    def cascade(self, name):
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n\tuint32_t s = x + y;\n\n")
        for _ in range(self.times(4, 9)):
            test = (f"{self.u32(['x', 'y', 's'], 2)} {self.pick('<', '>', '!=')} "
                    f"{self.number(1000, 2**31)}u")
            if self.rng.random() < 0.25:
                self.emit(f"\tif ({test} && s % 9 == {self.number(0, 8)})\n"
                          f"\t\treturn {self.u32(['x', 'y', 's'], 2)};\n")
            else:
                self.emit(f"\tif ({test})\n\t\ts = {self.u32(['x', 'y', 's'], 2)};\n"
                          f"\telse\n\t\ts ^= {self.u32(['x', 'y', 's'], 2)};\n")
        self.emit("\treturn s;\n}\n\n")

    def calls(self, name):
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n\tuint32_t s = x;\n\n")
        for _ in range(self.times(2, 5)):
            callee = self.rng.choice(self.leaves[-400:])
            self.emit(f"\ts {self.pick('+=', '^=', '=')} {callee}({self.u32(['s', 'x', 'y'], 1)}, "
                      f"{self.u32(['s', 'y'], 2)});\n")
            if self.rng.random() < 0.5:
                self.emit(f"\tif (s & {1 << self.number(0, 8)})\n"
                          f"\t\ts = {self.u32(['s', 'x', 'y'], 2)};\n")
        self.emit("\treturn s;\n}\n\n")

    def indirect(self, name):
        table = [self.rng.choice(self.leaves[-600:]) for _ in range(8)]
        self.emit(f"F {name}(uint32_t x, uint32_t y)\n{{\n"
                  f"\tstatic leaf_fn *const table[] = {{{', '.join(table[:4])},\n"
                  f"\t\t\t\t\t{', '.join(table[4:])}}};\n"
                  "\tuint32_t s = y;\n\n"
                  f"\tfor (uint32_t i = 0; i < {self.number(2, 5)}; i++) {{\n")
        for _ in range(self.times(1, 2)):
            self.emit(f"\t\ts = table[{self.u32(['s', 'x', 'i'], 2)} & 7](s, "
                      f"{self.u32(['x', 'y', 'i'], 2)});\n")
        self.emit("\t}\n\treturn s;\n}\n\n")

    # -- The whole -----------------------------------------------------------------------

    def function(self, name):
        leaf_kinds = [self.arithmetic, self.arithmetic, self.wide, self.real, self.loop,
                      self.switch, self.structure, self.structure, self.text,
                      self.cascade, self.cascade]
        if len(self.leaves) > 20 and self.rng.random() < 0.25:
            self.rng.choice([self.calls, self.calls, self.indirect])(name)
            return
        self.rng.choice(leaf_kinds)(name)
        self.leaves.append(name)

    def program(self, functions):
        visits = max(1, functions // 40)
        names = [f"f{i}" for i in range(functions - visits - 1)]
        self.emit(PRELUDE)
        for name in names:
            self.function(name)
        for v in range(visits):
            self.emit(f"F visit{v}(uint32_t s)\n{{\n")
            for name in names[v::visits]:
                # Added, so that no call can be dropped because a later one ignores s.
                self.emit(f"\ts += {name}(s, {self.number(0, 9999)}) + {self.number(1, 99)};\n")
            self.emit("\treturn s;\n}\n\n")
        self.emit("F visit_all(uint32_t s)\n{\n")
        for v in range(visits):
            self.emit(f"\ts ^= visit{v}(s + {v});\n")
        self.emit("\treturn s;\n}\n")
        self.emit(EPILOGUE)
        return "".join(self.out)


def main():
    parser = argparse.ArgumentParser(description="write a large C program for the benchmarks")
    parser.add_argument("--functions", type=int, default=3000)
    parser.add_argument("--weight", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(Writer(args.seed, args.weight).program(args.functions), end="")


if __name__ == "__main__":
    main()
