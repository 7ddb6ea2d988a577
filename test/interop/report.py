# SPDX-License-Identifier: Apache-2.0
"""report.py: what inside.py found, as Markdown: a table a question, footnotes with the engines' own words."""

import re

import makers
import shapes

HOW = {"": "", "platform": "with `--platform`", "runtime": "with `--runtime`", "command": "with a command",
       "all": "with `--all`", "archive": "saved as `docker-archive`"}
DULL = re.compile(r"^(See '|Run '|Usage|$)|--help")
VARIES = [
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:..."),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "..."),
    (re.compile(r"localhost(:\d+)?/interop/[a-z0-9-]+:1"), "REF"),
    (re.compile(r"10\.250\.0\.1(:\d+)?/interop/[a-z0-9-]+:1"), "REF"),
    (re.compile(r"10\.250\.0\.1(:\d+)?"), "HOST"),
    (re.compile(r"\binterop/[a-z0-9-]+:1\b"), "REF"),
    (re.compile(r"localhost:500\d"), "HOST"),
    (re.compile(r"/(share|var/lib/skiff)[/-]interop/[a-z0-9-]+\.tar(\.docker)?:?"), "FILE"),
    (re.compile(r"/var/lib/skiff-interop/[^\s:'\"]*/"), ".../"),
    (re.compile(r"interop-\d+"), "ID"),
    (re.compile(r"\[?20\d\d-\d\d-\d\d[ T][0-9:.]+Z?\]?\s*"), ""),
]


LOGGED = re.compile(r'level=(?:error|fatal)\s+msg="((?:[^"\\]|\\.)*)"')
JSON = re.compile(r'"msg"\s*:\s*"((?:[^"\\]|\\.)*)"')
CHOSEN = re.compile(r"^\s*\* oci-archive: ")  # of podman's list of all it tried, what was meant
NEEDLESS = re.compile(r"unable to perform copy: |unable to copy from source (docker://REF|oci-archive:FILE): |: unknown\.?$|\.$|"
                      r"^unpacking REF \(sha256:\.\.\.\)\.\.\.")


def sentence(text):
    """The engine's last line, without what differs from run to run."""
    found = LOGGED.findall(text) or JSON.findall(text)
    if found:
        line = re.sub(r"\\(.)", r"\1", found[-1])
    else:
        lines = [line.strip() for line in text.splitlines() if not DULL.search(line.strip())]
        line = ([line for line in lines if CHOSEN.search(line)] or lines or ["(it says nothing)"])[-1]
    for pattern, word in VARIES + [(NEEDLESS, "")]:
        line = pattern.sub(word, line)
    return line[:300].strip()


def short(row):
    """For whoever watches."""
    return "; ".join("%s%s" % (one["stage"], " (%s)" % one["how"] if one["how"] else "") +
                     ("" if one["stage"] in ("wasm", "native", "copies") else ": " + sentence(one["text"])[-110:])
                     for one in row["tries"])


# -- tables ------------------------------------------------------------------------------------------------


class Notes:
    """Footnotes; what was said before keeps its number."""

    def __init__(self):
        self.known = {}

    def mark(self, texts):
        numbers = sorted({self.known.setdefault(text, len(self.known) + 1) for text in texts})
        return "<sup>%s</sup>" % ",".join(str(number) for number in numbers) if numbers else ""

    def rows(self):
        return ["%d. %s" % (number, text) for text, number in self.known.items()]


def quoted(text):
    return "`%s`" % sentence(text).replace("`", "'")


def copies(tries):
    """A cell of skopeo's."""
    best = [one for one in tries if one["stage"] == "copies"]
    if not best:
        return "refused", [quoted(one["text"]) for one in tries]
    texts = ["To %s: %s" % (" and ".join(one["places"]), quoted(one["text"])) for one in tries if one["stage"] == "refused"]
    hows = sorted({one["how"] for one in best})
    return "copies" + "".join(", " + HOW[how].replace("--platform", "--override-os") for how in hows if how), texts


