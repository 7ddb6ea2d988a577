#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SKIFF [WORD...]: run bundles in the cage of a built skiff; WORD: only tests whose name has it.

guest/kit.c is the guest; box.py makes bundles with it in them and sees to it that after each test no process, no mount and
no control group is left. Each test looks from inside, by what the guest prints, and from outside, at /proc.

It takes root, and the file systems of control groups where limits are tested. Prints a line for each test in the
manner of TAP, and "N passed, N failed, N skipped" at the end.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True

from box import Box, eventually, is_zombie, need, read, status, write  # noqa: E402
from tap import Skip, SkipAll, run_tests, test  # noqa: E402


# -- The process ------------------------------------------------------------------------------------


@test
def arguments(b):
    with b.bundle("args", "two words", "", "\u2603", "a;b") as u:
        u.expect("[/kit.wasm]\n[args]\n[two words]\n[]\n[\u2603]\n[a;b]\n")


@test
def environment(b):
    with b.bundle("env", "A", ";", "env", "EMPTY", ";", "env", "HOME") as u:
        u.process["env"] = ["A=1", "EMPTY=", "A=2"]
        u.expect("2\n\nnone\n", env={"HOME": "/root", "PATH": "/bin"})


@test
def environment_of_4_mib(b):
    with b.bundle("envsize") as u:
        u.process["env"] = ["V%d=%s" % (i, "x" * 65000) for i in range(64)]
        size = sum(len(v) + 1 for v in u.process["env"])
        assert size > 4 << 20 or size > 4_000_000
        u.expect("%d\n" % size)


@test
def working_directory(b):
    with b.bundle("cwd", ";", "cat", "file") as u:
        u.process["cwd"] = "/app"
        u.file("app/file", "in app\n")
        u.expect("/app\nin app\n")


@test
def working_directory_is_made(b):
    with b.bundle("cwd", ";", "put", "file", "x") as u:
        u.process["cwd"] = "/not/there/yet"
        u.expect("/not/there/yet\n")
        assert read(os.path.join(u.root, "not/there/yet/file")) == "x"


@test
def working_directory_through_a_link(b):
    with b.bundle("cat", "file") as u:
        u.process["cwd"] = "/link"
        os.symlink("/real", os.path.join(u.root, "link"))
        u.file("real/file", "real\n")
        u.expect("real\n")


@test
def working_directory_that_is_a_file(b):
    with b.bundle("cwd") as u:
        u.process["cwd"] = "/file"
        u.file("file")
        u.refused("process.cwd", "'/file'", "Not a directory")


@test
def entry_by_name(b):
    with b.bundle() as u:
        u.process["args"] = ["/kit.wasm#other"]
        u.expect("the other entry\n", code=3)


@test
def entry_that_is_missing(b):
    with b.bundle() as u:
        u.process["args"] = ["/kit.wasm#otter"]
        u.refused("otter", "did you mean 'other'")


@test
def path_lookup(b):
    with b.bundle() as u:
        u.process.update(args=["prog", "say", "found"], env=["PATH=/nowhere:/usr/bin:/bin"])
        os.makedirs(os.path.join(u.root, "usr/bin/prog"))  # a directory is no program
        shutil.copy(b.kit, u.file("bin/prog"))
        u.expect("found\n")


@test
def program_that_is_missing(b):
    for args, words in ((["nowhere"], ("nowhere", "PATH")), (["/nowhere"], ("/nowhere", "No such file"))):
        with b.bundle() as u:
            u.process.update(args=args, env=["PATH=/bin"])
            u.refused(*words, code=127)


@test
def user_and_groups(b):
    with b.bundle("put", "/tmp/new", "x", ";", "mkdir", "/tmp/dir", ";", "cat", "/secret", ";", "cat",
                  "/group", ";", "say", "ready", ";", "nap", "20000") as u:
        u.process["user"] = {"uid": 1234, "gid": 2345, "additionalGids": [77, 78]}
        os.makedirs(os.path.join(u.root, "tmp"))
        os.chmod(os.path.join(u.root, "tmp"), 0o1777)
        os.chmod(u.file("secret", "secret\n"), 0o600)
        path = u.file("group", "for the group\n")
        os.chown(path, 0, 78)
        os.chmod(path, 0o640)
        with running(u) as r:
            assert r.line() == "cat /secret: Permission denied"
            assert r.line() == "for the group"
            assert r.line() == "ready"
            assert status(r.pid, "Uid") == ["1234"] * 4, status(r.pid, "Uid")
            assert status(r.pid, "Gid") == ["2345"] * 4
            assert status(r.pid, "Groups") == ["77", "78"]
            for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status(r.pid, field)[0], 16) == 0, field
            assert status(r.pid, "NoNewPrivs") == ["1"] and status(r.pid, "Seccomp") == ["2"]
        for name, mode in (("tmp/new", 0o644), ("tmp/dir", 0o755)):
            info = os.stat(os.path.join(u.root, name))
            assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1234, 2345, mode), name


@test
def umask(b):
    with b.bundle("put", "/new", "x", ";", "mkdir", "/dir") as u:
        u.process["user"]["umask"] = 0o077
        u.expect("")
        assert stat.S_IMODE(os.stat(os.path.join(u.root, "new")).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.join(u.root, "dir")).st_mode) == 0o700


@contextlib.contextmanager
def running(u, *options, end=signal.SIGKILL, **more):
    """Started, and ended whatever happens. `end` goes to the container's process."""
    r = u.start(*options, **more)
    try:
        yield r
        if r.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, AssertionError):
                os.kill(r.pid, end)
            r.end()
    finally:
        if r.process.poll() is None:
            r.process.kill()
            r.process.communicate()


@contextlib.contextmanager
def ready(u, *options, **more):
    """The kit says "ready" and waits."""
    u.process["args"] += [";"] if len(u.process["args"]) > 1 else []
    u.process["args"] += ["say", "ready", ";", "nap", "20000"]
    with running(u, *options, **more) as r:
        eventually("ready", lambda: r.line() == "ready")
        yield r


