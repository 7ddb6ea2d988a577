#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SKIFF [WORD...]: run images of a store made by hand, in the foreground and left running; WORD: only such tests.

No network, no registry: what would fetch is a stub. It takes root; some tests go on as an ordinary user.
"""

import glob
import json
import os
import pty
import socket
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from node import Node, gone, tree  # noqa: E402
from box import eventually, read, status, write  # noqa: E402
from tap import Skip, SkipAll, run_tests, test  # noqa: E402
import kept  # noqa: E402,F401 pylint: disable=unused-import

SOMEBODY = 54321
PASSWD = "root:x:0:0::/root:/bin/sh\nbroken\nweb:x:33:34:Web,,,:/:/bin/false\nlike:x:1033:1034\nodd:x:x:1::/:\n"
GROUP = "web:x:34:\nstaff:x:50:a,web,b\nother:x:51:webmaster\nlast:x:52:web"


# -- What an image says ----------------------------------------------------------------------------------


@test
def entrypoint_command_and_arguments(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest", Cmd=["args", "by", "command"])
        store.image("docker.io/library/bare:latest", Entrypoint=None, Cmd=["/kit.wasm", "say", "bare"])
        store.image("docker.io/library/none:latest", Entrypoint=None)
        n.expect("run", "kit", out="[/kit.wasm]\n[args]\n[by]\n[command]\n")
        n.expect("run", "kit", "args", "by us", out="[/kit.wasm]\n[args]\n[by us]\n")
        n.expect("run", "kit:latest", "--", "say", "x", code=1, err=None)
        n.expect("run", "bare", out="bare\n")
        n.expect("run", "bare", "/kit.wasm", "say", "we", out="we\n")
        n.expect("run", "--entrypoint", "kit.wasm", "kit", out="")
        n.expect("run", "--entrypoint", "/kit.wasm", "none", "say", "x", out="x\n")
        n.refused("run", "none", has=["'none'", "--entrypoint"])
        n.refused("run", "", has="FILE is empty", code=2)
        n.refused("run", "-w", "here", "kit", has=["--workdir", "'here'", "slash"], code=2)
        n.refused("run", "--entrypoint", "/nope.wasm", "kit", has="/nope.wasm", code=127)
        assert n.expect("run", "docker.io/library/kit", "exit", "7", code=7)
        n.expect("run", "kit", "trap", code=134, err="trap")


@test
def an_artifact(n):
    with n.node() as store:
        store.image("ghcr.io/team/app:1", module="/app.wasm")
        n.expect("run", "ghcr.io/team/app:1", "say", "x", out="x\n")
        n.expect("run", "ghcr.io/team/app:1", "args", out="[/app.wasm]\n[args]\n")
        n.refused("run", "--pull", "never", "ghcr.io/team/app:2", has="ghcr.io/team/app:2")
        digest = store.names["ghcr.io/team/app:1"]
        n.expect("run", "ghcr.io/team/app@" + digest, "say", "y", out="y\n")


@test
def a_module_with_settings(n):
    """The layer is the module, and the config that of an image: as runwasi has it. Of an artifact it may be anything."""
    with n.node() as store:
        store.image("docker.io/library/app:1", module="/app.wasm", Entrypoint=["/other.wasm", "env", "A"],
                    Cmd=[";", "cwd"], Env=["A=image"], WorkingDir="/made")
        n.expect("run", "app:1", out="image\n/made\n")
        n.expect("run", "app:1", ";", "say", "x", out="image\nx\n")
        n.expect("run", "--entrypoint", "/app.wasm", "app:1", "args", out="[/app.wasm]\n[args]\n")
        store.image("docker.io/library/app:2", module="/app.wasm", Entrypoint=None, Cmd=["/other.wasm", "say", "y"])
        n.expect("run", "app:2", out="y\n")
        n.expect("run", "app:2", "say", "z", out="z\n")
        store.image("docker.io/library/app:3", module="/app.wasm", Entrypoint=["only"])
        n.expect("run", "app:3", "args", out="[/app.wasm]\n[args]\n")
        manifest = json.loads(read(os.path.join(store.path, "blobs", store.names["docker.io/library/app:3"].replace(":", "/"))))
        write(os.path.join(store.path, "blobs", manifest["config"]["digest"].replace(":", "/")), b"[]")
        n.expect("run", "app:3", "cwd", out="/\n")


@test
def variables(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest", Env=["A=image", "B=image", "odd"])
        file = write(os.path.join(n.top, "file"), "B=file\nC=file\n")
        say = ["env", "A", ";", "env", "B", ";", "env", "C", ";", "env", "D"]
        n.expect("run", "-e", "A=we", "--env-file", file, "-e", "D", "kit", *say, out="we\nfile\nfile\nours\n",
                 env={"D": "ours"})
        n.expect("run", "--env-file", file, "-eB=last", "kit", "env", "B", out="last\n")


@test
def what_is_no_utf8(n):
    """A config.json cannot hold it, and another file is not what was asked for."""
    with n.node() as store:
        kit = store.image("docker.io/library/kit:latest")
        odd = os.path.join(os.fsencode(n.top), b"odd\xff")
        os.mkdir(odd)
        for words in (["kit", "say", b"x\xff"], ["-e", b"A=\xff", "kit"], ["-v", odd + b":/x", "kit"],
                      ["--label", b"\xff=1", "kit"], ["-w", b"/\xff", "kit"]):
            done = subprocess.run([n.skiff, "run"] + words, env=n.environment(), capture_output=True, timeout=60, check=False)
            assert done.returncode == 2 and not done.stdout and b"is not UTF-8" in done.stderr, (words, done)
        n.expect("run", "kit", "say", "\u00e4\U0001f600\u202e\"\\\n\x01", out="\u00e4\U0001f600\u202e\"\\\n\x01\n")
        assert os.path.exists(kit)


@test
def below_a_group(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        for words in (["kit"], ["--cage", n.kit]):
            with n.begin("run", "--cgroup-parent", "/skiff-below", *words, "say", "ready", ";", "nap", "60000") as p:
                assert p.stdout.readline() == b"ready\n"
                found = [read("/proc/%d/cgroup" % pid) for pid in n.processes()]
                found = [text for text in found if "/skiff-below/" in text]
                p.terminate()
                p.communicate(timeout=60)
            assert found and "(null)" not in found[0], found
        for path in glob.glob("/sys/fs/cgroup/skiff-below") + glob.glob("/sys/fs/cgroup/*/skiff-below"):
            os.rmdir(path)


@test
def directories(n):
    with n.node() as store:
        root = store.image("docker.io/library/kit:latest", WorkingDir="/made/here")
        n.expect("run", "kit", "cwd", out="/made/here\n")
        n.expect("run", "-w", "/etc", "kit", "cwd", out="/etc\n")
        assert sorted(os.listdir(root)) == ["kit.wasm"]


def who(n, *words, options=()):
    """[uid, gid, groups] of a container's process."""
    with n.begin("run", "--name", "who", *options, *words, "say", "ready", ";", "nap", "20000") as p:
        try:
            assert p.stdout.readline() == b"ready\n", p.stderr.read()
            pid = n.row("who")["pid"]
            return [status(pid, "Uid")[0], status(pid, "Gid")[0], " ".join(status(pid, "Groups"))]
        finally:
            p.terminate()
            p.communicate()


