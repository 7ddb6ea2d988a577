# SPDX-License-Identifier: Apache-2.0
"""Whoever is killed, and whatever is wrong: nothing is left."""

import contextlib
import os
import signal
import subprocess
import time

from box import TIME_LIMIT, eventually, is_zombie, read, ready, write
from tap import test


# -- What is left ----------------------------------------------------------------------------------


def pids_below(pid):
    found = [pid]
    for child in subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True,
                                check=False).stdout.split():
        found += pids_below(int(child))
    return found


def is_removed(group):
    """Whoever is in it, or still on his way out, keeps it."""
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


@test
def parent_is_killed_before_go(b):
    """Whenever skiff is killed: a container that was not started yet never is, and leaves at most its empty group."""
    with b.bundle("put", "/ran", "x", ";", "say", "ran") as u:
        ran = 0
        for step in range(50):
            r = u.start()
            time.sleep(step * 0.0004)
            r.process.kill()
            out, _ = r.process.communicate(timeout=TIME_LIMIT)  # to the end: until the container is gone, too
            ran += out == b"ran\n"
            eventually("no process", lambda: not b.processes(u.id))
            for path in u.cgroups():
                eventually("an empty group", lambda p=path: is_removed(p))
        u.expect("ran\n")  # which takes the name over, and removes all of it in the end
        print("# killed 50 times: the guest ran %d times" % ran)


@test
def parent_is_killed_while_it_runs(b):
    """The container goes on (its engine may come back for it), and can be ended; nothing is left but the group."""
    with b.bundle() as u, ready(u) as r:
        pid = r.pid
        r.process.kill()
        r.process.wait()
        assert not is_zombie(pid)
        os.kill(pid, signal.SIGKILL)
        eventually("gone", lambda: not os.path.exists("/proc/%d" % pid) or is_zombie(pid))
        for path in u.cgroups():
            eventually("empty", lambda p=path: read(os.path.join(p, "cgroup.procs")) == "")
        u.process["args"] = ["/kit.wasm", "say", "again"]
        u.expect("again\n")


def count_groups():
    return sorted(path for path, _, _ in os.walk("/sys/fs/cgroup") if "/cage-%d-" % os.getpid() in path)


@test
def counts_are_as_before(b):
    with b.bundle("exit", "0") as u:
        def counts():
            return (sorted(b.processes()), read("/proc/self/mountinfo").count(b.folder), count_groups(),
                    sorted(os.listdir(b.folder)))
        u.expect("")
        before = counts()
        for words in (["exit", "3"], ["trap"], ["say", "x"], ["cat", "/nowhere"]):
            u.process["args"] = ["/kit.wasm"] + words
            for _ in range(5):
                u.run()
        u.process["args"] = ["/nowhere"]
        u.run()
        assert counts() == before


# -- Mistakes --------------------------------------------------------------------------------------


@test
def no_bundle(b):
    with b.bundle() as u:
        r = subprocess.run([b.skiff, "run", "--bundle", u.folder + "/nowhere"], capture_output=True, text=True,
                           check=False)
        assert r.returncode == 1 and r.stderr.count("\n") == 1 and "No such file" in r.stderr, r
        os.mkdir(u.folder + "/empty")
        r = subprocess.run([b.skiff, "run", "--bundle", u.folder + "/empty"], capture_output=True, text=True,
                           check=False)
        assert r.returncode == 1 and r.stderr.count("\n") == 1 and "config.json" in r.stderr, r


def change(u, path, value):
    at = u.config
    for word in path[:-1]:
        at = at[word]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value


