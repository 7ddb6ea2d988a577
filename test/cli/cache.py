# SPDX-License-Identifier: Apache-2.0
"""The cache of modules: what is kept and found, what is not believed, and who is killed when."""

import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import modules
from bench import ROOT, TIME_LIMIT, Skip, test

OTHER_BUILD = "00112233445566778899aabbccddeeff"
OTHER_USER = 4711
ROUNDS_MAX = 200  # system calls of one adding


def sized(fill, kilobytes=64):
    """A module that does nothing, and its ballast."""
    return modules.module([("_start", [], [], "")]) + modules.custom("ballast", bytes([fill]) * (kilobytes << 10))


class Cache:
    """A cache in a folder of its own, and some modules beside it."""

    def __init__(self, b, top=None):
        self.b = b
        self.folder = tempfile.mkdtemp(prefix="skiff-cache-", dir=top)
        self.path = os.path.join(self.folder, "cache")

    def module(self, title="m.wasm", fill=1):
        path = os.path.join(self.folder, title)
        with open(path, "wb") as out:
            out.write(sized(fill))
        return path

    def cache(self, *args, code=0, out=None, err=None, **more):
        return self.b.expect(["cache"] + list(args) + ["--cache", self.path], code, out, err, **more)

    def add(self, *files):
        self.cache("add", *files, out="")

    def run(self, file, err=None):
        """And wait for who puts the module in behind our back."""
        r = self.b.expect(["run", "--cache", self.path, file], 0, "", err)
        reap()
        return r

    def list(self):
        return json.loads(self.cache("ls", "--json").out)["entries"]

    def engine(self):
        found = [f for f in glob.glob(os.path.join(self.path, "*")) if os.path.isdir(f)
                 and not f.endswith(OTHER_BUILD)]
        assert len(found) == 1, found
        return found[0]

    def names(self, pattern):
        return sorted(glob.glob(os.path.join(self.engine(), pattern)))

    def entry(self):
        found = self.names("*.skiff")
        assert len(found) == 1, found
        return found[0]


def adopt(yes):
    """Processes whose parent ends become our children, or no longer."""
    ctypes.CDLL(None).prctl(36, int(yes), 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def reap():
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


@contextlib.contextmanager
def fresh(b, top=None):
    c = Cache(b, top)
    adopt(True)
    try:
        yield c
    finally:
        reap()
        adopt(False)
        shutil.rmtree(c.folder, ignore_errors=True)


def rewrite(path, change):
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        change(file)
    os.chmod(path, 0o400)


def flip(at):
    def change(file):
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0xff]))
    return change


# -- The verb ---------------------------------------------------------------------------------------


@test
def cache_mistakes(b):
    b.sentence(["cache"], 2, "ls, verify, prune, clear or add is missing")
    b.sentence(["cache", "lss"], 2, "unknown word 'lss', did you mean 'ls'?")
    b.sentence(["cache", "ls", "x"], 2, "too many: 'x'")
    b.sentence(["cache", "add"], 2, "FILE is missing")
    b.sentence(["cache", "clear", "--json"], 2, "'cache clear' has no option '--json'")
    b.sentence(["cache", "--max-age", "1d", "ls"], 2, "'cache ls' has no option '--max-age'")
    b.sentence(["cache", "prune", "--max-size", "much"], 2, "'much' is not a size")
    b.sentence(["cache", "prune", "--max-age", "long"], 2, "'long' is not a time")
    with fresh(b) as c:
        c.b.sentence(["cache", "add", "--cache", c.path, "missing.wasm"], 1, "missing.wasm: No such")
        bad = os.path.join(c.folder, "bad.wasm")
        with open(bad, "wb") as out:
            out.write(b"\0asm\1\0\0\0" + b"\x63" * 9000)
        c.b.sentence(["cache", "add", "--cache", c.path, bad], 1, "bad.wasm: ")
        assert c.list() == [] and not c.names("*")
        short = os.path.join(c.folder, "short.wasm")
        with open(short, "wb") as out:
            out.write(sized(1)[:-1000])
        c.b.sentence(["cache", "add", "--cache", c.path, short], 1, "short.wasm: malformed")
        assert c.list() == [] and not c.names("*")