@test
def host_name(b):
    with b.bundle() as u:
        u.config.update(hostname="caged", domainname="example.org")
        with ready(u) as r:
            assert inside(r, "uts", "hostname") == "caged\n"
            assert inside(r, "uts", "cat", "/proc/sys/kernel/domainname") == "example.org\n"
    assert os.uname().nodename != "caged"


def inside(r, kind, *command):
    """What a command of the host says in one namespace of the container's."""
    return subprocess.run([need("nsenter"), "--%s=/proc/%d/ns/%s" % (kind, r.pid, kind)] + list(command),
                          capture_output=True, text=True, check=True).stdout


def limits(r):
    """Soft and hard, by the kernel's names."""
    rows = {}
    for line in r.proc("limits").split("\n")[1:]:
        words = re.split(r"\s{2,}", line.strip())
        if len(words) >= 3:
            rows[words[0]] = tuple(words[1:3])
    return rows


@test
def rlimits(b):
    with b.bundle() as u:
        u.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
        with ready(u) as r:
            assert limits(r)["Max open files"] == ("100", "200")
            assert limits(r)["Max core file size"] == ("0", "0")


@test
def core_limit_that_is_asked_for(b):
    with b.bundle() as u:
        u.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 4096, "hard": 8192}]
        with ready(u) as r:
            assert limits(r)["Max core file size"] == ("4096", "8192")


@test
def small_address_space(b):
    with b.bundle("grow", "2", ";", "say", "done") as u:
        u.process["rlimits"] = [{"type": "RLIMIT_AS", "soft": 256 << 20, "hard": 256 << 20}]
        r = u.expect("grew\ndone\n", err=None)
        assert r.err.count("\n") <= 1, "one warning at most: %s" % r


@test
def oom_score(b):
    with b.bundle() as u:
        u.process["oomScoreAdj"] = 321
        with ready(u) as r:
            assert r.proc("oom_score_adj").strip() == "321"


@test
def descriptors_are_few(b):
    """Whoever breaks out of the guest finds nothing open but streams and the container's own root."""
    with b.bundle() as u:
        u.process["cwd"] = "/app"
        stray = os.open("/etc/passwd", os.O_RDONLY)
        try:
            with ready(u, pass_fds=(stray,)) as r:
                links = {}
                for name in os.listdir("/proc/%d/fd" % r.pid):
                    links[int(name)] = os.readlink("/proc/%d/fd/%s" % (r.pid, name))
                for number in (0, 1, 2):
                    assert links.pop(number).startswith("pipe:"), links
                for number, target in links.items():
                    assert target in ("/", "/app") or target.startswith("anon_inode:[eventfd"), (number, target)
                    if target in ("/", "/app"):
                        info = os.stat("/proc/%d/fd/%d" % (r.pid, number))
                        place = os.path.join(u.root, target.lstrip("/"))
                        assert info.st_ino == os.stat(place).st_ino, (number, target)
        finally:
            os.close(stray)


@test
def session_of_its_own(b):
    with b.bundle() as u, ready(u) as r:
        assert r.proc("stat").rsplit(")", 1)[1].split()[3] == str(r.pid)


# -- Files ------------------------------------------------------------------------------------------


@test
def root_is_read_only(b):
    with b.bundle("put", "/new", "x", ";", "put", "/tmp/new", "y", ";", "cat", "/tmp/new") as u:
        u.config["root"]["readonly"] = True
        u.mount("/tmp", kind="tmpfs", source="tmpfs")
        os.makedirs(os.path.join(u.root, "tmp"))
        u.expect("put /new: Read-only file system\ny", code=1)
        assert not os.path.exists(os.path.join(u.root, "new"))


@test
def nothing_of_the_host_is_there(b):
    with b.bundle("ls", "/", ";", "cat", "/proc/self/mem", ";", "cat", "/../../../etc/passwd", ";", "ls",
                  "/sys") as u:
        u.config["mounts"] = [{"destination": "/proc", "type": "proc", "source": "proc"},
                              {"destination": "/sys", "type": "sysfs", "source": "sysfs"}]
        r = u.run()
        assert r.out.split("\n")[:2] in (["dev", "kit.wasm"], ["kit.wasm", "dev"]), str(r)
        assert "cat /proc/self/mem: No such file" in r.out and "cat /../../../etc/passwd: No such" in r.out, str(r)


@test
def bind_mounts(b):
    with b.bundle("cat", "/data/file", ";", "put", "/data/new", "from inside", ";", "put", "/fixed/new", "x",
                  ";", "cat", "/fixed/file") as u:
        u.outside("volume/file", "volume\n")
        u.mount("/data", os.path.join(u.folder, "volume"))
        u.mount("/fixed", "volume", options=["ro"])  # relative: to the bundle
        u.expect("volume\nput /fixed/new: Read-only file system\nvolume\n", code=1)
        assert read(os.path.join(u.folder, "volume/new")) == "from inside"


@test
def single_file_mounts(b):
    with b.bundle("cat", "/etc/hosts", ";", "put", "/dev/termination-log", "bye", ";", "put",
                  "/etc/resolv.conf", "x") as u:
        u.mount("/etc/hosts", u.outside("hosts", "127.0.0.1 caged\n"))
        u.mount("/etc/resolv.conf", u.outside("resolv", "nameserver\n"), options=["ro"])
        u.mount("/dev/termination-log", u.outside("log", ""))
        u.expect("127.0.0.1 caged\nput /etc/resolv.conf: Read-only file system\n", code=1)
        assert read(os.path.join(u.folder, "log")) == "bye"
        assert read(os.path.join(u.folder, "resolv")) == "nameserver\n"


@test
def nested_mounts(b):
    with b.bundle("cat", "/a/file", ";", "cat", "/a/b/file", ";", "cat", "/a/b/c/file", ";", "put",
                  "/a/b/new", "x", ";", "put", "/a/b/c/new", "x") as u:
        for name in ("one", "two", "three"):
            u.outside(name + "/file", name + "\n")
        os.makedirs(os.path.join(u.folder, "one/b"))
        os.makedirs(os.path.join(u.folder, "two/c"))
        u.mount("/a", "one")
        u.mount("/a/b", "two", options=["ro"])
        u.mount("/a/b/c", "three")
        u.expect("one\ntwo\nthree\nput /a/b/new: Read-only file system\n", code=1)