BAD = [
    (("ociVersion",), "2.0.0", "ociVersion"),
    (("root",), None, "root"),
    (("root", "path"), "nowhere", "root.path"),
    (("process",), None, "process"),
    (("process", "args"), [], "process.args"),
    (("process", "args"), "hello", "process.args"),
    (("process", "cwd"), "relative", "process.cwd"),
    (("process", "env"), ["NO_EQUALS"], "process.env"),
    (("process", "user"), {"uid": -1}, "process.user.uid"),
    (("process", "rlimits"), [{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}], "process.rlimits"),
    # Told although it is found after the word to begin.
    (("process", "rlimits"), [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}], "RLIMIT_NOFILE"),
    (("hostname",), "x" * 65, "hostname"),
    (("mounts",), [{"destination": "/data", "type": "bind", "source": "nowhere", "options": ["bind"]}],
     "mount '/data'"),
    (("mounts",), [{"destination": "/data", "type": "nofs", "source": "x"}], "no file system 'nofs'"),
    (("mounts",), [{"destination": "/kit.wasm", "type": "bind", "source": ".", "options": ["bind"]}],
     "its source is a directory"),
    (("mounts",), [{"destination": "/tmp", "type": "tmpfs", "source": "x", "options": ["size=much"]}], "size=much"),
    (("linux", "namespaces"), [{"type": "pid"}, {"type": "network", "path": "/nowhere"}], "/nowhere"),
    (("linux", "namespaces"), [{"type": "pid", "path": "/nowhere"}], "/nowhere"),
    (("linux", "namespaces"), [{"type": "pid"}, {"type": "network", "path": "/etc/passwd"}], "/etc/passwd"),
    (("linux", "namespaces"), [{"type": "pid"}, {"type": "network", "path": "/proc/self/ns/uts"}], "network"),
    (("linux", "cgroupsPath"), "/../out", "cgroupsPath"),
    (("linux", "devices"), [{"type": "c", "path": "/elsewhere/x", "major": 1, "minor": 5}], "/elsewhere/x"),
    (("linux", "sysctl"), {"net.ipv4.no_such_thing": "1"}, "no_such_thing"),
    (("linux", "seccomp"), {"defaultAction": "SCMP_ACT_WHAT"}, "seccomp"),
    (("process", "oomScoreAdj"), 2000, "oomScoreAdj"),
    (("process", "apparmorProfile"), "some-profile", "apparmor"),
    (("process", "selinuxLabel"), "some:label:x", "selinux"),
    (("linux", "mountLabel"), "some:label:x", "linux.mountLabel"),
    (("linux", "namespaces"), [{"type": "pid"}, {"type": "user", "path": "/proc/self/ns/user"}], "user namespace"),
    (("linux", "seccomp"), {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x", "syscalls": [
        {"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}, "listenerPath"),
]


@test
def mistakes_in_bundles(b):
    """One sentence each, exit code 1, nothing left; all that are wrong are told."""
    wrong = []
    for path, value, word in BAD:
        with b.bundle("say", "ran") as u:
            change(u, path, value)
            try:
                r = u.refused()
                if "a user namespace takes Linux 5.12" in r.err:
                    continue
                assert word.lower() in r.err.lower(), "the sentence should have %r: %s" % (word, r)
            except AssertionError as mistake:
                wrong.append("%s = %r: %s" % (".".join(path), value, mistake))
    assert not wrong, "%d of %d:\n%s" % (len(wrong), len(BAD), "\n".join(wrong))


@test
def config_that_is_no_json(b):
    with b.bundle() as u:
        command = u.command()
        for text, word in ((b"", "config.json"), (b"{", "config.json"), (b"[]", "config.json"),
                           (b"\xff\xfe", "config.json")):
            write(os.path.join(u.folder, "config.json"), text)
            r = subprocess.run(command, capture_output=True, text=True, check=False)
            assert r.returncode == 1 and r.stderr.count("\n") == 1 and word in r.stderr, (text, r)


@test
def modules_that_are_none(b):
    for data, code, word in ((b"", 126, "kit.wasm"), (b"#!/bin/sh\n", 126, "kit.wasm"),
                             (b"\x7fELF\2\1\1", 126, "kit.wasm"), (b"\0asm\1\0\0\0\1", 1, "kit.wasm"),
                             (b"\0asm\x0d\0\1\0", 1, "component")):
        with b.bundle() as u:
            u.file("kit.wasm", data)
            u.refused(word, code=code)


@test
def module_that_may_not_be_read(b):
    with b.bundle() as u:
        os.remove(os.path.join(u.root, "kit.wasm"))
        os.mkdir(os.path.join(u.root, "kit.wasm"))
        u.refused("kit.wasm", code=126)


@test
def ids(b):
    with b.bundle("say", "ran") as u:
        for ident in ("a/b", "..", ".", "", "a b/../c", "x" * 1025):
            u.id = ident
            r = u.run()
            assert r.code in (1, 2) and r.out == "" and r.err.count("\n") == 1, "%r: %s" % (ident, r)
        u.id = "cage-ok_1.2+x"
        u.expect("ran\n")


@test
def containers_that_are_not_for_us(b):
    for key, value in (("run.oci.handler", "krun"), ("io.kubernetes.cri.container-type", "sandbox")):
        with b.bundle("say", "ran") as u:
            u.config["annotations"] = {key: value, "module.wasm.image/variant": "compat"}
            u.refused("annotations", "no WebAssembly container")
    for key, value in (("run.oci.handler", "wasm"), ("run.oci.handler", "skiff"), ("module.wasm.image/variant", "compat-smart"),
                       ("run.oci.handler", "wasm-smart"), ("io.kubernetes.cri.container-type", "container")):
        with b.bundle("say", "ran") as u:
            u.config["annotations"] = {key: value}
            u.expect("ran\n")
