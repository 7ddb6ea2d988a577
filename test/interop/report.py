# SPDX-License-Identifier: Apache-2.0
"""report.py: what inside.py found, as Markdown: a table a question, footnotes with the engines' own words."""

import re

import shapes

HOW = {"": "", "platform": "with `--platform`", "runtime": "with `--runtime crun-wasm`", "command": "with a command",
       "all": "with `--all`"}
DULL = re.compile(r"^(See '|Run '|Usage|$)|--help")
VARIES = [
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:..."),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "..."),
    (re.compile(r"localhost(:\d+)?/interop/[a-z0-9-]+:1"), "REF"),
    (re.compile(r"10\.250\.0\.1(:\d+)?/interop/[a-z0-9-]+:1"), "REF"),
    (re.compile(r"10\.250\.0\.1(:\d+)?"), "HOST"),
    (re.compile(r"\binterop/[a-z0-9-]+:1\b"), "REF"),
    (re.compile(r"localhost:500\d"), "HOST"),
    (re.compile(r"/var/lib/skiff-interop/\S*?(?=[\s:'\"]|$)"), "..."),
    (re.compile(r"interop-\d+"), "ID"),
    (re.compile(r"\[?20\d\d-\d\d-\d\d[ T][0-9:.]+Z?\]?\s*"), ""),
]


def sentence(text):
    """The engine's last line, without what differs from run to run."""
    lines = [line.strip() for line in text.splitlines() if not DULL.search(line.strip())]
    line = lines[-1] if lines else "(it says nothing)"
    quoted = re.search(r'level=(?:error|fatal)\s+msg=(".*")', line)
    if quoted:
        line = re.sub(r"\\(.)", r"\1", quoted.group(1)[1:-1])
    for pattern, word in VARIES:
        line = pattern.sub(word, line)
    return line[:300].strip()


def short(row):
    """For whoever watches."""
    return "; ".join("%s%s" % (one["stage"], " (%s)" % one["how"] if one["how"] else "") +
                     ("" if one["stage"] in ("wasm", "native", "copies") else ": " + sentence(one["text"])[-110:])
                     for one in row["tries"])


def markdown(found):
    return "\n".join(str(rows) for rows in found.items())
