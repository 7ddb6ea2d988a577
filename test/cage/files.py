# SPDX-License-Identifier: Apache-2.0
"""What a guest sees of files."""

import contextlib
import os
import shutil
import stat
import subprocess
import time

from box import need, need_controller, read, ready, running, write
from tap import test


# -- Files -----------------------------------------------------------------------------------------


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
def mounts_do_not_spread(b):
    """What is put below a volume that the host shares is not mounted in the host."""
    with b.bundle() as u:
        path = os.path.join(u.folder, "shared")
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        try:
            subprocess.run(["mount", "--make-shared", path], check=True)
            os.makedirs(os.path.join(path, "below"))
            u.mount("/data", path)
            u.mount("/data/below", u.outside("file/name"))
            u.config["mounts"][-1]["source"] = os.path.join(u.folder, "file")
            with ready(u) as r:
                assert path + "/below" not in read("/proc/self/mountinfo")
                assert "/data/below" in r.proc("mountinfo")
        finally:
            subprocess.run(["umount", "-R", path], check=True)


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


@contextlib.contextmanager
def shared_host():
    """The words in front of a command for a mount namespace where all is shared, as systemd has it."""
    with subprocess.Popen([need("unshare"), "-m", "sh", "-c", "mount --make-rshared / && echo ready && exec sleep 600"],
                          stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "ready\n"
            yield [need("nsenter"), "--mount=/proc/%d/ns/mnt" % holder.pid]
        finally:
            holder.kill()


@test
def mounts_do_not_spread(b):
    """What is put into a volume of the host's, or its root, is the container's alone; nested as in /a/b."""
    def ours():
        """And those that nobody else changes meanwhile."""
        table = subprocess.check_output(there + ["cat", "/proc/self/mountinfo"], text=True).strip().split("\n")
        return [line for line in table
                if u.folder in line or not line.split()[4].startswith(("/tmp", "/run", "/mnt", "/var"))]

    with b.bundle("cat", "/a/b/file") as u, shared_host() as there:
        u.outside("two/file", "two\n")
        os.makedirs(os.path.join(u.folder, "one/b"))
        subprocess.run(there + ["mount", "-t", "tmpfs", "none", os.path.join(u.folder, "one/b")], check=True)
        before = ours()
        for options in ([], ["rprivate"], ["rslave"], ["private", "ro"]):
            u.config["mounts"] = []
            u.mount("/a", "one", options=options)
            u.mount("/a/b", "two", options=options)
            u.mount("/tmp", kind="tmpfs", source="tmpfs")
            u.linux.update(maskedPaths=["/a/b/none", "/kit.wasm/none", "/a/masked"], readonlyPaths=["/a"])
            done = subprocess.run(there + u.command(), capture_output=True, text=True, check=True)
            assert done.stdout == "two\n", (options, done)
            assert ours() == before, (options, ours())


@test
def mounts_of_the_host_are_seen_where_asked_for(b):
    def tree_of(r):
        return [line.split()[4] for line in r.proc("mountinfo").strip().split("\n")]

    for root, options, seen in (("", [], False), ("", ["rprivate"], False), ("", ["rslave"], True),
                                ("", ["rshared"], True), ("rslave", [], True), ("rslave", ["private"], False)):
        with b.bundle() as u, shared_host() as there:
            os.makedirs(os.path.join(u.folder, "volume/sub"))
            u.mount("/a", "volume", options=options)
            if root:
                u.linux["rootfsPropagation"] = root
            with ready(u, front=there) as r:
                subprocess.run(there + ["mount", "-t", "tmpfs", "none", os.path.join(u.folder, "volume/sub")], check=True)
                tree = tree_of(r)
                assert "/a" in tree and ("/a/sub" in tree) == seen, (root, options, tree)


@test
def options_for_all_below(b):
    """Mounts on mounts, one with spaces in its name, and such as lie hidden below others."""
    with b.bundle() as u:
        volume = os.path.join(u.folder, "volume")
        below = [os.path.join(volume, name) for name in ("a b", "a b/deep", "c", "c", "d/e", "d")]
        for path in below:
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "noatime", "none", path], check=True)
            b.mounted.add(path.replace(" ", "\\040"))
        try:
            u.mount("/plain", volume)
            u.mount("/fixed", volume, options=["rro", "rnosuid", "noexec", "strictatime"])
            with ready(u) as r:
                seen = {}
                for line in r.proc("mountinfo").strip().split("\n"):
                    seen.setdefault(line.split()[4], []).append(sorted(line.split()[5].split(",")))
            assert seen["/plain"] == [["nodev", "relatime", "rw"]], seen
            assert seen["/fixed"] == [["nodev", "noexec", "nosuid", "ro"]], seen
            for name in ("a\\040b", "a\\040b/deep", "c", "d"):
                assert seen["/plain/" + name][-1] == ["noatime", "nodev", "rw"], (name, seen)
                assert seen["/fixed/" + name][-1] == ["noatime", "nodev", "nosuid", "ro"], (name, seen)
        finally:
            for path in reversed(below):
                subprocess.run(["umount", path], check=True)
            b.mounted.clear()


