# SPDX-License-Identifier: Apache-2.0
"""Roots that may be written to while what lies below stays as it is (the annotation skiff.root)."""

import contextlib
import hashlib
import os
import signal
import subprocess

from box import eventually, read, ready, write
from life import made
from tap import test
from users import in_users, later_test, rootless, somebody

MEMORY = 64 << 20


def scratch(u):
    u.config["annotations"] = {"skiff.root": "scratch"}
    u.file("etc/conf", "as it was\n")
    u.file("data/old", "old\n")


def picture(u):
    """Of all that the root has: names, kinds, owners, times, content."""
    found = {}
    for folder, dirs, files in os.walk(u.root):
        for name in dirs + files + ["."]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content = hashlib.sha256(open(path, "rb").read()).hexdigest() if name in files else ""
            found[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns, st.st_ctime_ns, content)
    return found


@contextlib.contextmanager
def untouched(u):
    before = picture(u)
    yield
    after = picture(u)
    assert after == before, sorted(set(after.items()) ^ set(before.items()))[:6]


WRITES = ["put", "/etc/conf", "changed", ";", "cat", "/etc/conf", ";", "put", "/new", "x", ";", "mkdir", "/made", ";",
          "put", "/made/file", "y", ";", "rm", "/data/old", ";", "cat", "/data/old", ";", "append", "/kit.wasm", "!"]


@test
def a_scratch_root_leaves_nothing(b):
    with b.bundle(*WRITES) as u:
        scratch(u)
        with untouched(u):
            for _ in range(2):
                u.expect("changedcat /data/old: No such file or directory\n", code=1)


@test
def a_scratch_root_has_places_for_mounts(b):
    """Which are made in memory, too."""
    with b.bundle("cat", "/a/b/c/file", ";", "put", "/a/b/c/new", "x", ";", "put", "/a/b/mine", "x", ";", "ls", "/a/b") as u:
        scratch(u)
        u.outside("volume/file", "volume\n")
        u.mount("/a/b/c", "volume")
        with untouched(u):
            r = u.expect(None)
        assert sorted(r.out.split()) == ["c", "mine", "volume"], str(r)
        assert read(os.path.join(u.folder, "volume/new")) == "x"


@test
def a_scratch_root_that_is_read_only(b):
    with b.bundle("put", "/etc/conf", "x", ";", "put", "/new", "x", ";", "cat", "/etc/conf") as u:
        scratch(u)
        u.config["root"]["readonly"] = True
        with untouched(u):
            u.expect("put /etc/conf: Read-only file system\nput /new: Read-only file system\nas it was\n", code=1)


@test
def two_of_one_root_do_not_see_each_other(b):
    with b.bundle("put", "/etc/conf", "first") as u:
        scratch(u)
        with untouched(u), ready(u) as r:
            assert read("/proc/%d/root/etc/conf" % r.pid) == "first"
            u.id, ident = u.id + "-second", u.id
            u.process["args"][1:] = ["cat", "/etc/conf", ";", "put", "/etc/conf", "second", ";", "cat", "/etc/conf"]
            u.expect("as it was\nsecond")
            u.id = ident
            assert read("/proc/%d/root/etc/conf" % r.pid) == "first"


@test
def exec_sees_a_scratch_root(b):
    with made(b, "put", "/etc/conf", "by init", ";", "say", "ready", ";", "nap", "20000") as c:
        scratch(c.u)
        c.create()
        c.do("start")
        c.wait_out("ready")
        assert c.exec("cat", "/etc/conf", ";", "cat", "/data/old").out == "by initold\n"
        c.exec("put", "/new", "by exec")
        assert read("/proc/%d/root/new" % c.pid) == "by exec"
        assert not os.path.exists(os.path.join(c.u.root, "new"))


@test
def nothing_is_seen_of_the_layers(b):
    with b.bundle("ls", "/", ";", "cat", "/lower/etc/conf", ";", "cat", "/../upper/etc/conf") as u:
        scratch(u)
        r = u.expect(None, code=1)
        lines = r.out.split("\n")
        assert sorted(lines[:-3]) == ["data", "dev", "etc", "kit.wasm"], str(r)
        assert all("No such file" in line for line in lines[-3:-1]), str(r)