@test
def users(n):
    with n.node() as store:
        files = {"etc/passwd": PASSWD, "etc/group": GROUP}
        store.image("docker.io/library/kit:latest", files)
        store.image("docker.io/library/web:latest", files, User="web")
        store.image("docker.io/library/bare:latest", User="5")
        store.image("docker.io/library/lost:latest", User="nobody")
        assert who(n, "kit") == ["0", "0", ""]
        assert who(n, "web") == ["33", "34", "50 52"]
        for user, found in (("33", ["33", "34", "50 52"]), ("web:other", ["33", "51", ""]), ("web:7", ["33", "7", ""]),
                            ("77", ["77", "0", ""]), ("77:staff", ["77", "50", ""]), ("like", ["1033", "1034", ""]),
                            ("0", ["0", "0", ""])):
            assert who(n, "web", options=["-u", user]) == found, user
        assert who(n, "bare") == ["5", "0", ""]
        n.refused("run", "lost", has="no user 'nobody'")
        n.refused("run", "-u", "odd", "kit", has="no user 'odd'")
        n.refused("run", "-u", "web:none", "kit", has="no group 'none'")
        n.refused("run", "-u", "web:", "kit", has="USER:GROUP")


@test
def users_of_a_hostile_image(n):
    """Its /etc leads nowhere but into itself, and what is no file is not read."""
    with n.node() as store:
        root = store.image("docker.io/library/kit:latest", {"real/passwd": PASSWD})
        os.symlink("/real", os.path.join(root, "etc"))
        assert who(n, "kit", options=["-u", "like"]) == ["1033", "1034", ""]
        os.remove(os.path.join(root, "etc"))
        os.symlink("/etc", os.path.join(root, "etc"))
        n.refused("run", "-u", "daemon", "kit", has="no user 'daemon'")
        os.remove(os.path.join(root, "etc"))
        os.makedirs(os.path.join(root, "etc"))
        os.mkfifo(os.path.join(root, "etc", "passwd"))
        n.refused("run", "-u", "like", "kit", has="no user 'like'")
        os.remove(os.path.join(root, "etc", "passwd"))
        os.symlink(os.path.join("..", "..", "..", "..", "..", "..", "etc", "passwd"), os.path.join(root, "etc", "passwd"))
        n.refused("run", "-u", "daemon", "kit", has="no user 'daemon'")


