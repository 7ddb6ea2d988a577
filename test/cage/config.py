# SPDX-License-Identifier: Apache-2.0
"""What goes along into a cage beside a config.json: options, annotations, the node's configuration; and what is said of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

from box import HERE, TIME_LIMIT, Result, children, eventually, write
from tap import patiently, test

sys.path.append(os.path.join(os.path.dirname(HERE), "cli"))
import modules  # noqa: E402

SLOW = "RLIMIT_AS is %d bytes, and a memory wants 8 GiB of addresses"


def command(b, *args, node=""):
    """skiff run --cage, with a configuration of this text; (words, environment)."""
    path = write(os.path.join(b.folder, "node.toml"), node)
    return [b.skiff, "run", "--no-cache", "--cage"] + [str(a) for a in args], dict(os.environ, SKIFF_CONFIG=path)


def cage(b, *args, node="", **more):
    words, env = command(b, *args, node=node)
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT,
                          check=False, **more)
    return Result(done.returncode, done.stdout, done.stderr)


def expect(r, code=0, out="", err=""):
    assert r.code == code and r.out == out, str(r)
    assert r.err == "" if err == "" else err in r.err, str(r)
    return r


@contextlib.contextmanager
def caged(b, *args, node="", **more):
    """One that runs on: the process that waits for it."""
    words, env = command(b, *args, node=node)
    with subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more) as p:
        try:
            yield p
        finally:
            p.kill()


def functions(b):
    return write(os.path.join(b.folder, "functions.wasm"), modules.KIT)


# -- Options --------------------------------------------------------------------------------------------


@test
def options_call(b):
    f = functions(b)
    expect(cage(b, f, "--invoke", "add", "2", "40"), out="42\n")
    expect(cage(b, "--invoke", "swap", f, "7", "-1"), out="-1\n7\n")
    expect(cage(b, "--invoke", "ad", f), 1, err="no export 'ad', did you mean 'add'")
    library = write(os.path.join(b.folder, "library.wasm"), modules.module(
        [("_initialize", [], [], "41 01 40 00 1a"), ("size", [], [modules.I32], "3f 00")], memory=b"\0\1"))
    expect(cage(b, "--reactor", library, "size"), out="2\n")
    expect(cage(b, "--invoke", "size", library), out="1\n")
    expect(cage(b, "--argv0", "another", b.kit, "args", "x"), out="[another]\n[args]\n[x]\n")


@test
def options_limits(b):
    f = functions(b)
    expect(cage(b, "--fuel", 1000, "--invoke", "spin", f), 123, err="the fuel of the container ran out")
    expect(cage(b, "--time-limit", 200, "--invoke", "spin", f), 124, err="the time of the container ran out")
    expect(cage(b, "--memory-limit", 1000, "--invoke", "spin", f), 1,
           err="its memories and tables need more than the container allows")
    expect(cage(b, "--memory-limit", "1M", "--invoke", "grow", f, 1), out="1\n")
    expect(cage(b, "--memory-limit", "1M", "--invoke", "grow", f, 999), out="-1\n")
    expect(cage(b, "--stack-limit", "1K", "--invoke", "nothing", f), 1, err="stack")


@test
def options_of_proposals(b):
    f = functions(b)
    expect(cage(b, "--disable", "simd", "--invoke", "add", f, 1, 2), 1, err="simd")
    expect(cage(b, "--disable", "all", "--enable", "all", "--invoke", "add", f, 1, 2), out="3\n")


@test
def options_coredump(b):
    f, path = functions(b), os.path.join(b.folder, "core")
    expect(cage(b, "--coredump", path, "--invoke", "divide", f, 1, 0), 134, err="integer divide by zero")
    with open(path, "rb") as file:
        assert file.read(8) == modules.HEADER
    os.remove(path)
    expect(cage(b, "--coredump", path, "--invoke", "divide", f, 6, 2), out="3\n")
    assert not os.path.exists(path), "nothing happened, and nothing is left"
    expect(cage(b, "--coredump", b.folder + "/no/where", "--invoke", "divide", f, 1, 0), 1, err="No such file")


@test
def options_variables(b):
    path = write(os.path.join(b.folder, "variables"), "# a comment\nA=1 2\nB=x\n")
    expect(cage(b, "--env-file", path, "--env", "B=y", b.kit, "env", "A", ";", "env", "B"), out="1 2\ny\n")
    expect(cage(b, "--env", "B=y", "--env-file", path, b.kit, "env", "B"), out="x\n")
    write(path, "a b=1\n")
    expect(cage(b, "--env-file", path, b.kit, "env", "A"), 2, err="line 1: the name holds a blank")


def greeted(port):
    with socket.create_connection(("127.0.0.1", port), timeout=TIME_LIMIT) as connection:
        return connection.recv(100)


@test
def options_sockets(b):
    """Those that listen in the node's network; also where the guest has none of it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free = listener.getsockname()[1]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        fd, port = listener.fileno(), listener.getsockname()[1]
        for more in ([], ["--no-network"]):
            words = more + ["--tcplisten", "127.0.0.1:%d" % free, "--listen-fd", fd, b.kit,
                            "accept", 3, "first", ";", "accept", 4, "second"]
            with caged(b, *words, pass_fds=[fd]) as p:
                assert p.stdout.readline() == b"ready\n"
                assert greeted(free) == b"first"
                assert p.stdout.readline() == b"ready\n"
                assert greeted(port) == b"second"
                assert p.wait(TIME_LIMIT) == 0
        expect(cage(b, "--tcplisten", "127.0.0.1:%d" % port, b.kit, "say", "x"), 1, err="a listening socket: listen on")
    expect(cage(b, "--listen-fd", 77, b.kit, "say", "x"), 1, err="'77' is no descriptor")
    with open("/dev/null", "rb") as null:
        expect(cage(b, "--listen-fd", null.fileno(), b.kit, "say", "x", pass_fds=[null.fileno()]), 1,
               err="a listening socket")
    expect(cage(b, "--allow-net", "what", b.kit, "say", "x"), 1, err="option '--allow-net': ")
    expect(cage(b, "--allow-net", "127.0.0.1:80", "--max-threads", 3, b.kit, "say", "x"), out="x\n")