@test
def a_scratch_root_goes_with_a_killed_maker(b):
    """Both are killed: bundle() looks for what is left."""
    with b.bundle("put", "/new", "x" * 1000) as u:
        scratch(u)
        with untouched(u), ready(u) as r:
            pid = r.pid
            r.process.kill()
            r.process.wait()
            assert read("/proc/%d/root/new" % pid) == "x" * 1000
            os.kill(pid, signal.SIGKILL)
            eventually("its end", lambda: not b.processes(u.id))
        # The next one of that name takes what is left of it away.
        u.process["args"][1:] = ["cat", "/new"]
        with untouched(u):
            u.expect("cat /new: No such file or directory\n", code=1)


@test
def a_scratch_root_is_as_large_as_the_memory(b):
    with b.bundle() as u:
        scratch(u)
        u.linux["resources"] = {"memory": {"limit": MEMORY}}
        with ready(u) as r:
            st = os.statvfs("/proc/%d/root" % r.pid)
            assert st.f_blocks * st.f_frsize == MEMORY, st


@test
def a_scratch_root_keeps_owner_and_mode_of_its_top(b):
    with b.bundle() as u:
        scratch(u)
        os.chmod(u.root, 0o751)
        os.chown(u.root, 7, 8)
        with ready(u) as r:
            st = os.stat("/proc/%d/root" % r.pid)
            assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (0o751, 7, 8), st


@later_test
def a_scratch_root_in_a_user_namespace(b):
    with b.bundle(*WRITES) as u:
        scratch(u)
        in_users(u)
        with untouched(u):
            u.expect("changedcat /data/old: No such file or directory\n", code=1)


@later_test
def somebody_has_a_scratch_root(b):
    """Since Linux 5.11; a directory that takes the place of another one wants attributes, which a tmpfs has since 6.6."""
    with b.bundle(*WRITES) as u, somebody(b) as how:
        scratch(u)
        rootless(u)
        with untouched(u):
            u.expect("changedcat /data/old: No such file or directory\n", code=1, **how)


@test
def without_overlays_a_scratch_root_is_read_only(b):
    """Whatever the kernel minds: here it is that overlays do not lie on overlays that lie on overlays."""
    with b.bundle("put", "/etc/conf", "x", ";", "cat", "/etc/conf") as u:
        scratch(u)
        layers = os.path.join(u.folder, "layers")
        os.makedirs(layers)
        subprocess.run(["mount", "-t", "tmpfs", "none", layers], check=True)
        lower, mounted = u.root, [layers]
        try:
            for number in ("1", "2"):
                places = [os.path.join(layers, name + number) for name in ("upper", "work", "merged")]
                for place in places:
                    os.makedirs(place)
                subprocess.run(["mount", "-t", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (
                    lower, places[0], places[1]), "none", places[2]], check=True)
                lower = places[2]
                mounted.append(lower)
            u.config["root"]["path"] = lower
            u.expect("put /etc/conf: Read-only file system\nas it was\n", code=1,
                     err="warning: the root cannot be written to: an overlay")
            # Nor does who comes later see anything else.
            u.process["args"][1:] = []
            with ready(u, stderr=subprocess.DEVNULL):
                done = subprocess.run([b.skiff, "exec", "--no-cache", u.id, "/kit.wasm", "cat", "/etc/conf"],
                                      capture_output=True, text=True, check=False)
                assert done.stdout == "as it was\n", str(done)
        finally:
            for path in reversed(mounted):
                subprocess.run(["umount", "-l", path], check=True)


@test
def an_unknown_kind_of_root(b):
    with b.bundle("say", "ran") as u:
        u.config["annotations"] = {"skiff.root": "tmpfs"}
        u.refused("annotation 'skiff.root'", "'tmpfs' is not 'scratch'")


@later_test
def a_module_of_a_scratch_root_is_known_by_what_lies_below(b):
    """Seen once it is found without being read; a volume in its place is another file."""
    with b.bundle("say", "ran") as u:
        scratch(u)
        cache = os.path.join(u.folder, "cache")

        def run():
            command = [word for word in u.command() if word != "--no-cache"]
            command[2:2] = ["--cache", cache]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
            assert done.stdout == "ran\n", str(done)

        def links():
            return [name for _, _, names in os.walk(cache) for name in names if name.startswith("at-")]

        past = 1_600_000_000
        os.utime(u.file("kit.wasm", open(b.kit, "rb").read()), (past, past))
        run()
        eventually("an artifact", lambda: any(name.endswith(".skiff") for _, _, names in os.walk(cache) for name in names))
        # A file that has changed just now is known by its content only, until it has rested.
        eventually("a link", lambda: run() or links(), 30)
        found = links()
        run()
        assert links() == found, "one file, one identity"
        other = write(os.path.join(u.folder, "other.wasm"), open(b.kit, "rb").read())
        u.mount("/kit.wasm", other)
        run()
