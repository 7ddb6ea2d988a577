# SPDX-License-Identifier: Apache-2.0
"""The options of run that say what a guest has of the world, and --reactor."""

import os
import re
import shutil
import socket
import subprocess

import guests
from bench import Skip, test


def guest(b, title):
    """The path of a guest of guests.py, translated at most once."""
    path = b.path("guest-%s.wasm" % title.lower())
    if os.path.exists(path):
        return path
    if shutil.which("wat2wasm") is None:
        raise Skip("wat2wasm is missing (Debian: apt-get install wabt)")
    text = b.file("guest.wat", getattr(guests, title).encode())
    subprocess.run(["wat2wasm", "--enable-all", text, "-o", path], check=True)
    return path


def shown(b, *options, args=(), **more):
    """What the guest sees as its arguments, and as its environment."""
    r = b.expect(["run"] + list(options) + [guest(b, "SHOW")] + list(args), **more)
    lists = [line.split("\0")[:-1] for line in r.out.split("\n")]
    return lists[0], sorted(lists[1])


@test
def wasi_arguments(b):
    path = guest(b, "SHOW")
    assert shown(b) == ([path], [])
    assert shown(b, args=["a", "", "--env", "B=1", "--"])[0] == [path, "a", "", "--env", "B=1", "--"]
    assert shown(b, "--argv0", "me", args=["x"])[0] == ["me", "x"]
    assert shown(b, "--argv0=")[0] == [""]
    assert shown(b, args=["x" * 100000] * 10)[0][1:] == ["x" * 100000] * 10
    b.expect(["run", "--invoke", "nine", path], out="9\n")
    b.sentence(["run", "--argv0"], 2, "'--argv0' needs a value")


@test
def wasi_environment(b):
    ours = {"env": {"OURS": "o", "EMPTY": "", "SECRET": "s"}}
    assert shown(b, **ours)[1] == []
    assert shown(b, "--env", "A=1", "--env=B=2=3", "--env", "C=", **ours)[1] == ["A=1", "B=2=3", "C="]
    assert shown(b, "--env", "A=1", "--env", "A=2", **ours)[1] == ["A=2"]
    assert shown(b, "--env", "OURS", "--env", "EMPTY", "--env", "NOT", **ours)[1] == ["EMPTY=", "OURS=o"]
    for bad in ("=1", ""):
        b.sentence(["run", "--env", bad, "empty.wasm"], 2, "option '--env': '%s' is not NAME=VALUE" % bad)


@test
def wasi_environment_of_a_file(b):
    def given(data, *more):
        return shown(b, "--env-file", b.file("variables", data), *more, env={"OURS": "o"})[1]

    assert given(b"") == given(b"\n\n# A=1\n   # B=2\n") == []
    assert given(b"A=1\n  B=2 \nC='x y'\nD=\nE=#no comment\r\nOURS\nNOT\nLAST=1") == [
        "A=1", "B=2 ", "C='x y'", "D=", "E=#no comment", "LAST=1", "OURS=o"]
    assert given(b"A=1\nB=1\n", "--env", "A=2") == ["A=2", "B=1"]
    for data, line, what in ((b"A=1\n=2\n", 2, "name is missing"), (b"\n\nA B=1\n", 3, "holds a blank"),
                             (b"# x\nA=1\0\n", 2, "zero byte"), (b"export A=1", 1, "holds a blank")):
        path = b.file("bad", data)
        b.sentence(["run", "--env-file", path, "empty.wasm"], 2, "bad: line %d: .*%s" % (line, what))
    b.sentence(["run", "--env-file", "missing", "empty.wasm"], 1, "missing: .*No such file")
    b.sentence(["run", "--env-file", ".", "empty.wasm"], 1, "Is a directory")
    b.sentence(["run", "--env-file", "/dev/zero", "empty.wasm"], 1, "zero: .*File too large")


