# SPDX-License-Identifier: Apache-2.0
"""The table of config.json's fields (src/oci/spec.def), read as text."""

import re

import sources

ROW = re.compile(r"^(LEVEL|FIELD|REQUIRED)\(", re.M)
# Kinds that lead to another level, and what they add to the path.
LEADS = {"OBJECT": "", "OBJECT_AT": "", "OBJECT_MARKED": "", "LIST": "[]", "EACH": "[]", "KEYED": "{}"}


class Field:
    def __init__(self, path, required, kind, args, state, text):
        self.path, self.required, self.kind, self.args = path, required, kind, args
        self.state, self.text = state, text

    @property
    def name(self):
        return self.path.rsplit(".", 1)[-1]

    @property
    def leads_to(self):
        return ("hook", "[]") if self.kind == "HOOKS" else (self.args[0], LEADS[self.kind]) \
            if self.kind in LEADS else None

    @property
    def is_whole(self):
        """Does it speak for all below it?"""
        return self.kind == "NONE"


def split(text):
    """The arguments at the front of `text`, up to the parenthesis that closes them."""
    args, depth, start, quoted = [], 0, 0, False
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char in ",)" and depth == 0:
            args.append(" ".join(text[start:at].split()))
            start = at + 1
            if char == ")":
                return args
        elif char == ")":
            depth -= 1
    raise ValueError("no end: " + text[:80])


def levels():
    """{level: [(name, required, kind, its arguments, state, sentence)]}"""
    text = re.sub(r"/\*.*?\*/", "", sources.read("src/oci/spec.def"), flags=re.S)
    found = {}
    for match in ROW.finditer(text):
        args = split(text[match.end():])
        if match.group(1) == "LEVEL":
            found[args[0]] = []
            continue
        level, name, kind, state, sentence = args
        kind, inner = kind.split("(", 1)
        found[level].append((name, match.group(1) == "REQUIRED", kind, split(inner), state,
                             "".join(re.findall(r'"([^"]*)"', sentence))))
    return found


def walk():
    """[(level, its paths, its fields)] in the order of the table; the fields of the first path come first."""
    table, paths = levels(), {}

    def enter(level, path):
        paths.setdefault(level, []).append(path)
        for row in table[level]:
            field = Field(path + row[0], *row[1:])
            if field.leads_to:
                target, mark = field.leads_to
                enter(target, field.path + mark + ".")

    enter("spec", "")
    assert set(paths) == set(table), "nothing leads to %s" % (set(table) - set(paths))
    return [(level, [path.rstrip(".") for path in paths[level]],
             [Field(path + row[0], *row[1:]) for path in paths[level] for row in rows])
            for level, rows in table.items()]