@test
def mount_point_is_made(b):
    with b.bundle("cat", "/deep/down/here/file", ";", "cat", "/made/file") as u:
        u.outside("volume/file", "volume\n")
        u.mount("/deep/down/here", "volume")
        u.mount("/made/file", "volume/file")
        u.expect("volume\nvolume\n")


@test
def mount_point_through_links_of_the_root(b):
    with b.bundle("cat", "/run/file", ";", "cat", "/var/run/file") as u:
        os.makedirs(os.path.join(u.root, "var"))
        os.symlink("/run", os.path.join(u.root, "var/run"))
        os.symlink("/" + "../" * 20 + "etc", os.path.join(u.root, "out"))
        u.outside("volume/file", "volume\n")
        u.mount("/var/run", "volume")
        u.mount("/out/skiff-was-here", "volume")
        u.expect("volume\nvolume\n")
        assert not os.path.exists("/etc/skiff-was-here")


@test
def mounts_below_a_bind(b):
    """rbind has them, ro is for the top one only, rro for all."""
    with b.bundle("cat", "/a/sub/file", ";", "put", "/a/sub/new", "x", ";", "put", "/a/new", "x", ";", "put",
                  "/b/sub/new", "x") as u:
        sub = os.path.join(u.folder, "volume/sub")
        os.makedirs(sub)
        subprocess.run(["mount", "-t", "tmpfs", "none", sub], check=True)
        b.mounted.add(sub)
        try:
            write(os.path.join(sub, "file"), "below\n")
            u.mount("/a", "volume", options=["ro"])
            u.mount("/b", "volume", options=["rro"])
            u.expect("below\nput /a/new: Read-only file system\nput /b/sub/new: Read-only file system\n", code=1)
        finally:
            subprocess.run(["umount", "-l", sub], check=True)
            b.mounted.discard(sub)


@test
def temporary_file_systems(b):
    with b.bundle("put", "/tmp/a", "hello", ";", "cat", "/tmp/a", ";", "stat", "/tmp") as u:
        u.mount("/tmp", kind="tmpfs", source="tmpfs", options=["size=64k", "mode=1777", "nosuid"])
        r = u.expect(None)
        assert r.out.startswith("hellodir "), str(r)
        assert os.listdir(os.path.join(u.root, "tmp")) == []


@test
def config_map_is_swapped(b):
    """As the kubelet does it: files are links to ..data/NAME, ..data is a link that is renamed over."""
    with b.bundle("watch", "/config/key", "1500") as u:
        volume = os.path.join(u.folder, "volume")
        for number in range(31):
            u.outside("volume/..v%d/key" % number, "value %d\n" % number)
        os.symlink("..v0", os.path.join(volume, "..data"))
        os.symlink("..data/key", os.path.join(volume, "key"))
        u.mount("/config", volume, options=["ro"])
        with running(u) as r:
            seen = [r.line()]
            for number in range(1, 31):
                os.symlink("..v%d" % number, os.path.join(volume, "..data_tmp"))
                os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))
                shutil.rmtree(os.path.join(volume, "..v%d" % (number - 1)))
                time.sleep(0.02)
            result = r.end()
            seen += result.out.strip().split("\n")
        assert result.code == 0, "no read may fail: %s" % result
        assert seen[0] == "value 0" and seen[-1] == "value 30", seen


@test
def masked_and_read_only_paths(b):
    with b.bundle("cat", "/secret/file", ";", "ls", "/secret", ";", "cat", "/hidden", ";", "put", "/fixed/x", "y",
                  ";", "cat", "/fixed/file", ";", "put", "/plain", "x") as u:
        u.file("secret/file", "s")
        u.file("hidden", "h")
        u.file("fixed/file", "fixed\n")
        u.linux.update(maskedPaths=["/secret", "/hidden", "/not/there", "/proc/kcore"],
                       readonlyPaths=["/fixed", "/proc/sys"])
        u.expect("cat /secret/file: No such file or directory\nput /fixed/x: Read-only file system\nfixed\n",
                 code=1)
        assert read(os.path.join(u.root, "plain")) == "x"


@test
def devices(b):
    with b.bundle("ls", "/dev", ";", "read", "/dev/zero", "5", ";", "read", "/dev/urandom", "7", ";", "read",
                  "/dev/null", "3", ";", "put", "/dev/null", "x", ";", "put", "/dev/full", "x", ";", "stat",
                  "/dev/mine", ";", "stat", "/dev/disk") as u:
        u.linux["devices"] = [
            {"type": "c", "path": "/dev/mine", "major": 1, "minor": 5, "fileMode": 0o600, "uid": 5, "gid": 6},
            {"type": "b", "path": "/dev/disk", "major": 7, "minor": 0},
            {"type": "c", "path": "/dev/null", "major": 1, "minor": 3}]
        lines = u.expect(None, code=1).out.strip().split("\n")
        names = lines[:lines.index("5 bytes")]
        for name in ("null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr", "mine"):
            assert name in names, (name, names)
        assert lines[len(names):] == ["5 bytes", "7 bytes", "0 bytes", "put /dev/full: No space left on device",
                                      "chr 0", "blk 0"], lines


@test
def device_that_is_not_allowed(b):
    """The node is there, the control group's rules say no."""
    with b.bundle("read", "/dev/mine", "5", ";", "read", "/dev/zero", "5") as u:
        cgroups(u, "devices")
        u.linux["devices"] = [{"type": "c", "path": "/dev/mine", "major": 10, "minor": 229}]
        u.linux["resources"]["devices"] = [{"allow": False, "access": "rwm"}]
        u.expect("read /dev/mine: Operation not permitted\n5 bytes\n", code=1)