def cell(row):
    """What a reader wants to know of the tries: how it runs, else how far it came; and what the engine said to that."""
    tries = row["tries"]
    if row["engine"] == "skopeo":
        return copies(tries)
    first, last = tries[0], tries[-1]
    if last["stage"] == "wasm":
        text = ("native; " if first["stage"] == "native" else "") + "runs" + (", " + HOW[last["how"]] if last["how"] else "")
        if row["shape"] not in BARE and (last["argument"] != "one" or last["variable"] == "none"):
            text += ", without the image's settings"
        return text, [] if last is first or first["stage"] == "native" else [quoted(first["text"])]
    if first["stage"] == "native":
        return "native", [] if last["stage"] == "native" else [quoted(last["text"])]
    said = [one for one in tries if one is first or one["how"] in ("command", "archive")]
    return first["stage"], [quoted(one["text"]) for one in said]


BARE = shapes.NO_SETTINGS + ("tls", "password", "wrong")
TITLES = {"ctr": "ctr", "cri-local": "CRI, local pull", "cri-transfer": "CRI, transfer service",
          "docker-containerd": "docker, containerd's store", "docker-graph": "docker, graph driver", "podman": "podman",
          "skopeo": "skopeo", "skiff": "skiff", "registry": "from a registry", "file": "from a file"}
ROWS = {"tls": "TLS, a certificate of one's own", "password": "TLS and a password", "wrong": "TLS and a wrong password"}
ROWS.update({shape.name: shape.what for shape in shapes.SHAPES})
ROWS.update({maker.name: maker.what for maker in makers.MAKERS})
TABLES = {"pull": "Pulled from a registry", "file": "Loaded from a file", "door": "Behind TLS and a password",
          "others": "Made by others, run by Skiff"}


def merged(machines, cells, notes):
    """One cell of what several machines say: once, where they say the same but for the words."""
    said = {}
    for machine in machines:
        if machine in cells:
            text, words = cell(cells[machine])
            said.setdefault(text, ([], []))
            said[text][0].append(machine)
            said[text][1].extend(words)
    here = sum(len(names) for names, _ in said.values())
    return "; ".join(text + (" (%s)" % ", ".join(names) if len(names) < here else "") + notes.mark(words)
                     for text, (names, words) in said.items())


def table(name, found, notes):
    cells = {}
    for machine, rows in found.items():
        for row in rows:
            if row.get("table") == name:
                cells.setdefault((row["shape"], row["engine"]), {})[machine] = row
    if not cells:
        return []
    engines = [engine for engine in TITLES if any(key[1] == engine for key in cells)]
    lines = ["", "### " + TABLES[name], "", "| | " + " | ".join(TITLES[engine] for engine in engines) + " |",
             "|---" * (len(engines) + 1) + "|"]
    about = next(iter(found.values()))
    made = next((row["made"] for row in about if "made" in row), {})
    forms = next((row["forms"] for row in about if "forms" in row), {})
    for shape in dict.fromkeys(key[0] for key in cells):
        what = ROWS[shape] + (", by `%s`" % made[shape] if made.get(shape) and name in ("pull", "file") else "")
        what += " (%s)" % forms[shape] if name == "others" and forms.get(shape) else ""
        lines.append("| %s | %s |" % (what, " | ".join(merged(found, cells.get((shape, engine), {}), notes)
                                                      for engine in engines)))
    return lines


def versions(machine, rows):
    known = next(row["versions"] for row in rows if "versions" in row)
    return "| %s | %s |" % (machine, ", ".join("%s %s" % (name, value[0]) for name, value in known.items()))


def size_table(found):
    lines = ["", "### What a hello weighs", "", "| | machine | fetched | unpacked |", "|---|---|---|---|"]
    rows = {}
    for machine, answers in found.items():
        for what, *sizes in next((row["sizes"] for row in answers if "sizes" in row), []):
            rows.setdefault((what, *("%.1f KB" % (size / 1e3) if size < 1e6 else "%.1f MB" % (size / 1e6) for size in sizes)),
                            []).append(machine)
    for (what, *sizes), machines in rows.items():
        lines.append("| %s | %s | %s |" % (what, ", ".join(machines), " | ".join(sizes)))
    return lines if rows else []


def markdown(found):
    notes = Notes()
    lines = ["| | packages |", "|---|---|"] + [versions(machine, rows) for machine, rows in found.items()]
    for name in TABLES:
        lines += table(name, found, notes)
    lines += size_table(found)
    return "\n".join(lines + ["", "### What they say", "", "REF is the image's name, HOST the registry's.", ""] + notes.rows())
