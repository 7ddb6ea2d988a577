#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""layers.py SKIFF [WORD...]: layers that want out, or more than is good; WORD: only tests whose name has it.

Each layer is unpacked (by image-unpack, beside SKIFF) into a root that has neighbours, and the neighbours are as they were before: by root,
by an ordinary user, and by root with the system calls of an older kernel. What must be in the root, and which sentence is said, is
the test.
"""

import gzip
import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from tap import TESTS, Skip, run_tests  # noqa: E402

BADMSG, INVAL, FBIG, NOSPC = -74, -22, -27, -28
SOMEBODY = 65534
KINDS = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE,
         "c": tarfile.CHRTYPE, "b": tarfile.BLKTYPE, "p": tarfile.FIFOTYPE}


def entry(name, kind="f", data=b"", link="", mode=None, uid=0, gid=0, mtime=1000, pax=None):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = KINDS[kind], link, len(data)
    info.mode = mode if mode is not None else (0o755 if kind == "d" else 0o644)
    info.uid, info.gid, info.mtime, info.pax_headers = uid, gid, mtime, pax or {}
    return info, data


def tar(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def header(name, kind=b"0", size=0, link=b"", mode=b"0000644\0", magic=b"ustar\x0000", prefix=b""):
    """A header with whatever bytes in its fields."""
    size = size if isinstance(size, bytes) else b"%011o\0" % size
    head = (name.ljust(100, b"\0")[:100] + mode.ljust(8, b"\0") + b"0000000\0" * 2 + size.ljust(12, b"\0") +
            b"%011o\0" % 1000 + b" " * 8 + kind + link.ljust(100, b"\0")[:100] + magic +
            b"\0" * 64 + b"0000000\0" * 2 + prefix.ljust(155, b"\0")).ljust(512, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def body(data):
    return data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024


def picture(top, leave):
    """All there is of a directory, but what is called `leave`."""
    seen = []
    for path, dirs, files in os.walk(top):
        dirs[:] = [name for name in dirs if os.path.join(path, name) != leave]
        for name in [""] + files + [name for name in dirs if os.path.islink(os.path.join(path, name))]:
            what = os.path.join(path, name)
            st = os.lstat(what)
            text = ""
            if stat.S_ISREG(st.st_mode):
                with open(what, "rb") as file:
                    text = file.read()
            seen.append((what, st.st_mode, st.st_uid, st.st_nlink, st.st_mtime_ns if path != top else 0, text))
    return sorted(map(str, seen))


class Unpack:
    """A root with neighbours, one way to unpack into it, and what came of it."""

    def __init__(self, program, older, way, top):
        self.program, self.older, self.way, self.top = program, older, way, top
        self.is_root = way != "user"
        self.root = os.path.join(top, "root")
        self.count = 0
        self.text = ""
        os.chmod(top, 0o755)
        os.makedirs(os.path.join(top, "outside/below"))
        for name in ("outside/canary", "outside/below/canary", "root.txt"):
            with open(os.path.join(top, name), "w") as file:
                file.write("safe")
            os.chmod(os.path.join(top, name), 0o666)  # whoever gets there may write
        for name in ("outside", "outside/below"):
            os.chmod(os.path.join(top, name), 0o777)
        os.mkdir(self.root)
        if not self.is_root:
            os.chown(self.root, SOMEBODY, SOMEBODY)

    def start(self, command, env):
        def become():
            if not self.is_root:
                os.setgroups([])
                os.setgid(SOMEBODY)
                os.setuid(SOMEBODY)
        if self.way == "older":
            command = [self.older, "5.4"] + command
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              preexec_fn=become, env=dict(os.environ, **env), errors="surrogateescape", check=False)

    def put(self, *layers, env=None, code=0, says=None):
        """Unpack layers: bytes of a tar, or lists of entries. The outcome must be this."""
        paths = []
        for layer in layers:
            self.count += 1
            paths.append("%s.%d.layer" % (self.top, self.count))
            with open(paths[-1], "wb") as file:
                file.write(layer if isinstance(layer, bytes) else tar(*layer))
        done = self.start([self.program, self.root] + paths, env or {})
        for path in paths:
            os.unlink(path)
        self.text = done.stdout
        if self.way == "older" and done.returncode == 77:
            raise Skip("no filter of system calls")
        lines = done.stdout.split("\n")
        found = [line for line in lines if line.startswith("-")]
        assert done.returncode == (1 if code else 0), "code %d: %s" % (done.returncode, done.stdout)
        assert code == 0 or found[0].startswith("%d: " % code), done.stdout
        assert says is None or says in done.stdout, done.stdout
        assert "Sanitizer" not in done.stdout, done.stdout
        return [line for line in lines if line.startswith("sha256:")]

    def refused(self, *layers, says, code=INVAL, env=None):
        self.put(*layers, code=code, says=says, env=env)

    def at(self, path):
        return os.path.join(self.root, path)

    def read(self, path):
        """The file itself: no link is followed on the way."""
        at = self.root
        for name in path.split("/"):
            at = os.path.join(at, name)
            assert not os.path.islink(at), at + " is a link"
        with open(at, "rb") as file:
            return file.read()

    def names(self, path="."):
        return sorted(os.listdir(self.at(path)))

    def left_out(self):
        return int(self.text.split("left out: ")[1])


def case(work):
    title = work.__name__.replace("_", " ")

    def one(way):
        def run(box):
            with tempfile.TemporaryDirectory(prefix="skiff-layers-") as folder:
                top = os.path.join(folder, "top")
                os.mkdir(top)
                os.chmod(folder, 0o755)
                u = Unpack(box.program, box.older, way, top)
                before = picture(top, u.root)
                work(u)
                assert picture(top, u.root) == before, "its neighbours were changed"
                assert os.path.isdir(u.root) and not os.path.islink(u.root)
        TESTS.append(("%s (%s)" % (title, way), run))
    for way in ("root", "user", "older"):
        one(way)
    return work


# -- Paths ---------------------------------------------------------------------------------------

@case
def a_file_a_directory_and_a_link(u):
    data = tar(entry("bin", "d"), entry("bin/app", data=b"hello", mode=0o755), entry("bin/link", "l", link="app"))
    got = u.put(data)
    assert got == ["sha256:" + hashlib.sha256(data).hexdigest()], got
    assert u.read("bin/app") == b"hello" and os.readlink(u.at("bin/link")) == "app"
    assert stat.S_IMODE(os.stat(u.at("bin/app")).st_mode) == 0o755


@case
def dots_that_lead_up(u):
    for name in ("../outside/canary", "a/../../outside/canary", "..", "a/..", "/../x", "./../root.txt"):
        u.refused([entry(name, data=b"evil")], says="no path of a layer may have '..'")
    u.refused([entry("../outside/below", "d", mode=0)], says="'..'")
    u.put([entry("a..b", data=b"1"), entry("..c", data=b"2"), entry("...", data=b"3")])
    assert u.names() == ["...", "..c", "a..b"]


@case
def absolute_paths_are_the_images(u):
    u.put([entry("/" + u.top + "/outside/canary", data=b"evil"), entry("///etc/passwd", data=b"mine")])
    assert u.read("etc/passwd") == b"mine" and u.read(u.top.lstrip("/") + "/outside/canary") == b"evil"


@case
def a_link_out_as_a_parent(u):
    u.put([entry("d", "l", link=u.top + "/outside"), entry("d/canary", data=b"evil"),
           entry("e", "l", link="../outside"), entry("e/below/canary", data=b"evil"),
           entry("f", "l", link="/"), entry("f/root.txt", data=b"evil")])
    assert u.read(u.top.lstrip("/") + "/outside/canary") == b"evil"
    assert u.read("outside/below/canary") == b"evil" and u.read("root.txt") == b"evil"


@case
def a_link_of_a_lower_layer_as_a_parent(u):
    u.put([entry("lib", "l", link="usr/lib"), entry("usr/lib", "d"), entry("out", "l", link="../../.." + u.top)],
          [entry("lib/x", data=b"x"), entry("out/root.txt", data=b"evil")])
    assert u.read("usr/lib/x") == b"x" and os.path.islink(u.at("lib"))
    assert u.read(u.top.lstrip("/") + "/root.txt") == b"evil"


@case
def a_file_over_a_link_out(u):
    u.put([entry("x", "l", link=u.top + "/outside/canary"), entry("x", data=b"mine")])
    assert u.read("x") == b"mine"
    u.put([entry("y", "l", link="../root.txt")], [entry("y", data=b"mine")])
    assert u.read("y") == b"mine"


@case
def a_directory_over_a_link_out(u):
    u.put([entry("d", "l", link=u.top + "/outside")],
          [entry("d", "d", mode=0o700, mtime=5), entry("d/canary", data=b"mine")])
    assert u.read("d/canary") == b"mine" and stat.S_IMODE(os.lstat(u.at("d")).st_mode) == 0o700


@case
def a_link_over_a_directory(u):
    u.put([entry("d", "d"), entry("d/a/b/c", data=b"1")], [entry("d", "l", link="../outside")])
    assert os.readlink(u.at("d")) == "../outside"
    u.put([entry("d/new", data=b"2")])
    assert u.read("outside/new") == b"2"


@case
def links_in_a_circle(u):
    u.refused([entry("a", "l", link="b"), entry("b", "l", link="a"), entry("a/x", data=b"")],
              says="lead in a circle", code=-40)
    chain = [entry("c%d" % i, "l", link="c%d/../c%d" % (i + 1, i + 1)) for i in range(45)]
    u.refused(chain + [entry("c0/x", data=b"")], says="lead in a circle", code=-40)


@case
def a_link_to_nothing_as_a_parent(u):
    u.put([entry("var/lock", "l", link="/run/lock"), entry("var/lock/x", data=b"1")])
    assert u.read("run/lock/x") == b"1"


@case
def a_link_that_changes_between_two_entries(u):
    u.put([entry("a", "d"), entry("a/1", data=b"1"), entry("a", "l", link=u.top + "/outside"), entry("a/1", data=b"2"),
           entry("b", "d"), entry("b/c", "d"), entry("b/c/1", data=b"1"), entry("b", "l", link="../outside"),
           entry("b/c/1", data=b"2")])
    assert u.read(u.top.lstrip("/") + "/outside/1") == b"2" and u.read("outside/c/1") == b"2"
    # A link to where it lies, replaced by way of itself.
    u.refused([entry("d/l", "l", link="."), entry("d/l/l", data=b"1"), entry("d/l/x", data=b"2")],
              says="a file is in the way", code=-20)
    assert u.names("d") == ["l"]


@case
def a_link_without_a_text(u):
    u.refused(header(b"x", b"2") + END, says="leads to nothing")
    u.refused([entry("x", "l", link="y" * 5000)], says="too long a text")


@case
def names_that_say_nothing(u):
    u.put([entry(".//./a//b/.", data=b"1"), entry("./", "d"), entry("././c/", "d")])
    assert u.read("a/b") == b"1" and os.path.isdir(u.at("c"))
    u.refused(header(b"", b"0") + END, says="without a name")


@case
def the_root_as_something_else(u):
    for kind, link in (("f", ""), ("l", "../outside"), ("p", "")):
        u.refused([entry("./", kind, link=link)] if kind != "f" else header(b"/./.") + END,
                  says="the root of an image is a directory")
    u.refused([entry("./", "h", link="x")], says="the root of an image is a directory")


@case
def the_roots_own_mode(u):
    u.put([entry("./", "d", mode=0o711, mtime=77)])
    st = os.stat(u.root)
    assert stat.S_IMODE(st.st_mode) == 0o711 and st.st_mtime == 77


@case
def a_NUL_in_a_name(u):
    text = b"path=in\0side/../../outside/canary\n"
    line = b"%d %s" % (len(text) + 3, text)
    u.put(header(b"x", b"x", len(line)) + body(line) + header(b"x", b"0", 1) + body(b"1") + END)
    assert u.names() == ["in"], u.names()


@case
def names_too_long(u):
    u.refused([entry("n" * 256, data=b"")], says="too long")
    u.refused([entry("/".join(["n" * 200] * 30), data=b"")], says="too long")
    u.refused([entry("a", data=b"x"), entry("b", "h", link="/".join(["n" * 200] * 30))], says="too long")
    u.put([entry("n" * 255, data=b"1")])
    assert u.read("n" * 255) == b"1"


@case
def names_of_many_bytes_by_gnu(u):
    name = "/".join(["n" * 90] * 4)
    u.put(tar(entry(name, data=b"1"), entry("l", "l", link=name), form=tarfile.GNU_FORMAT))
    assert u.read(name) == b"1" and os.readlink(u.at("l")) == name
    u.refused(tar(entry("../" + name, data=b"1"), form=tarfile.GNU_FORMAT), says="'..'")


@case
def names_of_other_languages_are_bytes(u):
    u.put([entry("e\u0301", data=b"1"), entry("\u00e9", data=b"2"), entry("\u65e5\u672c", "d"),
           entry("\u65e5\u672c/l", "l", link="e\u0301")])
    assert u.names() == sorted(["e\u0301", "\u00e9", "\u65e5\u672c"]), u.names()
    assert os.readlink(u.at("\u65e5\u672c/l")) == "e\u0301"
    u.put(tar(entry("raw\udcff", data=b"3"), form=tarfile.GNU_FORMAT))
    assert b"raw\xff" in os.listdir(os.fsencode(u.root))


@case
def control_characters_in_a_sentence(u):
    u.refused([entry("../\x1b[31m\n\x07", data=b"")], says="'..")
    assert "\x1b" not in u.text and "\x07" not in u.text


@case
def deeper_than_directories_go(u):
    u.refused([entry("/".join("a" * 256), "d")], says="it lies too deep", code=-36)
    u.put([entry("/".join("b" * 255), "d")])
    u.refused([entry("l", "l", link="/".join("b" * 200)), entry("l/" + "/".join("c" * 60), "d")],
              says="it lies too deep", code=-36)
    u.put([entry(".wh.a"), entry(".wh.b"), entry(".wh.l")])
    assert u.names() == []


@case
def long_ways_count(u):
    """Else a layer of a few megabytes has us walk for hours."""
    way = "/".join("a" * 200)
    detour = [entry(way, "d"), entry("l", "l", link=way + "/.." * 200)]
    env = {"SKIFF_UNPACK_ENTRIES": "1000"}
    u.refused(detour + [entry("l/" * 8 + "%d/f" % i) for i in range(50)], says="SKIFF_UNPACK_ENTRIES=NUMBER", code=FBIG,
              env=env)
    u.put([entry("/".join("b" * 50) + "/f%d" % i) for i in range(500)], env=env)


@case
def an_opaque_directory_over_and_over(u):
    """What a layer itself brought is not gone through for each of its whiteouts."""
    again = header(b"d/.wh..wh..opq") * 50000 + header(b".wh.d") * 50000
    u.put([entry("d/lower", data=b"1"), entry("d/e/lower")])
    u.put(body(b"".join(header(b"d/%d" % i) for i in range(8000))) + header(b"d/e/ours") + again + END)
    assert len(u.names("d")) == 8001 and u.names("d/e") == ["ours"]
    u.put([entry("d/.wh..wh..opq"), entry("d/new")])
    assert u.names("d") == ["new"]


@case
def a_file_in_the_way(u):
    u.refused([entry("a", data=b"1"), entry("a/b", data=b"2")], says="a file is in the way", code=-20)
    assert u.read("a") == b"1"


# -- Hard links ----------------------------------------------------------------------------------

@case
def hard_links(u):
    u.put([entry("a", data=b"1"), entry("b", "h", link="a"), entry("d/c", "h", link="/a"), entry("a", "h", link="./a")])
    assert u.read("b") == b"1" and u.read("d/c") == b"1" and os.stat(u.at("a")).st_nlink == 3
    u.put([entry("b", data=b"2")])
    assert u.read("a") == b"1" and u.read("b") == b"2"


@case
def hard_links_to_what_is_outside(u):
    for link in ("../root.txt", "../outside/canary"):
        u.refused([entry("x", "h", link=link)], says="'..'")
    u.refused([entry("x", "h", link=u.top + "/root.txt")], says="which is not there")
    u.refused([entry("d", "l", link=u.top + "/outside"), entry("x", "h", link="d/canary")], says="which is not there")
    assert "x" not in u.names()


@case
def a_hard_link_to_a_link_out(u):
    u.put([entry("l", "l", link=u.top + "/root.txt"), entry("x", "h", link="l")])
    assert os.path.islink(u.at("x"))
    u.put([entry("x", data=b"evil")])
    assert u.read("x") == b"evil"


@case
def hard_links_to_no_file(u):
    u.refused([entry("d", "d"), entry("x", "h", link="d")], says="to no directory")
    u.refused([entry("x", "h", link="/")], says="to no directory")
    u.refused([entry("x", "h", link="none")], says="a hard link to 'none', which is not there")


@case
def a_hard_link_with_data(u):
    u.put(header(b"a", b"0", 1) + body(b"1") + header(b"b", b"1", 0, b"a") + header(b"c", b"0", 1) + body(b"3") + END)
    assert u.read("b") == b"1" and u.read("c") == b"3"


# -- Kinds and modes -------------------------------------------------------------------------------

@case
def devices_are_left_out(u):
    u.put([entry("dev/null", "c"), entry("dev/sda", "b"), entry("pipe", "p"), entry("same", "h", link="pipe")],
          [entry("x", data=b"1")])
    assert u.names() == ["dev", "x"] and u.names("dev") == [] and u.left_out() == 4, u.text


@case
def a_device_in_place_of_a_file(u):
    u.put([entry("x", data=b"1")], [entry("x", "c")])
    assert u.names() == []


@case
def set_id_and_sticky_bits(u):
    u.put([entry("su", data=b"1", mode=0o6755), entry("st", data=b"1", mode=0o1644), entry("tmp", "d", mode=0o7777)])
    assert stat.S_IMODE(os.stat(u.at("su")).st_mode) == 0o755
    assert stat.S_IMODE(os.stat(u.at("st")).st_mode) == 0o644
    assert stat.S_IMODE(os.stat(u.at("tmp")).st_mode) == 0o1777


@case
def owners(u):
    u.put([entry("f", data=b"1", uid=1234, gid=4321), entry("d", "d", uid=1234, gid=4321),
           entry("l", "l", link="f", uid=1234, gid=4321)])
    for name in "fdl":
        st = os.lstat(u.at(name))
        assert (st.st_uid, st.st_gid) == ((1234, 4321) if u.is_root else (SOMEBODY, SOMEBODY)), name


@case
def owners_out_of_range(u):
    u.put([entry("a", data=b"1", uid=1 << 40, gid=1 << 33), entry("b", data=b"1", uid=0xffffffff, gid=0xffffffff)])
    for name in "ab":
        st = os.lstat(u.at(name))
        assert (st.st_uid, st.st_gid) == (SOMEBODY, SOMEBODY), (name, st)


@case
def a_directory_that_nobody_may_write(u):
    u.put([entry("d", "d", mode=0o0), entry("d/x", data=b"1", mode=0), entry("d/e", "d", mode=0o500)],
          [entry("d/e/y", data=b"2"), entry("d/.wh.x")])
    assert os.listdir(u.at("d")) == ["e"] and os.listdir(u.at("d/e")) == ["y"]
    assert stat.S_IMODE(os.stat(u.at("d")).st_mode) == (0 if u.is_root else 0o700)


@case
def times_to_the_nanosecond(u):
    u.put([entry("d", "d", mtime=5), entry("d/f", data=b"1", pax={"mtime": "123.456789012"}),
           entry("d/l", "l", link="f", mtime=9)])
    assert os.stat(u.at("d/f")).st_mtime_ns == 123456789012
    assert os.stat(u.at("d")).st_mtime == 5 and os.lstat(u.at("d/l")).st_mtime == 9


@case
def times_that_no_clock_shows(u):
    u.put([entry("a", data=b"1", pax={"mtime": "-99999999999"}), entry("b", data=b"1", pax={"mtime": "9" * 18}),
           entry("c", data=b"1", pax={"mtime": "9" * 40}), entry("d", "d", pax={"mtime": "-1.5"})])
    assert os.stat(u.at("a")).st_mtime == 0 and os.stat(u.at("b")).st_mtime >= 2 ** 31 - 1
    assert u.names() == ["a", "b", "c", "d"]


@case
def attributes(u):
    names = ("user.mine", "security.capability", "trusted.overlay.opaque", "system.posix_acl_access", "security.selinux")
    u.put([entry("x", data=b"1", pax={"SCHILY.xattr." + name: "value" for name in names}),
           entry("d", "d", pax={"SCHILY.xattr.user.mine": "dir", "SCHILY.xattr.trusted.overlay.opaque": "y"})])
    try:
        os.setxattr(u.at("x"), "user.other", b"1")
        has_them = True
    except OSError:
        has_them = False
    got = [name for name in os.listxattr(u.at("x")) if name != "security.selinux"]
    assert sorted(got) == (["user.mine", "user.other"] if has_them else []), got
    assert not has_them or os.getxattr(u.at("x"), "user.mine") == b"value"
    assert not has_them or os.listxattr(u.at("d")) == ["user.mine"]


@case
def attributes_too_big(u):
    u.put([entry("x", data=b"1", pax={"SCHILY.xattr.user.big": "v" * 70000, "SCHILY.xattr.user." + "n" * 300: "1"})])
    assert u.read("x") == b"1"


# -- Whiteouts -------------------------------------------------------------------------------------

@case
def a_whiteout_removes_what_is_below(u):
    u.put([entry("a", data=b"1"), entry("d/e/f", data=b"2"), entry("keep", data=b"3"), entry("l", "l", link="../outside")],
          [entry(".wh.a"), entry(".wh.d"), entry(".wh.l"), entry(".wh.none"), entry("none/.wh.x")])
    assert u.names() == ["keep"]


@case
def a_whiteout_leaves_what_its_own_layer_brought(u):
    u.put([entry("a", data=b"1"), entry("d/low", data=b"1"), entry("d/sub/low", data=b"1")],
          [entry("a", data=b"2"), entry(".wh.a"), entry("d/sub/new", data=b"2"), entry(".wh.d"),
           entry(".wh.b"), entry("b", data=b"3")])
    assert u.read("a") == b"2" and u.read("b") == b"3" and u.names("d") == ["sub"] and u.names("d/sub") == ["new"]


@case
def a_whiteout_of_a_hard_link(u):
    u.put([entry("a", data=b"1")], [entry("b", "h", link="a"), entry(".wh.a")])
    assert u.names() == ["b"] and u.read("b") == b"1"


@case
def opaque_directories(u):
    low = [entry("d/low", data=b"1"), entry("d/sub/low", data=b"1"), entry("d/both", data=b"1")]
    u.put(low, [entry("d", "d"), entry("d/new", data=b"2"), entry("d/.wh..wh..opq"), entry("d/both", data=b"2")])
    assert u.names("d") == ["both", "new"] and u.read("d/both") == b"2"
    u.put([entry("none/.wh..wh..opq"), entry(".wh..wh..opq"), entry("x", data=b"1")])
    assert u.names() == ["x"]


@case
def an_opaque_directory_through_a_link_out(u):
    u.put([entry("d", "l", link=u.top + "/outside"), entry("r", "l", link="/../.."), entry("r/x", data=b"1")],
          [entry("d/.wh..wh..opq"), entry("d/.wh.canary"), entry("r/.wh.outside"), entry("r/.wh.root.txt")])
    assert u.names() == ["d", "r", "x"]


@case
def whiteouts_of_dots(u):
    u.put([entry("d/x", data=b"1")])
    for name in ("d/.wh...", "d/.wh..", "d/.wh."):
        u.refused([entry(name)], says="a whiteout names a file")
    assert u.read("d/x") == b"1"


@case
def whiteouts_with_more_behind_them(u):
    u.refused([entry(".wh.a/b", data=b"1")], says="a whiteout is no directory")
    u.refused([entry(".wh.a/../../outside", data=b"1")], says="'..'")
    u.put([entry("a", data=b"1")], [entry(".wh.a/", "d")])
    assert u.names() == []


@case
def whiteouts_of_any_kind(u):
    u.put([entry("a", data=b"1"), entry("b", data=b"1"), entry("c", data=b"1")],
          [entry(".wh.a", "l", link="../outside/canary"), entry(".wh.b", "c"), entry(".wh.c", "h", link="x")])
    assert u.names() == []


@case
def what_aufs_leaves_behind(u):
    u.put([entry(".wh..wh.plnk", "d"), entry(".wh..wh.plnk/1.2", data=b"1"), entry(".wh..wh.aufs", data=b""),
           entry("x", data=b"1")])
    assert u.names() == ["x"]


@case
def a_whiteout_of_a_whole_tree_with_links_out(u):
    u.put([entry("d/a", "l", link=u.top + "/outside"), entry("d/b/c", "l", link="../../../outside"),
           entry("d/e", "l", link="/")], [entry(".wh.d")])
    assert u.names() == []


# -- One thing instead of another -------------------------------------------------------------------

@case
def a_directory_instead_of_a_file_and_back(u):
    u.put([entry("a", data=b"1"), entry("b", "d"), entry("b/c/d", data=b"2")],
          [entry("a", "d"), entry("a/x", data=b"3"), entry("b", data=b"4")])
    assert u.read("a/x") == b"3" and u.read("b") == b"4"


@case
def the_same_name_many_times(u):
    u.put([entry("a", data=b"1"), entry("a", data=b"22"), entry("a", "d"), entry("a", "d", mode=0o700), entry("a/x", data=b"3"),
           entry("a", "l", link="x"), entry("a", data=b"last"), entry("A", data=b"other")])
    assert u.read("a") == b"last" and u.names() == ["A", "a"]


@case
def a_directory_again_keeps_what_is_in_it(u):
    u.put([entry("d/x", data=b"1")], [entry("d", "d", mode=0o711)])
    assert u.read("d/x") == b"1" and stat.S_IMODE(os.stat(u.at("d")).st_mode) == 0o711


# -- Limits -------------------------------------------------------------------------------------------

@case
def more_bytes_than_allowed(u):
    env = {"SKIFF_UNPACK_BYTES": "1MiB"}
    u.refused([entry("a", data=b"x" * (2 << 20))], says="SKIFF_UNPACK_BYTES=SIZE", code=FBIG, env=env)
    half = [entry("b", data=b"x" * (600 << 10))]
    u.put(half, env=env)
    u.refused(half, half, says="SKIFF_UNPACK_BYTES", code=FBIG, env=env)
    u.refused([entry("a", data=b"x")], says="'lots' is no number", env={"SKIFF_UNPACK_BYTES": "lots"})


@case
def more_entries_than_allowed(u):
    env = {"SKIFF_UNPACK_ENTRIES": "100"}
    u.refused([entry("f%d" % i) for i in range(101)], says="SKIFF_UNPACK_ENTRIES=NUMBER", code=FBIG, env=env)
    u.refused([entry("/".join("d" * 101))], says="SKIFF_UNPACK_ENTRIES=NUMBER", code=FBIG, env=env)
    u.refused([entry(".wh.x")] * 101, says="SKIFF_UNPACK_ENTRIES=NUMBER", code=FBIG, env=env)


@case
def a_bomb(u):
    bomb = gzip.compress(tar(entry("a", data=b"\0" * (80 << 20))), 9)
    u.refused(bomb, says="as bombs do", code=FBIG, env={"SKIFF_UNPACK_RATIO": "500"})
    u.refused(gzip.compress(tar(entry("a", data=b"1")) + b"\0" * (80 << 20), 9), says="as bombs do", code=FBIG,
              env={"SKIFF_UNPACK_RATIO": "500"})
    u.refused(tar(entry("a", data=b"1")) + b"\0" * (2 << 20), says="SKIFF_UNPACK_BYTES", code=FBIG,
              env={"SKIFF_UNPACK_BYTES": "1M"})


def sparse(real, at=0, data=b"1"):
    """A file that has `data` somewhere and nothing else, as GNU tar writes it (PAX format 1.0)."""
    table = body(b"1\n%d\n%d\n" % (at, len(data)))
    pax = b""
    for name, value in ((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                        (b"GNU.sparse.realsize", b"%d" % real)):
        line = b" %s=%s\n" % (name, value)
        size = len(line) + 2
        pax += (b"%d" % size if len(b"%d" % size) == 2 else b"%d" % (size + 1)) + line
    return (header(b"x", b"x", len(pax)) + body(pax) + header(b"GNUSparseFile.0/s", b"0", len(table) + len(data)) +
            table + body(data) + END)


@case
def sparse_files(u):
    u.put(sparse(3 << 20, 2 << 20, b"here"))
    assert u.read("s") == b"\0" * (2 << 20) + b"here" + b"\0" * ((1 << 20) - 4)


@case
def sparse_bombs(u):
    u.refused(sparse(1 << 60), says="more than are allowed", code=FBIG)
    u.put(sparse((1 << 62) + 5, 1 << 62, b"here"), code=FBIG)
    u.refused(sparse(64 << 20), says="more than are allowed", code=FBIG, env={"SKIFF_UNPACK_BYTES": "32M"})


@case
def a_huge_extended_header(u):
    u.put(header(b"x", b"x", 1 << 33) + b"\0" * 4096, code=BADMSG, says="no whole tar archive")
    big = b"9000000 comment=" + b"x" * (9000000 - 17) + b"\n"
    u.put(header(b"x", b"x", len(big)) + body(big) + header(b"a", b"0", 0) + END, code=BADMSG, says="no whole tar archive")
    u.put(header(b"x", b"L", 1 << 32) + b"\0" * 4096, code=BADMSG, says="no whole tar archive")


@case
def sizes_that_lie(u):
    for size in (b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-0000000001\0", b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7):
        u.put(header(b"x", b"0", size) + body(b"1") + END, code=BADMSG, says="layer")


@case
def a_checksum_that_is_wrong(u):
    good = tar(entry("a", data=b"1"), entry("b", data=b"2"))
    u.put(good[:1024] + b"X" + good[1025:], code=BADMSG, says="no whole tar archive")
    assert u.names() == ["a"]


# -- What is no layer -----------------------------------------------------------------------------------

@case
def what_is_no_tar(u):
    for data in (b"", b"x", b"<html>not found</html>" * 100, b"\0asm\1\0\0\0" * 200, os.urandom(5000)):
        if data[:2] in (b"\x1f\x8b", b"BZ"):
            continue
        u.put(data, code=BADMSG, says="the layer")
    assert u.names() == []


@case
def a_layer_cut_short(u):
    whole = tar(entry("a", data=os.urandom(100000)))
    u.put(whole[:50000], code=BADMSG, says="no whole tar archive")
    u.put(gzip.compress(whole)[:50000], code=BADMSG, says="the layer is damaged")
    u.put(gzip.compress(whole)[:12], code=BADMSG, says="the layer")
    u.put(b"\x1f\x8b", code=BADMSG, says="the layer")
    u.put(b"\x28\xb5\x2f\xfd", code=BADMSG, says="the layer")


@case
def an_empty_layer(u):
    for data in (b"\0" * 1024, gzip.compress(b"\0" * 1024)):
        assert u.put(data) == ["sha256:" + hashlib.sha256(b"\0" * 1024).hexdigest()]


@case
def what_is_behind_the_end_is_of_the_digest(u):
    data = tar(entry("a", data=b"1")) + b"behind" * 5000
    assert u.put(gzip.compress(data)) == ["sha256:" + hashlib.sha256(data).hexdigest()]


@case
def gzip_of_several_parts(u):
    data = tar(entry("a", data=os.urandom(200000)))
    assert u.put(gzip.compress(data[:7777]) + gzip.compress(data[7777:])) == \
        ["sha256:" + hashlib.sha256(data).hexdigest()]


@case
def zstd_under_a_wrong_name(u):
    if shutil.which("zstd") is None:
        raise Skip("no zstd here")
    data = tar(entry("a", data=b"zzz"))
    packed = subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert u.put(packed) == ["sha256:" + hashlib.sha256(data).hexdigest()] and u.read("a") == b"zzz"


@case
def other_compressions_are_named(u):
    u.put(b"BZh91AY" + b"x" * 1000, code=BADMSG, says="bzip2")
    u.put(b"\xfd7zXZ\0" + b"x" * 1000, code=BADMSG, says="xz")


@case
def a_full_disk(u):
    if not u.is_root:
        raise Skip("mounts are for root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", u.root], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("no mounts here")
    try:
        u.refused([entry("a", data=os.urandom(1 << 20))], says="no room for the layer's 'a'", code=NOSPC)
    finally:
        subprocess.run(["umount", u.root], check=True)


class Box:
    def __init__(self, skiff):
        beside = os.path.dirname(os.path.abspath(skiff))
        self.program = os.path.join(beside, "image-unpack")
        self.older = os.path.join(beside, "older")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        print("root only: the layers are unpacked by others, too")
        return 77
    return run_tests(Box(sys.argv[1]), sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