@test
def device_node_in_a_volume(b):
    """Nodes of the root and of volumes are none, whatever they are called."""
    with b.bundle("read", "/node", "1", ";", "read", "/data/node", "1") as u:
        for place in (u.root, os.path.join(u.folder, "volume")):
            os.makedirs(place, exist_ok=True)
            os.mknod(os.path.join(place, "node"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        u.mount("/data", "volume")
        u.expect("read /node: Permission denied\nread /data/node: Permission denied\n", code=1)


# -- Namespaces -------------------------------------------------------------------------------------


@test
def network_of_its_own(b):
    with b.bundle() as u, ready(u) as r:
        links = inside(r, "net", need("ip"), "-o", "link")
        assert re.search(r"\blo: <[^>]*\bUP\b", links), links
        others = [line for line in links.strip().split("\n") if " lo:" not in line and "@NONE" not in line]
        assert not others, links


@test
def network_by_path(b):
    with b.bundle() as u:
        # pylint: disable-next=consider-using-with
        holder = subprocess.Popen([need("unshare"), "--net", "sleep", "60"])
        try:
            path = "/proc/%d/ns/net" % holder.pid
            eventually("a namespace", lambda: os.readlink(path) != os.readlink("/proc/self/ns/net"))
            u.namespace("network", path=path)
            with ready(u) as r:
                assert os.readlink("/proc/%d/ns/net" % r.pid) == os.readlink(path)
        finally:
            holder.kill()
            holder.wait()


@test
def namespaces_are_those_asked_for(b):
    with b.bundle() as u:
        u.namespace("network")
        u.linux["namespaces"].append({"type": "cgroup"})
        with ready(u) as r:
            for kind in ("pid", "mnt", "ipc", "uts", "cgroup"):
                assert os.readlink("/proc/%d/ns/%s" % (r.pid, kind)) != os.readlink("/proc/self/ns/" + kind), kind
            for kind in ("net", "user"):
                assert os.readlink("/proc/%d/ns/%s" % (r.pid, kind)) == os.readlink("/proc/self/ns/" + kind), kind
            assert status(r.pid, "NSpid")[-1] == "1"


@test
def pid_namespace_by_path(b):
    with b.bundle() as u:
        # pylint: disable-next=consider-using-with
        holder = subprocess.Popen([need("unshare"), "--pid", "--fork", "sleep", "60"])
        try:
            init = eventually("a child", lambda: [c for c in map(int, read(
                "/proc/%d/task/%d/children" % (holder.pid, holder.pid)).split())])[0]
            path = "/proc/%d/ns/pid" % init
            u.namespace("pid", path=path)
            with ready(u) as r:
                assert os.readlink("/proc/%d/ns/pid" % r.pid) == os.readlink(path)
                assert status(r.pid, "NSpid")[-1] == "2"
        finally:
            os.kill(init, signal.SIGKILL)
            holder.wait()


@test
def without_a_pid_namespace(b):
    with b.bundle("say", "hello", ";", "exit", "9") as u:
        u.namespace("pid")
        u.expect("hello\n", code=9)


@test
def time_of_its_own(b):
    with b.bundle() as u:
        if not os.path.exists("/proc/self/ns/time"):
            raise Skip("this kernel has no time namespaces")
        u.linux["namespaces"].append({"type": "time"})
        u.linux["timeOffsets"] = {"monotonic": {"secs": 86400, "nanosecs": 5}, "boottime": {"secs": 172800}}
        with ready(u) as r:
            words = r.proc("timens_offsets").split()
            assert words == ["monotonic", "86400", "5", "boottime", "172800", "0"], words
            assert os.readlink("/proc/%d/ns/time" % r.pid) != os.readlink("/proc/self/ns/time")


@test
def personality(b):
    with b.bundle() as u:
        u.linux["personality"] = {"domain": "LINUX32"}
        with ready(u) as r:
            assert int(r.proc("personality"), 16) == 8, r.proc("personality")


@test
def root_propagation(b):
    """slave: what the host mounts below the root while it runs is there. shared: nothing of ours is there."""
    for word, out in (("rslave", "mounted later"), ("rshared", "cat /later/file: No such file or directory\n")):
        with b.bundle() as u:
            subprocess.run(["mount", "-t", "tmpfs", "none", u.root], check=True)
            b.mounted.update((u.root, u.root + "/later"))
            try:
                subprocess.run(["mount", "--make-shared", u.root], check=True)
                shutil.copy(b.kit, u.file("kit.wasm"))
                u.linux["rootfsPropagation"] = word
                os.makedirs(u.root + "/later")
                u.process["args"] += ["say", "ready", ";", "nap", "300", ";", "cat", "/later/file"]
                with running(u) as r:
                    assert r.line() == "ready"
                    subprocess.run(["mount", "-t", "tmpfs", "none", u.root + "/later"], check=True)
                    write(u.root + "/later/file", "mounted later")
                    assert read("/proc/self/mountinfo").count(u.root) == 2
                    assert r.end().out == out
            finally:
                subprocess.run(["umount", "-R", "-l", u.root], check=True)
                b.mounted.difference_update((u.root, u.root + "/later"))


@test
def sysctls(b):
    with b.bundle() as u:
        u.linux["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1"}
        with ready(u) as r:
            assert inside(r, "net", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "80\n"
            assert inside(r, "ipc", "cat", "/proc/sys/kernel/shm_rmid_forced") == "1\n"


@test
def mounts_are_not_seen_by_the_host(b):
    with b.bundle() as u:
        u.outside("volume/file", "x")
        u.mount("/data", "volume")
        before = read("/proc/self/mountinfo").count(u.folder)
        with ready(u) as r:
            assert read("/proc/self/mountinfo").count(u.folder) == before
            inner = r.proc("mountinfo").strip().split("\n")
            assert len(inner) <= 4, "the empty root, its own, /dev and /data: %s" % inner


# -- The end ----------------------------------------------------------------------------------------


@test
def exit_codes(b):
    with b.bundle() as u:
        for code in (0, 1, 2, 77, 125, 126, 127, 128, 134, 137, 143, 254, 255):
            u.process["args"] = ["/kit.wasm", "exit", str(code)]
            u.expect("", code=code)


@test
def all_exit_codes(b):
    """Of each kind of exit, without the libc: 0 to 255."""
    with b.bundle() as u:
        for code in range(0, 256, 5):
            u.process["args"] = ["/kit.wasm", "exit", str(code)]
            u.expect("", code=code)


@test
def traps(b):
    with b.bundle("say", "before", ";", "trap") as u:
        r = u.expect("before\n", code=134, err="trap: unreachable")
        assert "#0 " in r.err and "_start" in r.err, "the trap's trace: %s" % r


@test
def streams(b):
    with b.bundle("complain", "to stderr", ";", "say", "to stdout", ";", "cat", "/in") as u:
        os.symlink("/dev/stdin", os.path.join(u.root, "in"))
        r = u.start()
        r.process.stdin.write(b"from stdin\n")
        r.process.stdin.close()
        r.process.stdin = None
        result = r.end()
        assert (result.out, result.err) == ("to stdout\nfrom stdin\n", "to stderr\n"), str(result)


# What the kit does with names of its streams, and what comes of it; "in" comes by standard input.
STREAM_WORDS = [
    (["cat", "/dev/stdin"], "in"), (["cat", "/dev/fd/0"], "in"), (["cat", "/proc/self/fd/0"], "in"),
    (["put", "/dev/stdout", "out"], "out"), (["append", "/dev/fd/1", "out"], "out"),
    (["put", "/proc/self/fd/1", "out"], "out"), (["put", "/link", "out"], "out"),
    (["put", "/dev/stdin", "x"], "put /dev/stdin: Permission denied\n"),
    (["cat", "/dev/stdout"], "cat /dev/stdout: Permission denied\n"),
    (["stat", "/dev/stdout"], "other 0\n"), (["stat", "/dev/fd/1"], "other 0\n"),
    (["stat", "/proc/self/fd/1"], "other 0\n"),
    (["cat", "/dev/fd/99"], "cat /dev/fd/99: No such file or directory\n"),
    (["cat", "/dev/fd/99999999999999999999"], "cat /dev/fd/99999999999999999999: No such file or directory\n"),
    (["cat", "/dev/fd/1x"], "cat /dev/fd/1x: No such file or directory\n"),
    (["ls", "/dev/fd/3"], "ls /dev/fd/3: Permission denied\n"),
    (["ls", "/dev/stdin"], None), (["cat", "/dev/stdin/x"], None), (["cat", "/proc/self/fd/0/x"], None),
    (["cat", "/proc/self/mem"], "cat /proc/self/mem: No such file or directory\n"),
]


def with_pipes(command):
    """stdin a pipe with "in", stdout and stderr pipes."""
    done = subprocess.run(command, input=b"in", capture_output=True, timeout=30, check=False)
    return done.stdout.decode(), done.stderr.decode()


def check_streams(run):
    """run(words): (stdout, stderr)."""
    wrong = []
    for words, out in STREAM_WORDS:
        r = run(words)
        if out is None and "%s %s: " % (words[0], words[1]) not in r[0] or out is not None and r[0] != out:
            wrong.append("%s: %r, should be %r" % (" ".join(words), r, out))
    r = run(["put", "/dev/stderr", "err"])
    if r != ("", "err"):
        wrong.append("/dev/stderr: %r" % (r,))
    assert not wrong, "\n".join(wrong)


@test
def streams_by_name(b):
    with b.bundle() as u:
        os.symlink("/dev/stdout", os.path.join(u.root, "link"))

        def run(words):
            u.process["args"] = ["/kit.wasm"] + words
            return with_pipes(u.command())
        check_streams(run)


@test
def streams_by_name_in_a_working_directory(b):
    with b.bundle() as u:
        u.process["cwd"] = "/app"
        os.symlink("/dev/stdout", os.path.join(u.root, "link"))

        def run(words):
            u.process["args"] = ["/kit.wasm"] + words
            return with_pipes(u.command())
        check_streams(run)


def dev_links(folder):
    os.makedirs(os.path.join(folder, "dev"))
    for name, to in (("stdin", "0"), ("stdout", "1"), ("stderr", "2")):
        os.symlink("/proc/self/fd/" + to, os.path.join(folder, "dev", name))
    os.symlink("/proc/self/fd", os.path.join(folder, "dev/fd"))
    os.symlink("/dev/stdout", os.path.join(folder, "link"))


@test
def streams_by_name_without_a_cage(b):
    with b.bundle() as u:
        dev_links(u.root)
        check_streams(lambda words: with_pipes([b.skiff, "run", "--no-cache", "--dir", "/:%s:root" % u.root, b.kit] +
                                               words))


@test
def streams_by_name_need_a_root(b):
    """Where absolute links lead nowhere, these do neither."""
    with b.bundle() as u:
        dev_links(u.root)
        for words in (["cat", "/dev/stdin"], ["cat", "/proc/self/fd/0"], ["put", "/link", "x"], ["stat", "/dev/fd/1"]):
            out, _ = with_pipes([b.skiff, "run", "--no-cache", "--dir", "/:" + u.root, b.kit] + words)
            assert "%s %s: " % (words[0], words[1]) in out, (words, out)


@test
def streams_by_name_on_files(b):
    """As a copy of the descriptor: nothing is truncated, the position is the same."""
    with b.bundle("say", "one", ";", "put", "/dev/stdout", "two\n", ";", "say", "three", ";", "append", "/dev/stdout",
                  "four\n") as u:
        path = os.path.join(u.folder, "out")
        with open(path, "wb") as file:
            file.write(b"before\n")
            file.flush()
            assert u.run(stdout=file).code == 0
        assert read(path) == "before\none\ntwo\nthree\nfour\n", read(path)


ENDING = ("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "ALRM", "TERM",
          "STKFLT", "XCPU", "VTALRM", "PROF", "IO", "PWR", "SYS")


@test
def signals_end_process_1(b):
    """128 + the signal, from outside to the container's process, although it is process 1."""
    for name in ENDING + ("KILL",):
        number = getattr(signal, "SIG" + name, 16)
        with b.bundle() as u, ready(u) as r:
            os.kill(r.pid, number)
            result = r.end()
            assert result.code == 128 + number, "%s: %s" % (name, result)


@test
def signals_that_are_ignored(b):
    with b.bundle() as u, ready(u) as r:
        for name in ("CHLD", "URG", "WINCH", "CONT", "PIPE"):
            os.kill(r.pid, getattr(signal, "SIG" + name))
        time.sleep(0.05)
        assert r.process.poll() is None
        os.kill(r.pid, signal.SIGTERM)
        assert r.end().code == 143


@test
def signals_are_passed_on(b):
    for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM"):
        number = getattr(signal, "SIG" + name)
        with b.bundle() as u, ready(u) as r:
            result = r.end(send=number)
            assert result.code == 128 + number, "%s: %s" % (name, result)


@test
def stop_and_continue(b):
    with b.bundle() as u, ready(u) as r:
        os.kill(r.pid, signal.SIGSTOP)
        eventually("stopped", lambda: status(r.pid, "State")[0] == "T")
        os.kill(r.pid, signal.SIGCONT)
        eventually("going on", lambda: status(r.pid, "State")[0] == "S")
        assert r.process.poll() is None


@test
def blocked_signals_are_not_inherited(b):
    """Whoever waits for the container blocks signals; the guest must not have them blocked."""
    with b.bundle() as u, ready(u) as r:
        assert int(status(r.pid, "SigBlk")[0], 16) == 0, status(r.pid, "SigBlk")


# -- The terminal -----------------------------------------------------------------------------------


def read_until(fd, words, seconds=10.0):
    """All that comes until `words` is in it; None: until nobody has the other end."""
    text, end = b"", time.monotonic() + seconds
    while words is None or words.encode() not in text:
        assert time.monotonic() < end, "waited for %r: %r" % (words, text)
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            more = os.read(fd, 4096)
        except OSError:
            more = b""
        if not more:
            assert words is None, "it ended before %r: %r" % (words, text)
            break
        text += more
    return text.decode()


def window(fd, size=None):
    if size is not None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))
    return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]


