# SPDX-License-Identifier: Apache-2.0
"""Mistakes in what is created and executed: one sentence, the right exit code, nothing left."""

import json
import os
import subprocess

from box import TIME_LIMIT, need, read, write
from life import made, up
from mistakes import BAD, change
from tap import test

VERBS = ("create", "start", "state", "kill", "pause", "resume", "delete", "exec")


def one_sentence(r, code, *words):
    assert r.code == code and r.out == "", "exit code should be %d, and nothing have run: %s" % (code, r)
    assert r.err.count("\n") == 1 and r.err.startswith("skiff: "), "one sentence: %s" % r
    for word in words:
        assert word.lower() in r.err.lower(), "the sentence should have %r: %s" % (word, r)


def all_of(cases, work):
    """work(*case) for each; all that are wrong are told."""
    wrong = []
    for case in cases:
        try:
            work(*case)
        except AssertionError as mistake:
            wrong.append("%r: %s" % (case, mistake))
    assert not wrong, "%d of %d:\n%s" % (len(wrong), len(cases), "\n".join(wrong))


@test
def create_of_bad_bundles(b):
    def one(path, value, word):
        with made(b, "say", "ran") as c:
            change(c.u, path, value)
            one_sentence(c.create(code=1), 1, word)
            assert not os.path.exists("/run/skiff/" + c.id) and not c.u.cgroups(), "left: %s" % c.u.left()
    all_of(BAD, one)