@test
def wasi_environment_of_4_mebibytes(b):
    lines = ["NAME_%06d=%s" % (i, "v" * 4070) for i in range(1024)]
    lines.append("ONE=" + "x" * (1 << 20))
    lines += ["SMALL_%05d=1" % i for i in range(20000)]
    path = b.file("large", "\n".join(lines).encode())
    assert os.path.getsize(path) > 5 << 20
    assert shown(b, "--env-file", path)[1] == sorted(lines)


def tree(b, name):
    path = b.path(name)
    if not os.path.isdir(path):
        os.mkdir(path)
        with open(os.path.join(path, "in"), "wb"):
            pass
    return path


@test
def wasi_directories(b):
    files, one = guest(b, "FILES"), tree(b, "one")
    two = tree(b, "two")

    def invoke(function, *options, args=()):
        return b.expect(["run"] + list(options) + ["--invoke", function, files] + list(args)).out

    assert invoke("preopens") == ""
    assert invoke("look", "--dir", "one", args=["3"]) == "0\n"
    assert invoke("make", "--dir", "/x:one", args=["3"]) == "0\n"
    assert os.path.exists(os.path.join(one, "new"))
    assert invoke("preopens", "--dir", "one", "--dir=/a:two").split() == ["one", "/a"]
    assert invoke("preopens", "--dir", "/../x/../y:one", "--dir", ".:two").split() == ["/y", "."]
    for flags in ("readonly", "ro", "root:readonly", "root,ro", "ro:root", "rw,ro"):
        assert invoke("look", "--dir", "/x:two:" + flags, args=["3"]) == "0\n"
        assert invoke("make", "--dir", "/x:two:" + flags, args=["3"]) != "0\n", flags
        assert not os.path.exists(os.path.join(two, "new")), flags
    for flags in ("rw", "root", "rw:root"):
        assert invoke("make", "--dir", "/x:two:" + flags, args=["3"]) == "0\n", flags
        os.unlink(os.path.join(two, "new"))
    os.symlink("/in", os.path.join(two, "link"))
    assert invoke("follow", "--dir", "/x:two:root", args=["3"]) == "0\n"
    assert invoke("follow", "--dir", "/x:two", args=["3"]) != "0\n"


@test
def wasi_directories_that_cannot_be(b):
    b.file("plain", b"")
    for wrong in (":one", "/x:", "", ":", "::ro"):
        b.sentence(["run", "--dir", wrong, "empty.wasm"], 2, "'--dir': '%s' is not HOST" % wrong)
    for wrong, word in (("/x:.:nonsense", "nonsense"), ("/x:.:", ""), ("/x:.:ro,", ""), ("/x:.:ro:x", "x")):
        b.sentence(["run", "--dir", wrong, "empty.wasm"], 2, "'--dir': '%s' of .* none of: readonly" % word)
    # Mistakes, also where the module does not ask for WASI.
    b.sentence(["run", "--dir", "nowhere", "empty.wasm"], 1,
               "'--dir': directory 'nowhere': No such file or directory; create it")
    b.sentence(["run", "--dir", "/x:plain", "empty.wasm"], 1, "'plain': Not a directory; name")
    b.sentence(["run", "--dir", "folder:ro", "empty.wasm"], 1, "flag goes behind both paths")
    b.sentence(["run", "--dir", "/x:.", "--dir", "/x:.", "empty.wasm"], 2, "'/x' is given twice")
    closed = b.path("closed")
    os.makedirs(closed, exist_ok=True)
    os.chmod(closed, 0)
    more = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    b.sentence(["run", "--dir", closed + "/below", "empty.wasm"], 1,
               "Permission denied; it needs permission", **more)


@test
def wasi_working_directory(b):
    tree(b, "one")
    b.expect(["run", "--dir", "/a:one", "--workdir", "/a", guest(b, "SHOW")])
    b.expect(["run", "--workdir", "/a", "--dir", "/a:one", guest(b, "SHOW")])
    b.sentence(["run", "--workdir", "/b", "--dir", "/a:one", guest(b, "SHOW")], 1,
               "working directory '/b': No such file")
    b.expect(["run", "--workdir", "/b", "empty.wasm"])