@contextlib.contextmanager
def on_terminal(u, *options):
    """skiff on a terminal of ours: (Running, our end)."""
    u.process["terminal"] = True
    master, slave = pty.openpty()
    window(master, (40, 100))
    try:
        with running(u, *options, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as r:
            r.process.stdout = None
            yield r, master, slave
    finally:
        os.close(master)
        os.close(slave)


@test
def terminal_in_the_foreground(b):
    with b.bundle("tty", ";", "cat", "/dev/tty") as u, on_terminal(u) as (r, master, slave):
        before = termios.tcgetattr(slave)
        assert "1 1 1" in read_until(master, "1 1 1")
        eventually("raw", lambda: not termios.tcgetattr(slave)[3] & termios.ICANON)
        assert not termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ISIG)
        os.write(master, b"typed\n")
        assert read_until(master, "typed\r\ntyped\r\n") == "\r\ntyped\r\ntyped\r\n"  # echoed, then by cat
        os.write(master, b"\x04")
        assert r.process.wait(10) == 0
        assert termios.tcgetattr(slave) == before, "as it was"


@test
def terminal_size_is_handed_on(b):
    with b.bundle() as u:
        u.process["args"] += ["say", "ready", ";", "nap", "20000"]
        with on_terminal(u) as (r, master, _):
            read_until(master, "ready")
            theirs = os.open("/proc/%d/fd/0" % r.pid, os.O_RDWR | os.O_NOCTTY)
            try:
                assert window(theirs) == (40, 100)
                window(master, (33, 77))
                os.kill(r.process.pid, signal.SIGWINCH)
                eventually("the new size", lambda: window(theirs) == (33, 77))
            finally:
                os.close(theirs)