@test
def create_of_bad_modules(b):
    def one(data, code, word):
        with made(b) as c:
            os.remove(os.path.join(c.u.root, "kit.wasm"))
            if data is not None:
                c.u.file("kit.wasm", data)
            one_sentence(c.create(code=code), code, word)
            assert not os.path.exists("/run/skiff/" + c.id) and not c.u.cgroups(), "left: %s" % c.u.left()
    whole = read_bytes(b.kit)
    all_of(((None, 127, "No such file"), (b"", 126, "kit.wasm"), (b"#!/bin/sh\n", 126, "kit.wasm"),
            (b"\x7fELF\2\1\1", 126, "kit.wasm"), (b"\0asm\1\0\0\0\1", 1, "kit.wasm"),
            (b"\0asm\x0d\0\1\0", 1, "component"), (whole[:len(whole) // 2], 1, "kit.wasm"), (whole[:-1], 1, "kit.wasm")),
           one)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


@test
def create_without_a_bundle(b):
    with made(b, "say", "ran") as c:
        for folder, word in ((c.u.folder + "/nowhere", "No such file"), (c.u.root, "config.json"),
                             (c.u.folder + "/rootfs/kit.wasm", "Not a directory")):
            one_sentence(c.do("create", code=1, err=None, options=("--no-cache", "--bundle", folder)), 1, word)
        for text in ("", "{", "[]", "\0", '{"ociVersion":1}', '{"ociVersion":"1.0.2","process":3}'):
            write(os.path.join(c.u.folder, "config.json"), text)
            one_sentence(c.do("create", code=1, err=None, options=("--bundle", c.u.folder)), 1, "config.json")
        # The bundle of the working directory.
        one_sentence(c.do("create", code=1, err=None, cwd=c.u.root), 1, "config.json")


@test
def bad_names(b):
    with made(b, "say", "ran") as c:
        write(os.path.join(c.u.folder, "config.json"), json.dumps(c.u.config))
        for ident in ("a/b", "..", ".", "", "a b", "../x", "x" * 256, "a:b"):
            for verb in VERBS:
                words = ("/kit.wasm",) if verb == "exec" else ()
                options = ("--bundle", c.u.folder) if verb == "create" else ()
                r = c.do(verb, *words, ident=ident, code=None, err=None, options=options)
                one_sentence(r, r.code, "ID '%s" % ident[:60])
                assert r.code in (1, 2), "%s %r: %s" % (verb, ident, r)
        assert not os.path.exists("/run/x") and "ran" not in c.u.run().err


@test
def command_lines_that_make_no_sense(b):
    with made(b, "nap", "600000") as c:
        c.create()
        for verb in VERBS:
            for words in ((), ("--nonsense", c.id)):
                done = subprocess.run([b.skiff, verb] + list(words), capture_output=True, text=True,
                                      timeout=TIME_LIMIT, check=False)
                assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("skiff: "), done
        for verb in ("create", "start", "state", "pause", "resume", "delete"):
            c.do(verb, "extra", code=2, err="extra")
        assert c.status == "created"


@test
def group_that_may_not_be_made(b):
    """A file system of control groups that is read-only, as in many containers."""
    with made(b, "say", "ran") as c:
        write(os.path.join(c.u.folder, "config.json"), json.dumps(c.u.config))
        places = [line.split()[4] for line in read("/proc/self/mountinfo").strip().split("\n") if " - cgroup" in line]
        script = "".join("mount -o remount,bind,ro %s && " % place for place in places) + 'exec "$@"'
        for verb in ("create", "run"):
            done = subprocess.run(
                [need("unshare"), "--mount", "sh", "-c", script, "sh", b.skiff, verb, "--no-cache", "--bundle",
                 c.u.folder, c.id], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT,
                check=False)
            assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1, done
            assert "cgroup" in done.stderr and "Read-only file system" in done.stderr, done
            assert not os.path.exists("/run/skiff/" + c.id)


PROCESSES = (
    (("args",), None, "args"), (("args",), [], "args"), (("args",), "hello", "args"), (("args",), [1], "args"),
    (("cwd",), None, "cwd"), (("cwd",), "relative", "cwd"), (("cwd",), 3, "cwd"),
    (("env",), ["NO_EQUALS"], "env"), (("env",), {"A": "1"}, "env"), (("user",), {"uid": -1}, "user.uid"),
    (("user",), {"uid": "root"}, "user.uid"), (("user",), {"gid": 1 << 40}, "user.gid"),
    (("terminal",), "yes", "terminal"), (("rlimits",), [{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}], "rlimits"),
    (("rlimits",), [{"type": "RLIMIT_NOFILE", "soft": 3, "hard": 1}], "rlimits"),
    (("rlimits",), [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}], "RLIMIT_NOFILE"),
    (("oomScoreAdj",), 2000, "oomScoreAdj"), (("capabilities",), ["CAP_KILL"], "capabilities"),
    (("apparmorProfile",), "some-profile", "apparmor"), (("selinuxLabel",), "some:label:x", "selinux"),
    (("noNewPrivileges",), 1, "noNewPrivileges"),
)


@test
def exec_of_bad_processes(b):
    with up(b) as c:
        path = os.path.join(c.u.folder, "process.json")

        def one(place, value, word):
            process = {"args": ["/kit.wasm", "say", "ran"], "cwd": "/", "user": {"uid": 0, "gid": 0}}
            if value is None:
                del process[place[0]]
            else:
                process[place[0]] = value
            write(path, json.dumps(process))
            r = c.do("exec", code=None, err=None, options=("--no-cache", "--process", path))
            one_sentence(r, 1, word)
        all_of(PROCESSES, one)
        one_sentence(c.do("exec", code=1, err=None, options=("--process", c.u.folder)), 1, c.u.folder)
        assert c.status == "running"


@test
def exec_of_bad_modules(b):
    with up(b) as c:
        whole = read_bytes(b.kit)

        def one(data, word):
            c.u.file("bad.wasm", data)
            one_sentence(c.exec(module="/bad.wasm", code=None, err=None), 1, word)
        all_of(((b"\0asm\1\0\0\0\1", "bad.wasm"), (b"\0asm\x0d\0\1\0", "component"),
                (whole[:len(whole) // 2], "bad.wasm"), (whole[:-1], "bad.wasm")), one)
        one_sentence(c.exec(module="/kit.wasm#otter", code=1, err=None), 1, "did you mean 'other'")
        c.u.file("file", "x")
        one_sentence(c.exec("cwd", options=("--cwd", "/file"), code=1, err=None), 1, "'/file'", "Not a directory")
        one_sentence(c.exec("say", "x", options=("--cwd", "relative"), code=1, err=None), 1, "cwd")
        assert c.status == "running"


@test
def exec_leaves_nothing_that_fails(b):
    with up(b) as c:
        def counts():
            return read("/proc/self/mountinfo").count(c.u.folder), len(os.listdir("/run/skiff/" + c.id))
        before = counts()
        groups = sorted(c.u.cgroups())
        for _ in range(10):
            c.exec(module="/nowhere", code=127, err=None)
        assert sorted(c.u.cgroups()) == groups
        assert read(os.path.join(groups[0], "cgroup.procs")).split() == [str(c.pid)]
        assert counts() == before