# -- What options say ------------------------------------------------------------------------------------


@test
def the_root_stays_as_it_is(n):
    with n.node() as store:
        root = store.image("docker.io/library/kit:latest", {"data/file": "old\n"})
        before = tree(root)
        volume = os.path.join(n.top, "volume")
        os.makedirs(volume)
        for _ in range(2):
            n.expect("run", "-v", volume + ":/data/below/volume", "kit", "cat", "/data/file", ";", "put", "/data/file",
                     "new", ";", "cat", "/data/file", ";", "rm", "/kit.wasm", ";", "put", "/new", "x", out="old\nnew")
        n.expect("run", "--read-only", "kit", "put", "/data/file", "x", code=1, out="put /data/file: Read-only file system\n")
        assert tree(root) == before


@test
def volumes(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        volume = os.path.join(n.top, "volume")
        write(os.path.join(volume, "file"), "volume\n")
        n.expect("run", "-v", volume + ":/data", "kit", "cat", "/data/file", ";", "put", "/data/new", "x", out="volume\n")
        assert read(os.path.join(volume, "new")) == "x"
        n.expect("run", "-v", volume + ":/data:ro", "-v%s:/two:rw" % volume, "kit", "put", "/data/no", "x", ";", "put",
                 "/two/yes", "x", code=1, out="put /data/no: Read-only file system\n")
        assert sorted(os.listdir(volume)) == ["file", "new", "yes"]
        n.expect("run", "-v", "./volume/file:/etc/one", "kit", "cat", "/etc/one", out="volume\n", cwd=n.top)
        n.expect("run", "--dir", "/data:" + volume, "kit", "cat", "/data/file", out="volume\n")
        # Whatever our umask is, its user gets there.
        n.expect("run", "-u", SOMEBODY, "-v", volume + ":/made/deep/data", "kit", "cat", "/made/deep/data/file", out="volume\n",
                 preexec_fn=lambda: os.umask(0o077))
        for value in ("named:/data", volume, volume + ":data", volume + ":/data:rx", ":/data", volume + ":/a:ro:x"):
            n.refused("run", "-v", value, "kit", has=["--volume", "HOST:GUEST"], code=2)
        n.refused("run", "-v", "/nowhere/at/all:/data", "kit", has="/nowhere/at/all: No such file")


@test
def ports(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest", ExposedPorts={"80/tcp": {}, "81/udp": {}})
        for value in ("80", "80:80", "80/tcp", ":::80:80"):
            n.expect("run", "-p", value, "kit", "say", "x", out="x\n", err=None)
        n.expect("run", "-p", "127.0.0.1:80:80", "kit", "say", "x", out="x\n", err="own choice")
        n.refused("run", "-p", "8080:80", "kit", has=["host's network", "publish 80", "listen on 8080"], code=2)
        for value in ("x", "80:", "0", "65536", "80:x", ""):
            n.refused("run", "-p", value, "kit", has="--publish", code=2)
        n.refused("run", "-p", "80", "--network", "none", "kit", has="--network none", code=2)
        n.refused("run", "--network", "bridge", "kit", has="'host'", code=2)


@test
def networks(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        for options, ours in (((), True), (("--network", "host"), True), (("--network", "none"), False),
                              (("--network", "none", "--network", "host"), True)):
            ident = n.up(options=options)
            same = os.readlink("/proc/%d/ns/net" % n.init(ident)) == os.readlink("/proc/self/ns/net")
            assert same == ours, options
            n.expect("rm", "-f", ident)


@test
def limits(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        ident = n.up(options=["-m", "64m", "--cpus", "1.5", "--pids-limit", "50", "--hostname", "there", "--label", "a=b=c",
                              "--label", "d"])
        config = eval_json(os.path.join(n.state_root, ident, "config.json"))
        assert config["linux"]["resources"] == {"memory": {"limit": 64 << 20}, "cpu": {"quota": 150000, "period": 100000},
                                                "pids": {"limit": 50}}, config
        assert config["hostname"] == "there" and config["annotations"]["a"] == "b=c" and config["annotations"]["d"] == ""
        groups = read("/proc/%d/cgroup" % n.init(ident))
        assert ident in groups, groups
        n.expect("rm", "-f", ident)
        r = n.skiff_does("run", "-m", "32m", "kit", "grow", "200")
        if r.code == 0:
            raise Skip("nobody limits memory here")
        assert r.code == 137 and "needed more memory than its %d bytes" % (32 << 20) in r.err, str(r)
        for option, value in (("--memory", "x"), ("-m", "0"), ("--cpus", "0"), ("--cpus", "1,5"), ("--cpus", "x"),
                              ("--pids-limit", "many"), ("--stop-signal", "NONE"), ("--label", "=x"), ("--name", "a/b"),
                              ("--pull", "perhaps")):
            n.refused("run", option, value, "kit", has=value, code=2)


def eval_json(path):
    import json  # pylint: disable=import-outside-toplevel
    return json.loads(read(path))


@test
def standard_input(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        n.expect("run", "kit", "cat", "/dev/stdin", input=b"from us\n", out="")
        n.expect("run", "-i", "kit", "cat", "/dev/stdin", input=b"from us\n", out="from us\n")


@test
def terminals(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        for flags in (["-it"], ["-i", "-t"], ["-ti"], ["-t"]):
            master, slave = pty.openpty()
            with n.begin("run", *flags, "-e", "A=B", "kit", "tty", ";", "env", "A", stdin=slave, stdout=slave,
                         stderr=slave) as p:
                os.close(slave)
                text = b""
                while b"B\r\n" not in text:
                    text += os.read(master, 100)
                assert text == b"1 1 1\r\nB\r\n", text
                assert p.wait(20) == 0
            os.close(master)
        n.refused("run", "-iq", "kit", has="'-q'", code=2)
        n.refused("run", "-ie", has="needs a value", code=2)


@test
def options_of_containers_go_with_containers(n):
    with n.node():
        for option in (["-d"], ["--rm"], ["-m", "64m"], ["-v", "/a:/b"], ["--name", "x"]):
            n.refused("run", *option, n.kit, has="--cage", code=2)
        n.expect("run", "--cage", "-e", "A=1", "-w", "/", "-v", n.top + ":/top:ro", "--rm", n.kit, "env", "A", ";", "stat", "/top",
                 out=None)


# -- What is an image, and where it comes from -----------------------------------------------------------


@test
def files_and_images(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest", Cmd=["say", "image"])
        store.image("docker.io/library/kit.wasm:latest", Cmd=["say", "image"])
        write(os.path.join(n.top, "kit"), open(n.kit, "rb").read())
        os.makedirs(os.path.join(n.top, "there"))
        n.expect("run", "kit", "say", "file", out="file\n", cwd=n.top)
        n.expect("run", "kit:latest", out="image\n", cwd=n.top)
        os.makedirs(os.path.join(n.top, "there", "kit"))
        n.expect("run", "kit", out="image\n", cwd=os.path.join(n.top, "there"))
        n.refused("run", "./kit", has="is a directory", cwd=os.path.join(n.top, "there"))
        n.refused("run", "kit.wasm", has="kit.wasm: No such file", cwd=n.top)
        n.expect("run", "kit.wasm:latest", out="image\n", cwd=n.top)
        for word in ("./kit2", "/nowhere/kit", "../kit2", "x.wat"):
            n.refused("run", word, has="No such file", cwd=n.top)
        n.refused("run", "Kit", has=["no file here", "Kit"], code=2)
        n.refused("run", "a b", has="no file here", code=2)


def asked(n):
    path = os.path.join(n.folder, "asked")
    text = read(path) if os.path.exists(path) else ""
    if text:
        os.remove(path)
    return text


def stub(n, verb, script):
    return write(os.path.join(n.folder, "stub-" + verb), script)


@test
def pulling(n):
    with n.node() as store:
        store.image("docker.io/library/kit:latest")
        for verb in ("pull", "prepare"):
            stub(n, verb, "exit 0\n")
        try:
            n.expect("run", "kit", "say", "x", out="x\n")
            assert asked(n) == "", "what is there takes no other program"
            n.refused("run", "--pull", "never", "other", has=["'other'", "skiff pull other"])
            assert asked(n) == ""
            n.expect("run", "--pull", "always", "kit", "say", "x", out="x\n", err="stub: pull\non standard output\n")
            assert asked(n) == "pull -- kit\n"
            # It comes, and is not ready.
            stub(n, "pull", "mv %s/index.new %s/index.json" % (store.path, store.path))
            stub(n, "prepare", "mv %s/to-be-ready/* %s/ready/" % (store.path, store.path))
            old = read(os.path.join(store.path, "index.json"))
            store.image("docker.io/library/other:latest", ready=False)
            os.rename(os.path.join(store.path, "index.json"), os.path.join(store.path, "index.new"))
            write(os.path.join(store.path, "index.json"), old)
            n.expect("run", "other", "say", "y", out="y\n", err="stub: pull\n")
            assert asked(n) == "pull -- other\nprepare -- other\n"
            n.expect("run", "other", "say", "y", out="y\n")
            assert asked(n) == ""
        finally:
            asked(n)
            for verb in ("pull", "prepare"):
                os.remove(os.path.join(n.folder, "stub-" + verb))


@test
def pulling_in_vain(n):
    with n.node() as store:
        try:
            stub(n, "pull", "echo 'stub: no such thing' >&2; exit 5\n")
            r = n.expect("run", "team/other:1", code=5, out="", err="no such thing")
            assert "no file here" not in r.err, str(r)
            n.expect("run", "oter", code=5, out="", err="'oter' is no file here")
            stub(n, "pull", "kill -9 $$\n")
            n.expect("run", "team/other:1", code=137, out="", err="signal 9")
            # Who says that it is there, and it is not.
            stub(n, "pull", "exit 0\n")
            n.expect("run", "team/other:1", code=1, out="", err="skiff: ")
            store.image("docker.io/library/kit:latest", ready=False)
            stub(n, "prepare", "exit 0\n")
            asked(n)
            n.expect("run", "--platform", "wasi/wasm", "kit", code=1, out="", err="skiff: ")
            assert asked(n) == "prepare --platform wasi/wasm -- kit\n"
            os.rename(os.path.join(n.folder, "skiff-image"), os.path.join(n.folder, "away"))
            n.expect("run", "kit", code=1, out="", err="skiff-image is not there")
        finally:
            os.rename(os.path.join(n.folder, "away"), os.path.join(n.folder, "skiff-image"))
            asked(n)
            for verb in ("pull", "prepare"):
                os.remove(os.path.join(n.folder, "stub-" + verb))


@test
def a_damaged_store(n):
    """A sentence each, and no crash; what lost its root is made ready again."""
    with n.node() as store:
        stub(n, "prepare", "exit 9\n")
        try:
            root = store.image("docker.io/library/kit:latest")
            index = os.path.join(store.path, "index.json")
            for text in ("", "{", "[]", '{"manifests": 5}', "\0" * 100):
                write(index, text)
                r = n.skiff_does("run", "--pull", "never", "kit")
                assert r.code == 1 and r.err.count("\n") == 1, (text, str(r))
            store.write_index()
            os.rename(root, root + "-away")
            n.expect("run", "kit", code=9, out="", err="stub: prepare")
            os.rename(root + "-away", root)
            config = os.path.join(store.path, "blobs", "sha256")
            for name in os.listdir(config):
                write(os.path.join(config, name), "{")
            n.refused("run", "kit")
        finally:
            asked(n)
            os.remove(os.path.join(n.folder, "stub-prepare"))


# -- An ordinary user ------------------------------------------------------------------------------------


@test
def somebody_runs_images(n):
    with n.node(SOMEBODY) as store:
        root = store.image("docker.io/library/kit:latest", {"etc/passwd": PASSWD, "data/file": "old\n"}, User="web",
                           WorkingDir="/work")
        before = tree(root)
        n.expect("run", "kit", "cwd", ";", "put", "/data/file", "new", ";", "cat", "/data/file", ";", "put", "/new", "x",
                 out="/work\nnew")
        assert tree(root) == before
        n.expect("run", "-u", "like", "kit", "say", "x", out="x\n", err="runs as you")
        r = n.expect("run", "-m", "64m", "--pids-limit", "9", "kit", "say", "x", out="x\n", err="linux.resources.memory")
        assert all(line.startswith("skiff: warning: ") for line in r.err.strip().split("\n")), str(r)
        ident = n.up("complain", "err")
        assert ident in n.expect("ps", "-q").out.split()
        r = n.expect("logs", ident, err="err\n")
        assert r.out == "ready\n"
        log = os.path.join(n.top, "containers", ident)
        assert stat.S_IMODE(os.stat(log).st_mode) == 0o700 and os.stat(log).st_uid == SOMEBODY
        n.expect("exec", ident, "/kit.wasm", "say", "beside", out="beside\n")
        n.expect("stop", ident, out=ident + "\n")
        assert n.row(ident)["exit"] == 143
        n.expect("rm", ident, out=ident + "\n")


@test
def a_server(n):
    """On the host's network, by a socket that is handed in."""
    with n.node() as store, socket.socket() as s:
        store.image("docker.io/library/kit:latest")
        s.bind(("127.0.0.1", 0))
        s.listen()
        ident = n.detach("--listen-fd", str(s.fileno()), "kit", "accept", "3", "hello", pass_fds=[s.fileno()])
        with socket.create_connection(s.getsockname()) as c:
            assert c.recv(100).startswith(b"hello")
        n.wait(ident)
        n.expect("rm", ident)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        node = Node(sys.argv[1])
    except SkipAll as reason:
        print(reason)
        return 77
    os.environ["SKIFF_CONFIG"] = write(os.path.join(node.folder, "run.toml"), "[policy]\nlandlock = \"ignore\"\n")
    os.environ["SKIFF_CACHE"] = os.path.join(node.folder, "cache")
    try:
        return run_tests(node, sys.argv[2:])
    finally:
        node.close()


if __name__ == "__main__":
    sys.exit(main())