@test
def terminal_has_job_control(b):
    """Control-C ends the container, not us first: it is its terminal."""
    with b.bundle() as u:
        u.process["args"] += ["say", "ready", ";", "nap", "20000"]
        with on_terminal(u) as (r, master, _):
            read_until(master, "ready")
            os.write(master, b"\x03")
            assert r.process.wait(10) == 130


@test
def terminal_output_is_all_there(b):
    with b.bundle() as u:
        u.file("big", "line of text\n" * 20000)
        u.process.update(args=["/kit.wasm", "cat", "/big", ";", "say", "the end"], terminal=True)
        r = u.run()
        assert r.code == 0 and r.out == "line of text\r\n" * 20000 + "the end\r\n", str(r)[-300:]


@test
def terminal_of_pipes(b):
    """Without a terminal of ours: the end of standard input is Control-D."""
    with b.bundle("cat", "/dev/stdin", ";", "tty") as u:
        u.process.update(terminal=True, consoleSize={"height": 12, "width": 34})
        r = u.run(input=b"hello\n")
        assert r.code == 0 and r.out == "hello\r\nhello\r\n1 1 1\r\n", str(r)


@test
def terminal_that_nobody_reads(b):
    """The guest reads nothing, much is typed: it ends all the same."""
    with b.bundle("nap", "300") as u:
        u.process["terminal"] = True
        assert u.run(input=b"x" * 200000).code == 0


@test
def console_socket(b):
    with b.bundle("tty", ";", "cat", "/dev/stdin") as u, socket.socket(socket.AF_UNIX) as listener:
        u.process.update(terminal=True, consoleSize={"height": 12, "width": 34}, user={"uid": 1234, "gid": 1234})
        path = os.path.join(b.folder, "console")
        listener.bind(path)
        listener.listen()
        with running(u, "--console-socket", path) as r:
            listener.settimeout(10)
            connection, _ = listener.accept()
            with connection:
                name, fds, _, _ = socket.recv_fds(connection, 100, 4)
            assert name and len(fds) == 1, (name, fds)
            try:
                read_until(fds[0], "1 1 1")
                assert window(fds[0]) == (12, 34)
                assert os.fstat(os.open("/proc/%d/fd/0" % r.pid, os.O_RDONLY | os.O_NOCTTY)).st_uid == 1234
                os.write(fds[0], b"hello\n\x04")
                read_until(fds[0], "hello\r\nhello")
                result = r.end()
                assert (result.code, result.out, result.err) == (0, "", ""), str(result)
            finally:
                os.close(fds[0])
        os.remove(path)