@test
def cache_adds_standard_input(b):
    with fresh(b) as c:
        with open(c.module(), "rb") as file:
            file.seek(1000)
            c.cache("add", "-", out="", stdin=file)
            assert file.tell() == 1000
        assert len(c.list()) == 1
        c.run(os.path.join(c.folder, "m.wasm"))
        with open("/dev/null", "rb") as null:
            c.cache("add", "-", code=1, out="", err="standard input: is no regular file", stdin=null)


@test
def cache_lists(b):
    with fresh(b) as c:
        c.cache("ls", out="")
        assert c.list() == []
        c.add(c.module("a.wasm", 1), c.module("b.wasm", 2))
        rows = c.cache("ls").out.split("\n")
        assert re.match(r"MODULE +OPTIONS +SIZE +ON DISK +USED$", rows[0]), rows
        assert len(rows) == 4 and rows[3] == "", rows
        for row in rows[1:3]:
            assert re.match(r"[0-9a-f]{12}  [0-9a-f]{8} +64K +\S+K +\d+ s$", row), row
        entries = c.list()
        assert [e["ours"] for e in entries] == [True, True], entries
        assert {e["module_bytes"] for e in entries} == {os.path.getsize(c.folder + "/a.wasm")}
        whole = json.loads(c.cache("ls", "--json").out)
        assert whole["format"] == 1 and whole["directory"] == c.path
        assert whole["bytes"] == sum(e["bytes"] for e in entries)
        # Looking does not count as use.
        os.utime(c.names("*.skiff")[0], (time.time() - 86400 * 3,) * 2)
        assert [e["used"] > time.time() - 999 for e in c.list()] == [True, False]
        assert "  3 d" in c.cache("ls").out
        assert [e["used"] > time.time() - 999 for e in c.list()] == [True, False]


@test
def cache_has_marks_and_modes(b):
    with fresh(b) as c:
        c.add(c.module())
        with open(os.path.join(c.path, "CACHEDIR.TAG"), encoding="utf-8") as tag:
            assert tag.read().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
        assert stat.S_IMODE(os.stat(c.path).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(c.engine()).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(c.entry()).st_mode) == 0o400
        assert not c.names("tmp-*") and len(c.names("like-*")) == 1


@test
def cache_prunes(b):
    with fresh(b) as c:
        for fill in range(4):
            c.add(c.module("m%d.wasm" % fill, fill + 1))
        size = c.list()[0]["bytes"]
        for age, name in enumerate(c.names("*.skiff")):
            os.utime(name, (time.time() - 86400 * (1 + age * 10),) * 2)
        c.cache("prune", out="removed 1 of %dK, kept 3 of %dK\n" % (size >> 10, 3 * size >> 10))
        c.cache("prune", "--max-age", "15d",
                out="removed 1 of %dK, kept 2 of %dK\n" % (size >> 10, 2 * size >> 10))
        oldest = c.names("*.skiff")[1]
        c.cache("prune", "--max-size", str(size),
                out="removed 1 of %dK, kept 1 of %dK\n" % (size >> 10, size >> 10))
        assert not os.path.exists(oldest) and len(c.names("like-*")) == 1
        c.cache("clear", out="removed 1 of %dK, kept 0 of 0\n" % (size >> 10))
        assert c.list() == [] and c.names("*") == []
        c.cache("clear", out="removed 0 of 0, kept 0 of 0\n")