@test
def options_of_the_top_are_not_those_below(b):
    """With a propagation that is for all below, too."""
    with b.bundle("put", "/a/sub/new", "x", ";", "put", "/a/new", "x") as u:
        sub = os.path.join(u.folder, "volume/sub")
        os.makedirs(sub)
        subprocess.run(["mount", "-t", "tmpfs", "none", sub], check=True)
        b.mounted.add(sub)
        try:
            u.mount("/a", "volume", options=["ro", "rprivate"])
            u.expect("put /a/new: Read-only file system\n", code=1)
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


def state_of(path):
    st = os.lstat(path)
    content = st.st_size if stat.S_ISREG(st.st_mode) else None
    if stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    elif content is not None and content < 1 << 20:
        content = read(path)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                  for name in os.listxattr(path, follow_symlinks=False) if name.startswith("trusted.")}
    return st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, content, attributes


def tree(top):
    """{path: all that is to be the same in a copy}"""
    return {os.path.relpath(path, top): state_of(path) for where, folders, names in os.walk(top)
            for path in [where] + [os.path.join(where, name) for name in folders + names]}


def fill_for_copy(u):
    top = os.path.join(u.root, "data")
    u.file("data/sub/deep/file", "deep\n")
    u.file("data/file", "a file\n" * 10000)
    u.file("data/program", "x")
    os.chmod(top + "/program", 0o4755)
    os.chown(top + "/sub", 1234, 5678)
    os.chown(top + "/sub/deep/file", 12, 34)
    os.chmod(top + "/sub", 0o2755)
    os.setxattr(top + "/file", "trusted.colour", b"blue")
    os.symlink("/etc", top + "/out")
    os.symlink("../../../../../../../../etc/passwd", top + "/sub/out")
    os.mkfifo(top + "/pipe")
    with open(top + "/sparse", "wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate(1 << 31)
    os.chmod(top, 0o1770)
    for path in (top + "/file", top + "/out", top + "/pipe", top + "/sub/deep", top + "/sub", top):
        os.utime(path, ns=(10**18 + 1, 10**18 + 12345), follow_symlinks=False)
    return top


@test
def copies_up(b):
    """tmpcopyup: the same files, but no devices; and what is written goes into the copy."""
    with b.bundle("put", "/data/file", "new", ";", "put", "/data/new", "x", ";", "cat", "/data/sub/deep/file") as u:
        top = fill_for_copy(u)
        before = tree(top)
        os.mknod(top + "/sub/deep/node", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        u.mount("/data", kind="tmpfs", source="tmpfs", options=["tmpcopyup", "size=1m", "dev"])
        u.expect("deep\n")
        assert read(top + "/file") == "a file\n" * 10000 and not os.path.exists(top + "/new")
        u.process["args"] = ["/kit.wasm"]
        with ready(u) as r:
            there = "/proc/%d/root/data" % r.pid
            copy = tree(there)
            assert copy == dict(before, **{"sub/deep": copy["sub/deep"]}), (before, copy)
            with open(there + "/sparse", "rb") as file:
                file.seek(1 << 30)
                assert file.read(4) == b"end\0"


@test
def copies_up_as_the_options_say(b):
    """Those of the new file system stand, and read-only it is when it is full."""
    with b.bundle("cat", "/data/file", ";", "put", "/data/new", "x", ";", "ls", "/none") as u:
        u.file("data/file", "a file\n")
        os.chmod(os.path.join(u.root, "data"), 0o1751)
        os.chown(os.path.join(u.root, "data"), 7, 8)
        for words in (["tmpcopyup", "ro"], ["rro", "tmpcopyup"]):
            u.config["mounts"] = []
            u.mount("/data", kind="tmpfs", source="tmpfs", options=words + ["mode=0707", "gid=9", "noexec"])
            u.mount("/none", kind="tmpfs", source="tmpfs", options=["tmpcopyup"])
            u.expect("a file\nput /data/new: Read-only file system\n", code=1)
        u.process["args"] = ["/kit.wasm"]
        with ready(u) as r:
            st = os.stat("/proc/%d/root/data" % r.pid)
            assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (0o707, 7, 9), st


@test
def copies_up_through_no_link(b):
    with b.bundle("ls", "/data", ";", "ls", "/in") as u:
        u.outside("secret/file", "s")
        u.file("in/file", "f")
        os.symlink(os.path.join(u.folder, "secret"), os.path.join(u.root, "data"))
        os.symlink("/in", os.path.join(u.root, "link"))
        u.mount("/data", kind="tmpfs", source="tmpfs", options=["tmpcopyup"])
        u.mount("/link", kind="tmpfs", source="tmpfs", options=["tmpcopyup"])
        u.expect("file\n")


@test
def copies_up_what_has_no_room(b):
    with b.bundle("exit", "0") as u:
        u.file("data/a/big", "x" * 100000)
        u.mount("/data", kind="tmpfs", source="tmpfs", options=["tmpcopyup", "size=64k"])
        u.refused("mount '/data': it has no room for '/data/a/big', which the root has there")
        u.config["mounts"] = []
        deep = os.path.join(u.root, "deep")
        for _ in range(5):
            deep = os.path.join(deep, "/".join("d" * 60))
            os.makedirs(deep)
        u.mount("/deep", kind="tmpfs", source="tmpfs", options=["tmpcopyup"])
        u.refused("mount '/deep': copy '/deep/d/d/d", "name too long")


@test
def config_map_is_swapped(b):
    """As the kubelet does it: files are links to ..data/NAME, ..data is a link that is renamed over."""
    with b.bundle("watch", "/config/key", "value 30") as u:
        volume = os.path.join(u.folder, "volume")
        for number in range(31):
            u.outside("volume/..v%d/key" % number, "value %d\n" % number)
        os.symlink("..v0", os.path.join(volume, "..data"))
        os.symlink("..data/key", os.path.join(volume, "key"))
        u.mount("/config", volume, options=["ro"])
        with running(u) as r:
            assert r.line() == "value 0"
            for number in range(1, 31):
                os.symlink("..v%d" % number, os.path.join(volume, "..data_tmp"))
                os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))
                # Whoever has read the old link and not yet followed it would find nothing, whatever program he is.
                assert r.line() == "value %d" % number
                shutil.rmtree(os.path.join(volume, "..v%d" % (number - 1)))
            result = r.end()
        assert result.code == 0 and result.out == "", "no read may fail: %s" % result


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
        need_controller(u, "devices")
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