@test
def console_socket_that_is_missing(b):
    with b.bundle("say", "ran") as u:
        u.options = ["--console-socket", u.folder + "/nowhere"]
        u.refused("process.terminal")
        u.process["terminal"] = True
        u.refused("--console-socket: '%s/nowhere': No such file" % u.folder)


@test
def pid_file(b):
    with b.bundle() as u:
        path = os.path.join(u.folder, "pid")
        with ready(u, "--pid-file", path) as r:
            assert read(path) == str(r.pid)
            assert not os.path.exists(path + ".new")
        u.options = ["--pid-file", u.folder + "/no/where"]
        u.refused("--pid-file", "No such file")


# -- Hooks ------------------------------------------------------------------------------------------


def hook(u, kind, script, **more):
    """A shell script of the host."""
    rows = u.config.setdefault("hooks", {}).setdefault(kind, [])
    path = write(os.path.join(u.folder, "%s-%d.sh" % (kind, len(rows))), "#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    rows.append(dict({"path": path}, **more))
    return path


@test
def hooks_run_in_order(b):
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        u.config["annotations"] = {"a.b": "c \"d\""}
        for kind in ("poststop", "poststart", "createContainer", "createRuntime", "prestart"):
            for _ in range(2):
                hook(u, kind, 'echo "$0 $1 $SET $(/bin/cat)" >> %s; echo to stdout; sleep 0.02\n' % log,
                     args=["hook", kind], env=["SET=yes"])
        r = u.run()
        # poststart runs beside the guest
        assert r.code == 0 and r.out == "guest\n", str(r)
        assert r.err == "to stdout\n" * 10, str(r)
        lines = read(log).strip().split("\n")
        states = [json.loads(line.split("yes ", 1)[1]) for line in lines]
        order = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
        for number, (line, state) in enumerate(zip(lines, states)):
            kind = order[number // 2]
            assert line.split()[1] == kind, lines
            assert state["id"] == u.id and state["bundle"] == os.path.realpath(u.folder), state
            assert state["annotations"] == u.config["annotations"] and state["ociVersion"].startswith("1."), state
            assert state["status"] == {"poststart": "running", "poststop": "stopped"}.get(kind, "creating"), state
            assert ("pid" in state) == (kind != "poststop"), state
        assert len({state["pid"] for state in states[:4] + states[6:8]}) == 1, states


@test
def hooks_find_the_namespaces(b):
    """createRuntime from outside by the pid it is told, createContainer from inside."""
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        u.config["hostname"] = "caged"
        hook(u, "createRuntime", 'pid=$(sed "s/.*pid.:\\([0-9]*\\).*/\\1/"); readlink /proc/$pid/ns/net >> %s; '
             'readlink /proc/self/ns/net >> %s\n' % (log, log), env=["PATH=/bin:/usr/bin"])
        hook(u, "createContainer", 'readlink /proc/self/ns/net >> %s; uname -n >> %s; mount -t tmpfs none %s/rootfs\n' %
             (log, log, u.folder), env=["PATH=/bin:/usr/bin:/sbin"])
        u.expect("guest\n")
        there, here, again, name = read(log).strip().split("\n")
        assert there == again and here == os.readlink("/proc/self/ns/net") and there != here, (there, here, again)
        assert name == "caged"


@test
def hooks_in_the_container(b):
    """startContainer: a program of the root's, as the container's user, with its capabilities."""
    with b.bundle("cat", "/tmp/out") as u:
        os.makedirs(os.path.join(u.root, "tmp"))
        os.chmod(os.path.join(u.root, "tmp"), 0o777)
        u.process["user"] = {"uid": 1234, "gid": 1234}
        source = write(os.path.join(u.folder, "hook.c"), """#include <stdio.h>
#include <unistd.h>
int main(int count, char **args) { FILE *f = fopen("/tmp/out", "w"); char text[999] = ""; fread(text, 1, 998, stdin);
fprintf(f, "%d %s %d %d %d\\n", (int)getuid(), args[1], count, (int)getpid(), text[0] == '{');
return fclose(f); }""")
        subprocess.run([need("clang-19"), "-static", "-o", u.file("bin/hook"), source], check=True)
        os.chmod(os.path.join(u.root, "bin/hook"), 0o755)
        u.config["hooks"] = {"startContainer": [{"path": "/bin/hook", "args": ["hook", "word"]}]}
        u.expect("1234 word 2 2 1\n")


@test
def hooks_that_fail(b):
    for kind, script, more, words in (
            ("prestart", "exit 3", {}, "exit code 3"), ("createRuntime", "kill -9 $$", {}, "ended by signal 9"),
            ("createContainer", "exit 4", {}, "exit code 4"), ("createRuntime", None, {}, "No such file"),
            ("createContainer", None, {}, "No such file"), ("startContainer", None, {}, "No such file"),
            ("prestart", "sleep 30", {"timeout": 1}, "did not end within 1 s")):
        with b.bundle("say", "guest") as u:
            stopped = os.path.join(u.folder, "stopped")
            path = hook(u, kind, script or "", **more)
            hook(u, "poststop", "touch %s\n" % stopped, env=["PATH=/bin:/usr/bin"])
            if script is None:
                os.remove(path)
            u.refused("%s hook '%s'" % (kind, path), words)
            assert os.path.exists(stopped), kind


@test
def hooks_whose_failure_is_a_warning(b):
    for kind in ("poststart", "poststop"):
        with b.bundle("say", "guest") as u:
            hook(u, kind, "exit 1\n")
            r = u.expect("guest\n", err="warning: %s hook" % kind)
            assert r.err.count("\n") == 1, str(r)


@test
def hooks_have_clean_descriptors_and_signals(b):
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        for kind in ("prestart", "createContainer", "poststop"):
            hook(u, kind, 'ls /proc/self/fd | tr "\\n" " " >> %s; grep -E "SigBlk|SigIgn" /proc/self/status >> %s\n' %
                 (log, log), env=["PATH=/bin:/usr/bin"])
        u.expect("guest\n")
        for line in read(log).strip().split("\n"):
            if line.startswith("Sig") or "Sig" in line:
                assert int(line.split()[-1], 16) == 0, read(log)
            # 3 is of ls itself
            assert all(int(word) <= 3 for word in line.split("Sig")[0].split() if word.isdigit()), read(log)


# -- Control groups ---------------------------------------------------------------------------------


def cgroups(u, controller):
    """Skip where nobody can limit that here."""
    mounted = read("/proc/self/mountinfo")
    v1 = any(" - cgroup " in line and controller in line.rsplit(" ", 1)[1].split(",")
             for line in mounted.strip().split("\n"))
    try:
        v2 = controller in read("/sys/fs/cgroup/cgroup.controllers").split() or controller == "devices"
    except FileNotFoundError:
        v2 = False
    if not v1 and not v2:
        raise Skip("there is no controller '%s' here" % controller)
    return u


def group_file(u, *names):
    """The content of the first such file of the container's control groups."""
    for folder in u.cgroups():
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                return read(os.path.join(folder, name)).strip()
    raise FileNotFoundError(names[0])


@test
def group_has_the_container(b):
    with b.bundle() as u:
        cgroups(u, "memory")
        u.linux["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 33},
                                "cpu": {"shares": 512, "quota": 50000, "period": 100000}}
        with ready(u) as r:
            groups = u.cgroups()
            assert groups, "a control group"
            for folder in groups:
                inside_it = read(os.path.join(folder, "cgroup.procs")).split()
                assert inside_it == [str(r.pid)], (folder, inside_it)
            assert group_file(u, "memory.limit_in_bytes", "memory.max") == str(64 << 20)
            assert group_file(u, "pids.max") == "33"
            assert group_file(u, "cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"
        eventually("gone", lambda: not u.cgroups())


@test
def group_by_path(b):
    with b.bundle() as u:
        cgroups(u, "memory")
        u.linux["cgroupsPath"] = "/cage-test-parent-%d/%s" % (os.getpid(), u.id)
        with ready(u):
            assert all("cage-test-parent" in path for path in u.cgroups()) and u.cgroups()
        found = [path for path, dirs, _ in os.walk("/sys/fs/cgroup") if "cage-test-parent" in path]
        assert not found, found


@test
def group_that_is_in_use(b):
    with b.bundle() as u:
        cgroups(u, "memory")
        with ready(u) as r:
            u.process["args"] = ["/kit.wasm"]
            u.refused("there is a container '%s' already" % u.id)
            name, u.linux["cgroupsPath"], u.id = u.id, "/" + u.id, u.id + "-two"
            u.refused("already has processes")
            u.id = name
            assert r.process.poll() is None and not is_zombie(r.pid)
            assert u.cgroups()


@test
def memory_limit(b):
    """A guest beyond its limit is killed: 137, and a sentence that says why."""
    with b.bundle("say", "begin", ";", "grow", "200", ";", "say", "end") as u:
        cgroups(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
        r = u.expect("begin\n", code=137, err="memory")
        assert r.err.count("\n") == 1 and str(32 << 20) in r.err, "one sentence with the limit: %s" % r


@test
def killed_without_a_reason(b):
    """Nobody speaks of memory where a person sent SIGKILL."""
    with b.bundle() as u:
        cgroups(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 64 << 20}
        with ready(u) as r:
            os.kill(r.pid, signal.SIGKILL)
            result = r.end()
            assert (result.code, result.err) == (137, ""), str(result)


@test
def memory_limit_that_is_enough(b):
    with b.bundle("grow", "8", ";", "say", "end") as u:
        cgroups(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 32 << 20}
        u.expect("grew\nend\n")


# -- What is left -----------------------------------------------------------------------------------


def pids_below(pid):
    found = [pid]
    for child in subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True,
                                check=False).stdout.split():
        found += pids_below(int(child))
    return found


@test
def parent_is_killed_before_go(b):
    """Whenever skiff is killed: a container that was not started yet never is, and leaves at most its empty group."""
    with b.bundle("put", "/ran", "x", ";", "say", "ran") as u:
        ran = 0
        for step in range(50):
            r = u.start()
            time.sleep(step * 0.0004)
            r.process.kill()
            out, _ = r.process.communicate(timeout=10)  # to the end: until the container is gone, too
            ran += out == b"ran\n"
            eventually("no process", lambda: not b.processes(u.id), 5.0)
            for path in u.cgroups():
                eventually("an empty group", lambda p=path: read(os.path.join(p, "cgroup.procs")) == "")
                os.rmdir(path)
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
    return sorted(path for path, _, _ in os.walk("/sys/fs/cgroup") if "/cage-" in path)


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


# -- Mistakes ---------------------------------------------------------------------------------------


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
    (("linux", "namespaces"), [{"type": "pid"}, {"type": "user", "path": "/proc/self/ns/user"}], "user namespaces"),
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
    for data, word in ((b"", "kit.wasm"), (b"#!/bin/sh\n", "kit.wasm"), (b"\0asm\1\0\0\0\1", "kit.wasm"),
                       (b"\x7fELF\2\1\1", "kit.wasm"), (b"\0asm\x0d\0\1\0", "component")):
        with b.bundle() as u:
            u.file("kit.wasm", data)
            u.refused(word)


@test
def module_that_may_not_be_read(b):
    with b.bundle() as u:
        os.remove(os.path.join(u.root, "kit.wasm"))
        os.mkdir(os.path.join(u.root, "kit.wasm"))
        u.refused("kit.wasm")


@test
def ids(b):
    with b.bundle("say", "ran") as u:
        for ident in ("a/b", "..", ".", "", "a b/../c", "x" * 1025):
            u.id = ident
            r = u.run()
            assert r.code in (1, 2) and r.out == "" and r.err.count("\n") == 1, "%r: %s" % (ident, r)
        u.id = "cage-ok_1.2+x"
        u.expect("ran\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        box = Box(sys.argv[1])
    except SkipAll as reason:
        print(reason)
        return 77
    try:
        return run_tests(box, sys.argv[2:])
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
