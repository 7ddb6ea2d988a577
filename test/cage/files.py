# SPDX-License-Identifier: Apache-2.0
"""What a guest sees of files."""

import os
import shutil
import stat
import subprocess
import time

from box import need_controller, read, ready, running, write
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