@test
def wasi_listening_sockets(b):
    files = guest(b, "SHOW")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        fd = server.fileno()
        b.expect(["run", "--listen-fd", fd, files], pass_fds=[fd])
        b.sentence(["run", "--listen-fd", fd, files], 1, "'--listen-fd': .*%d: Bad file desc" % fd)
        b.sentence(["run", "--tcplisten", "127.0.0.1:%d" % port, "empty.wasm"], 1,
                   "option '--tcplisten': .*%d.*: Address (already )?in use" % port)
    b.expect(["run", "--tcplisten", "127.0.0.1:0", files])
    b.expect(["run", "--tcplisten", "127.0.0.1:0", "--tcplisten", "127.0.0.1:0", files])
    b.sentence(["run", "--listen-fd", "0", "empty.wasm"], 1, "descriptor 0: .*(socket|Socket)")
    b.sentence(["run", "--listen-fd", "x", "empty.wasm"], 2, "'x' is not a number")
    b.sentence(["run", "--listen-fd", "99999999999", "empty.wasm"], 2, "is no descriptor")
    for wrong in ("nonsense", "127.0.0.1", "127.0.0.1:x", ":", "127.0.0.1:65536"):
        b.sentence(["run", "--tcplisten", wrong, "empty.wasm"], 2, "option '--tcplisten': ")


@test
def wasi_network(b):
    path = guest(b, "SOCKET")
    b.expect(["run", path])
    b.expect(["run", "--allow-net", "127.0.0.1:80", "--allow-net", "*:443", path])
    b.expect(["run", "--allow-net", "10.0.0.0/8:1-99", "--no-network", path])
    assert b.run("run", "--no-network", path).code != 0
    for wrong in ("nonsense", "host", "1.2.3.4:x", "1.2.3.4/99:80", ":80", "host:9-1"):
        b.sentence(["run", "--allow-net", wrong, "empty.wasm"], 2, "option '--allow-net': ")
    b.sentence(["run", "--no-network=yes", "empty.wasm"], 2, "takes no value")


@test
def wasi_reactor(b):
    path = guest(b, "REACTOR")
    for args in (["--reactor", path, "count"], ["--reactor", "--invoke", "count", path],
                 ["--reactor", path, "--invoke", "count"]):
        b.expect(["run"] + args, out="5\n")
    b.expect(["run", "--invoke", "count", path], out="0\n")
    b.expect(["run", "--reactor", path, "add", "-2", "0x10"], out="14\n")
    b.expect(["run", "--reactor", "kit.wasm", "add", "1", "2"], out="3\n")
    assert b.expect(["run", "--reactor", path, "show"]).out == path + "\0\n0\n"
    b.expect(["run", "--reactor", path, "leave", "9"], 9, "")
    b.expect(["run", "--reactor", path, "die"], 134, "", "unreachable")
    b.sentence(["run", "--reactor", path], 2, "--reactor needs the NAME")
    b.sentence(["run", "--reactor", path, "cuont"], 2, "no export 'cuont', did you mean 'count'")
    b.sentence(["run", "--reactor", path, "add", "1"], 2, "takes 2 arguments, 1 given")
    b.sentence(["run", "--reactor", path, "add", "1", "x"], 2, "'x' is not a value of type i32")
    b.sentence(["run", "--reactor", guest(b, "TYPED_INITIALIZE"), "f"], 2,
               "'_initialize' has parameters")


@test
def wasi_names_the_nearest_import(b):
    r = b.sentence(["run", guest(b, "MISSPELT")], 1, "proc_exi")
    assert re.search("proc_exit", r.err), r


@test
def wasi_pipes_and_files_that_end(b):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        r = b.run("run", guest(b, "FLOODS"), stdout=writer)
    finally:
        os.close(writer)
    assert r.code == 64 and r.err == "", "EPIPE for the guest: %s" % r

    def small_files():
        import resource  # pylint: disable=import-outside-toplevel
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    tree(b, "one")
    b.expect(["run", "--dir", "one", "--invoke", "fill", guest(b, "FILES"), "3"], out="22\n",
             preexec_fn=small_files)