@test
def options_that_do_not_go_along(b):
    for options in (["--bundle", b.folder], ["--pid-file", "x"], ["--console-socket", "x"]):
        r = cage(b, *options, b.kit, "say", "x")
        assert r.code == 2 and r.out == "" and options[0] in r.err, str(r)
    with b.bundle("say", "ran") as u:
        for options in (["--dir", "."], ["--env", "A=1"], ["--no-network"]):
            u.options = options
            u.refused("with --bundle", code=2)


@test
def grace_of_a_server(b):
    """With a connection it may finish, for that time; then it ends by the signal."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        fd, port = listener.fileno(), listener.getsockname()[1]
        with caged(b, "--grace", "200ms", "--listen-fd", fd, b.kit, "accept", 3, "", ";", "nap", 600000,
                   pass_fds=[fd]) as p:
            assert p.stdout.readline() == b"ready\n"
            greeted(port)
            p.send_signal(signal.SIGTERM)
            assert p.wait(TIME_LIMIT) == 128 + signal.SIGTERM


# -- Limits of bundles ------------------------------------------------------------------------------------


@contextlib.contextmanager
def spinning(b, node, **annotations):
    """A bundle without end."""
    with b.bundle() as u:
        write(os.path.join(u.folder, "node.toml"), node)
        u.file("functions.wasm", modules.KIT)
        u.process["args"] = ["/functions.wasm#spin"]
        u.config["annotations"] = {"skiff." + key: value for key, value in annotations.items()}
        u.options = ["--config", os.path.join(u.folder, "node.toml")]
        yield u


@test
def limits_by_annotation(b):
    with spinning(b, "", fuel="1000") as u:
        u.expect("", 123, "the fuel of the container ran out")
    with spinning(b, "", time="100ms") as u:
        u.expect("", 124, "the time of the container ran out")
    with spinning(b, "", memory="1K") as u:
        u.refused("more than the container allows")
    with spinning(b, "", fuel="many") as u:
        u.refused("annotation 'skiff.fuel': 'many' is not a number")
    with spinning(b, "", feul="1000", fuel="1000") as u:
        r = u.run()
        assert r.code == 123 and "warning: unknown annotation 'skiff.feul', did you mean 'skiff.fuel'?\n" in r.err, str(r)


@test
def limits_of_the_node(b):
    with spinning(b, "[limits]\nfuel = 1000\n") as u:
        u.expect("", 123, "the fuel of the container ran out")
    with spinning(b, "[limits]\ntime_max = '100ms'\n") as u:
        u.expect("", 124, "the time of the container ran out")
    with spinning(b, "[limits]\nfuel_max = 1000\n", fuel="1001") as u:
        u.refused("annotation 'skiff.fuel': is more than this node allows", "node.toml has limits.fuel_max = 1000")
    with spinning(b, "[limits]\nfuel_max = 1000\n", fuel="999") as u:
        u.options += ["--fuel", "1001"]
        u.refused("option '--fuel': is more than this node allows")
        u.options[-1] = "500"
        u.expect("", 123, "the fuel of the container ran out")
    f = functions(b)
    expect(cage(b, "--invoke", "spin", f, node="[limits]\ntime = '100ms'\n"), 124, err="the time of the container")
    expect(cage(b, "--memory-limit", "2M", f, node="[limits]\nmemory_max = '1M'\n"), 1, err="option '--memory-limit': is more")


@test
def time_is_the_guests(b):
    """Hooks before the start do not count."""
    def work(scale):
        with b.bundle("say", "ran") as u:
            path = write(os.path.join(u.folder, "slow"), "#!/bin/sh\nsleep %g\n" % (0.5 * scale))
            os.chmod(path, 0o755)
            u.config["hooks"] = {"createRuntime": [{"path": path}], "createContainer": [{"path": path}]}
            u.options = ["--time-limit", str(400 * scale)]
            u.expect("ran\n")
    patiently(work)


# -- Policy ---------------------------------------------------------------------------------------------


@test
def network_by_configuration(b):
    def is_shared(*options, node):
        with caged(b, *options, b.kit, "say", "ready", ";", "nap", 600000, node=node) as p:
            assert p.stdout.readline() == b"ready\n"
            child = eventually("a child", lambda: children(p.pid))[0]
            shared = os.readlink("/proc/%d/ns/net" % child) == os.readlink("/proc/self/ns/net")
            os.kill(child, signal.SIGKILL)
            p.wait(TIME_LIMIT)
            return shared
    none = "[policy]\nnetwork = 'none'\n"
    assert is_shared(node="") and not is_shared(node=none) and not is_shared("--no-network", node="")
    assert is_shared("--allow-net", "*:*", node=none), "whoever may be talked to is in a network"


# -- What is said ---------------------------------------------------------------------------------------------


@test
def address_space_is_told(b):
    with b.bundle("say", "ran") as u:
        u.process["rlimits"] = [{"type": "RLIMIT_AS", "soft": 1 << 30, "hard": 1 << 30}]
        r = u.expect("ran\n", err="warning: " + SLOW % (1 << 30))
        assert r.err.count("\n") == 1, str(r)
        u.options = ["--config", write(os.path.join(u.folder, "node.toml"), "[log]\nlevel = 'error'\n")]
        u.expect("ran\n")


@test
def unknown_fields_are_told(b):
    with b.bundle("say", "ran") as u:
        u.config["linux"]["somethingNew"] = 1
        u.expect("ran\n")
        u.options = ["--config", write(os.path.join(u.folder, "node.toml"), "[log]\nlevel = 'info'\n")]
        u.expect("ran\n", err="config.json has a field that nobody knows: linux.somethingNew\n")


@test
def cache_that_is_not_trusted_is_told(b):
    """From inside; and the container runs all the same."""
    with b.bundle("say", "ran") as u:
        folder = os.path.join(u.folder, "cache")
        subprocess.run([b.skiff, "cache", "add", "--cache", folder, b.kit], check=True)
        os.chmod(folder, 0o777)
        words = [w for w in u.command() if w != "--no-cache"]
        done = subprocess.run(words[:2] + ["--cache", folder] + words[2:],
                              capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        assert done.returncode == 0 and done.stdout == "ran\n", done
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("skiff: warning: ") and folder in done.stderr, done