@test
def cache_is_shared_by_builds(b):
    with fresh(b) as c:
        file = c.module()
        c.add(file)
        other = os.path.join(c.path, OTHER_BUILD)
        shutil.copytree(c.engine(), other, symlinks=True)
        c.cache("verify", out="1 verified, 0 damaged, 1 of other builds not looked at\n")
        text = c.cache("ls").out
        assert text.count("other build") == 1 and " ?  " in text, text
        assert sorted((e["ours"], e["module_bytes"] is None) for e in c.list()) == [(False, True), (True, False)]
        c.run(file)
        # What only the other one has is not taken.
        shutil.rmtree(c.engine())
        c.run(file)
        c.cache("clear")
        assert not os.path.exists(other)


# -- What is not believed -----------------------------------------------------------------------------


def refuses(c, file, words):
    """The module runs, a line says why it was not from the cache, and by that it was put in again."""
    r = c.run(file, err="^skiff: warning: .*" + words + ".*\n$")
    assert r.err.count("\n") == 1, r
    c.run(file)


@test
def cache_verifies(b):
    with fresh(b) as c:
        file = c.module()
        c.add(file, c.module("other.wasm", 2))
        c.cache("verify", out="2 verified, 0 damaged\n")
        name = c.names("*.skiff")[0]
        rewrite(name, flip(os.path.getsize(name) // 2))
        c.cache("verify", code=1, out="2 verified, 1 damaged\n",
                err="^skiff: %s: removed: its content was changed.*\n$" % os.path.basename(name))
        assert not os.path.exists(name)
        c.cache("verify", out="1 verified, 0 damaged\n")
        c.run(file)


@test
def cache_refuses_damaged_files(b):
    with fresh(b) as c:
        file = c.module()
        c.add(file)
        for change in (flip(4), flip(100), flip(300), lambda f: f.truncate(0), lambda f: f.truncate(4000),
                       lambda f: f.truncate(50000)):
            rewrite(c.entry(), change)
            refuses(c, file, "in the cache is not used")


@test
def cache_refuses_smuggled_files(b):
    with fresh(b) as c:
        file = c.module()
        c.add(file, c.module("other.wasm", 2))
        one, two = c.names("*.skiff")
        for name, instead in ((one, two), (two, one)):
            shutil.copy(instead, name + ".new")
            os.replace(name + ".new", name)
            warned = [c.run(path, err="^$|of another module").err
                      for path in (file, os.path.join(c.folder, "other.wasm"))]
            assert "" in warned and len(set(warned)) == 2, warned
            c.cache("verify", out="2 verified, 0 damaged\n")
        os.unlink(two)
        os.unlink(one)
        c.add(file)
        entry = c.entry()
        os.chmod(entry, 0o622)
        refuses(c, file, "lets others write")
        os.replace(entry, os.path.join(c.folder, "moved"))
        os.symlink(os.path.join(c.folder, "moved"), entry)
        refuses(c, file, "is a link")
        os.unlink(entry)
        os.mkfifo(entry)
        refuses(c, file, "no regular file")
        if os.geteuid() == 0:
            os.chown(entry, OTHER_USER, 0)
            refuses(c, file, "belongs to another user")
        # A link by which a file is found may only name an artifact here.
        for link in c.names("like-*") + c.names("at-*"):
            os.unlink(link)
            os.symlink(os.path.join(c.folder, "moved"), link)
        c.run(file)


@test
def cache_refuses_directories(b):
    with fresh(b) as c:
        file = c.module()
        c.add(file)
        for path in (c.engine(), c.path, c.folder):
            for mode in (0o720, 0o702, 0o777):
                os.chmod(path, mode)
                c.run(file, err="^skiff: warning: .*'%s' lets others write to it\n$" % re.escape(path))
                r = c.cache("add", file, code=1, out="", err="lets others write")
                assert r.err.count("\n") == 1, r
                if path != c.engine():
                    c.cache("ls", code=1, out="", err="lets others write")
            os.chmod(path, 0o700)
            if os.geteuid() == 0:
                os.chown(path, OTHER_USER, 0)
                c.run(file, err="^skiff: warning: .*'%s' belongs to another user\n$" % re.escape(path))
                os.chown(path, 0, 0)
        c.run(file)
        real = os.path.join(c.folder, "real")
        engine = c.engine()
        os.rename(engine, real)
        os.symlink(real, engine)
        c.run(file, err="^skiff: warning: .*is a link\n$")


@test
def cache_where_none_can_be(b):
    with fresh(b) as c:
        file = c.module()
        for path, words in ((file, "Not a directory"), (file + "/x", "Not a directory"),
                            ("", "no name"), ("/" + "x" * 5000, "too long")):
            b.expect(["run", "--cache", path, file], 0, "", words)
            b.expect(["cache", "add", "--cache", path, file], 1, "", words)
        if os.path.exists("/proc/self"):
            b.expect(["run", "--cache", "/proc/skiff", file], 0, "")
            b.expect(["cache", "add", "--cache", "/proc/skiff", file], 1, "", "skiff: ")


@test
def cache_on_a_full_disk(b):
    if not os.path.exists("/dev/full") or shutil.which("mount") is None or os.geteuid() != 0:
        raise Skip("mounting a small tmpfs needs root")
    with fresh(b) as c:
        file = c.module()
        small = os.path.join(c.folder, "small")
        os.mkdir(small, 0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k,mode=700", "none", small],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Skip("no tmpfs may be mounted: " + done.stderr.decode().strip())
        try:
            c.path = os.path.join(small, "cache")
            c.cache("add", file, code=1, out="", err="No space left")
            assert c.names("*") == [], c.names("*")
            c.run(file)
            subprocess.run(["mount", "-o", "remount,ro", small], check=True)
            c.cache("add", file, code=1, out="", err="Read-only file system")
            c.run(file)
        finally:
            subprocess.run(["umount", "-l", small], check=False)


# -- What is found again ------------------------------------------------------------------------------


def calls(c, file):
    """The system calls of a run, for what it read of the module."""
    if shutil.which("strace") is None:
        raise Skip("strace is missing (Debian: apt-get install strace)")
    trace = os.path.join(c.folder, "trace")
    done = subprocess.run(["strace", "-o", trace, c.b.skiff, "run", "--cache", c.path, file],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIME_LIMIT, check=False)
    if done.returncode != 0 or not os.path.exists(trace) or os.path.getsize(trace) == 0:
        raise Skip("strace cannot trace here: " + done.stderr.decode().strip()[:200])
    with open(trace, encoding="utf-8", errors="replace") as lines:
        return [line for line in lines if line.split("(")[0] in ("pread64", "read")]


@test
def cache_knows_a_file_unread(b):
    for top in (None, "/dev/shm"):
        if top is not None and not os.access(top, os.W_OK):
            continue
        with fresh(b, top) as c:
            file = c.module()
            c.add(file)
            assert calls(c, file), "a new file is read"
            time.sleep(3.1)
            calls(c, file)
            if c.names("at-*"):
                assert not calls(c, file), calls(c, file)
                os.utime(file)
                assert calls(c, file)
            copy = os.path.join(c.folder, "copy.wasm")
            shutil.copy(file, copy)
            assert len(calls(c, copy)) >= 4


# -- Several at once, and some that are killed ------------------------------------------------------------


@test
def cache_filled_by_many(b):
    with fresh(b) as c:
        files = [c.module("m%d.wasm" % i, i + 1) for i in range(3)]
        command = [b.skiff, "cache", "add", "--cache", c.path] + files
        started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(8)]
        for process in started:
            text = process.communicate(timeout=TIME_LIMIT)[1]
            assert process.returncode == 0 and text == b"", text
        assert len(c.list()) == 3
        c.cache("verify", out="3 verified, 0 damaged\n")
        assert not c.names("tmp-*"), c.names("tmp-*")
        for file in files:
            c.run(file)


def strace(c, file, *options):
    """Add under strace; the exit code."""
    if shutil.which("strace") is None:
        raise Skip("strace is missing (Debian: apt-get install strace)")
    done = subprocess.run(["strace"] + list(options) + [c.b.skiff, "cache", "add", "--cache", c.path, file],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIME_LIMIT, check=False)
    if done.returncode not in (0, -signal.SIGKILL):
        raise Skip("strace cannot trace here: " + done.stderr.decode().strip()[:200])
    return done.returncode


def steps(c, file):
    """The system calls of an adding, each with its number among those of its name."""
    trace, numbers, found = os.path.join(c.folder, "trace"), {}, []
    strace(c, file, "-o", trace)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        names = [line.split("(")[0] for line in lines if re.match(r"[a-z0-9_]+\(", line)]
    for name in names:
        numbers[name] = numbers.get(name, 0) + 1
        found.append((name, numbers[name]))
    return [step for step in found if step[0] not in ("execve", "exit_group", "arch_prctl")]


def is_valid(c, step, most):
    entries = c.list()
    assert len(entries) <= most and all(e["module_bytes"] for e in entries), (step, entries)
    c.cache("verify", out="%d verified, 0 damaged\n" % len(entries))
    return len(entries)


@test
def cache_survives_kills(b):
    for replaces in (False, True):
        with fresh(b) as c:
            file = c.module()
            if replaces:
                c.add(file)
            todo = steps(c, file)
            # Where it is there already, nothing is written, and the disk is not waited for.
            assert {"flock"} | (set() if replaces else {"fsync", "renameat"}) <= {name for name, _ in todo}, todo
            for name, number in todo:
                if not replaces:
                    shutil.rmtree(c.path)
                code = strace(c, file, "-o", "/dev/null", "-e",
                              "inject=%s:signal=KILL:when=%d" % (name, number))
                assert code == -signal.SIGKILL, (name, number)
                # What is there is whole; the module runs; and by that it is put in.
                assert is_valid(c, (name, number), 1) or not replaces, (name, number)
                c.run(file)
                assert is_valid(c, (name, number), 1) == 1, (name, number)
                assert c.names("like-*"), (name, number)
            c.add(file)
            assert not [f for f in c.names("tmp-*") if f.endswith(".skiff")], c.names("tmp-*")


def calls_of_decoder(c, file):
    """System calls that only the process that decodes makes, each with its number."""
    trace, calls = os.path.join(c.folder, "trace"), {}
    strace(c, file, "-f", "-o", trace)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = re.match(r"(\d+) +([a-z0-9_]+)\(", line)
            if found:
                calls.setdefault(found.group(1), []).append(found.group(2))
    assert len(calls) == 2, calls
    one, other = calls.values()
    names = sorted(set(other) - set(one) - {"exit_group"})
    return [(name, number) for name in names for number in range(1, other.count(name) + 1)]


@test
def cache_survives_kills_of_who_decodes(b):
    with fresh(b) as c:
        file = c.module()
        todo = calls_of_decoder(c, file)
        assert {"pwrite64", "seccomp", "setresuid"} <= {name for name, _ in todo}, todo
        for name, number in todo:
            shutil.rmtree(c.path)
            done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                                   "inject=%s:signal=KILL:when=%d" % (name, number), c.b.skiff, "cache", "add",
                                   "--cache", c.path, file], stderr=subprocess.PIPE, timeout=TIME_LIMIT, check=False)
            text = done.stderr.decode()
            assert done.returncode == 1 and text.count("\n") == 1 and "was killed" in text, (name, number, text)
            assert c.list() == [] and not c.names("*"), (name, number, c.names("*"))
        c.add(file)


@test
def cache_documents_agree(b):
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as page:
        text = page.read()
    for word in ("ls", "verify", "prune", "clear", "add"):
        assert "skiff cache %s" % word in text, word
        assert re.search(r"^  %s " % word, b.run("help", "cache").out, re.M), word
