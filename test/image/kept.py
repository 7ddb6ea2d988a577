# SPDX-License-Identifier: Apache-2.0
"""Containers that were left running: what is known of them, what they said, and their end."""

import contextlib
import os
import re
import select
import signal
import subprocess
import time

from box import eventually, read, status, write
from node import ID, gone
from tap import test

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*")


def kit(store, **config):
    return store.image("docker.io/library/kit:latest", **config)


@test
def a_container_in_the_background(n):
    with n.node() as store:
        kit(store)
        r = n.expect("run", "-d", "kit", "say", "out", ";", "complain", "err", ";", "exit", "3")
        assert ID.fullmatch(r.out), str(r)
        ident = r.out.strip()
        row = n.wait(ident)
        assert row["exit"] == 3 and row["status"] == "stopped" and row["pid"] == 0 and not row["out_of_memory"], row
        assert row["image"] == "docker.io/library/kit:latest" and row["command"][0] == "/kit.wasm", row
        assert abs(row["ended"] - time.time()) < 60
        n.expect("logs", ident, out="out\n", err="err\n")
        assert n.expect("ps", "-q").out.count(ident) == 0 and n.expect("ps", "-aq").out.count(ident) == 1
        line = next(line for line in n.expect("ps", "-a").out.split("\n") if ident in line)
        assert re.fullmatch(ident + r' +kit:latest +"/kit\.wasm say out \S+"? +\S.* ago +Exited \(3\) .* ago *', line), line
        n.expect("rm", ident, out=ident + "\n")
        assert n.row(ident) is None
        n.refused("logs", ident, has="no container")
        n.refused("rm", ident, has="no container")
        n.expect("rm", "-f", ident)


@test
def logs_in_a_place_of_others(n):
    """Beside the store: who made that directory before us would have us write wherever he likes."""
    with n.node() as store:
        kit(store)
        logs = os.path.join(os.path.dirname(store.path), "containers")
        os.makedirs(logs, mode=0o700, exist_ok=True)
        os.chmod(logs, 0o777)
        n.refused("run", "-d", "--name", "elsewhere", "kit", has="can be written by others")
        assert n.row("elsewhere") is None
        os.chmod(logs, 0o700)
        store.path += "//"  # is beside it, too
        n.expect("run", "-d", "--name", "here", "kit")
        n.wait("here")
        assert os.listdir(logs) == ["here"] and not os.path.exists(os.path.join(store.path, "containers"))
        n.expect("rm", "here")


@test
def it_lets_go_of_everything(n):
    """The terminal, our streams, the directory: whoever waits for the end of a pipe does not wait for it."""
    with n.node() as store:
        kit(store)
        ident = n.up()
        keeper = n.keeper(ident)
        assert os.readlink("/proc/%d/cwd" % keeper) == "/"
        for fd in range(3):
            assert os.readlink("/proc/%d/fd/%d" % (keeper, fd)) == "/dev/null"
        fields = read("/proc/%d/stat" % keeper).rsplit(")", 1)[1].split()
        assert int(fields[3]) == keeper, "it leads a session"
        open_files = [os.readlink("/proc/%d/fd/%s" % (keeper, fd)) for fd in os.listdir("/proc/%d/fd" % keeper)]
        assert not [path for path in open_files if path.endswith("/images/lock")], open_files
        n.expect("rm", "-f", ident)
        eventually("its end", lambda: gone(keeper))


@test
def it_lets_go_of_what_it_was_left(n):
    """A lock of who called, the other end of his pipe: he may wait until nobody has it any more."""
    with n.node() as store:
        kit(store)
        ours, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        with n.begin("run", "-d", "kit", "nap", "60000", pass_fds=[theirs]) as p:
            os.close(theirs)
            ident = p.communicate(timeout=60)[0].decode().strip()
        assert select.select([ours], [], [], 20)[0] and os.read(ours, 1) == b"", "somebody holds it"
        os.close(ours)
        n.expect("rm", "-f", ident)


@test
def names_and_beginnings(n):
    with n.node() as store:
        kit(store)
        assert n.up(options=["--name", "web-1"]) == "web-1"
        n.up(options=["--name", "web-2"])
        n.refused("run", "-d", "--name", "web-1", "kit", has=["there is a container 'web-1' already: its process ", " runs"])
        assert "ready" in n.expect("logs", "web-1").out, "the log of who has the name is as it was"
        n.refused("logs", "web", has="2 containers 'web...'")
        n.refused("kill", "we", has="2 containers")
        n.expect("exec", "web-2", "/kit.wasm", "say", "x", out="x\n")
        n.expect("stop", "web-1", "web-2", "none", out="web-1\nweb-2\n", code=1, err="no container 'none'")
        n.refused("run", "-d", "--name", "web-1", "kit", has="already: it has ended, and 'skiff rm' removes it")
        n.expect("rm", "web-1", out="web-1\n")
        n.expect("exec", "we", "/kit.wasm", "say", "x", code=1, err=None)
        n.expect("rm", "web", out="web\n")
        ident = n.up()
        n.expect("state", ident[:6])
        n.expect("kill", ident[:6], "KILL")
        assert n.wait(ident)["exit"] == 137
        n.expect("rm", ident[:6])


@test
def verbs_of_engines_work_too(n):
    with n.node() as store:
        kit(store, StopSignal="SIGUSR1", ExposedPorts={"80/tcp": {}})
        ident = n.up()
        r = n.expect("state", ident)
        assert '"org.opencontainers.image.stopSignal":"SIGUSR1"' in r.out.replace(" ", ""), r.out
        assert '"org.opencontainers.image.exposedPorts":"80/tcp"' in r.out.replace(" ", ""), r.out
        assert ident in n.expect("list").out
        r = n.skiff_does("pause", ident)
        if r.code == 0:
            assert "(Paused)" in n.expect("ps").out
            n.expect("resume", ident)
        n.refused("delete", ident, has="running")
        n.expect("delete", "-f", ident)
        assert n.row(ident) is None


@test
def stopping(n):
    with n.node() as store:
        kit(store)
        store.image("docker.io/library/deaf:latest", StopSignal="SIGWINCH")
        ident = n.up()
        n.expect("stop", ident, out=ident + "\n")
        assert n.row(ident)["exit"] == 143
        n.expect("stop", ident, out=ident + "\n")
        n.expect("rm", ident)
        ident = n.up(image="deaf")
        n.expect("stop", "-t", "100ms", ident)
        assert n.row(ident)["exit"] == 137 and not n.row(ident)["out_of_memory"]
        n.expect("rm", ident)
        ident = n.up(options=["--stop-signal", "INT"])
        n.expect("stop", ident)
        assert n.row(ident)["exit"] == 130
        n.expect("rm", ident)
        n.refused("stop", "-t", "soon", "x", has="'soon'", code=2)
        n.refused("stop", has="ID is missing", code=2)


@test
def removing(n):
    with n.node() as store:
        kit(store)
        one, two = n.up(), n.up()
        n.refused("rm", one, has="running")
        n.expect("rm", "-f", one, two, "none", out=one + "\n" + two + "\n")


@test
def removing_what_is_damaged(n):
    with n.node() as store:
        kit(store)
        for verb in ("rm", "delete"):
            ident = n.up()
            keeper = n.keeper(ident)
            n.expect("stop", ident)
            eventually("nobody writes there", lambda keeper=keeper: gone(keeper))
            write(os.path.join(n.state_root, ident, "state"), "?")
            assert ident not in n.expect("ps", "-aq", err="damaged").out
            n.refused(verb, ident, has="damaged")
            n.expect(verb, "-f", ident, out=ident + "\n" if verb == "rm" else "")
            assert not n.logs(), n.logs()


@test
def nothing_stays_of_it(n):
    """--rm, whatever the end."""
    with n.node() as store:
        kit(store)
        for words in (["exit", "3"], ["trap"], ["nap", "60000"]):
            ident = n.detach("--rm", "kit", *words)
            if words[0] == "nap":
                n.expect("stop", ident)
            eventually("nothing", lambda ident=ident: n.row(ident) is None)
            eventually("no log", lambda: not n.logs())


@test
def what_does_not_start(n):
    """Who called is told why, with the exit code of the foreground, and nothing is left: node() looks."""
    with n.node() as store:
        root = kit(store)
        with open(os.path.join(root, "text"), "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n")
        n.refused("run", "-d", "--entrypoint", "/nope", "kit", has="/nope", code=127)
        n.refused("run", "-d", "--entrypoint", "/text", "kit", has="no WebAssembly module", code=126)
        n.refused("run", "-d", "-v", "/nowhere:/x", "kit", has="/nowhere")
        n.refused("run", "-d", "--invoke", "nothing", "kit", has="no export")


@test
def out_of_memory(n):
    with n.node() as store:
        kit(store)
        ident = n.detach("-m", "32m", "kit", "grow", "200")
        row = n.wait(ident)
        if row["exit"] != 0:  # somebody limits memory here
            assert row["exit"] == 137 and row["out_of_memory"], row
            assert "out of memory" in n.expect("ps", "-a").out
            assert "needed more memory" in n.skiff_does("logs", ident).err
        n.expect("rm", ident)


@test
def many_at_once(n):
    with n.node() as store:
        kit(store)
        running = [n.begin("run", "-d", "kit", "say", str(i)) for i in range(8)]
        ids = [p.communicate(timeout=60)[0].decode().strip() for p in running]
        assert len(set(ids)) == 8 and all(p.returncode == 0 for p in running), ids
        for i, ident in enumerate(ids):
            assert n.wait(ident)["exit"] == 0
            n.expect("logs", ident, out="%d\n" % i)
        n.expect("rm", *ids, out="".join(ident + "\n" for ident in ids))


# -- Who looks after it is killed --------------------------------------------------------------------------


@test
def who_looks_after_it_is_killed(n):
    with n.node() as store:
        kit(store)
        ident = n.up()
        pid = n.init(ident)
        os.kill(n.keeper(ident), signal.SIGKILL)
        eventually("another parent", lambda: n.row(ident) and n.init(ident) == pid)
        assert "Up" in n.expect("ps").out and "ready" in n.expect("logs", ident).out
        n.expect("exec", ident, "/kit.wasm", "say", "beside", out="beside\n")
        n.refused("rm", ident, has="running")
        n.expect("stop", ident, out=ident + "\n")
        assert "Exited (?)" in n.expect("ps", "-a").out and "exit" not in n.row(ident)
        n.refused("run", "-d", "--name", ident, "kit", has="already")
        n.expect("rm", ident, out=ident + "\n")
        ident = n.up()
        os.kill(n.keeper(ident), signal.SIGKILL)
        n.expect("rm", "-f", ident, out=ident + "\n")


def strike(n):
    """Kill all but the first process of containers."""
    for pid in n.processes():
        with contextlib.suppress(OSError):
            if not read("/proc/%d/cmdline" % pid).startswith("skiff-init"):
                os.kill(pid, signal.SIGKILL)


@test
def killed_at_any_time(n):
    """Who was called and who looks after it at once, after more and more time: `rm -f` leaves nothing, and the name can be had again."""
    with n.node() as store:
        kit(store)
        for i in range(40):
            with n.begin("run", "-d", "--name", "struck", "kit", "nap", "60000", start_new_session=True) as p:
                time.sleep(0.0004 * i)
                strike(n)
                p.wait()
            strike(n)  # whoever was forked meanwhile
            n.expect("rm", "-f", "struck", out=None)
            assert not n.ids() and not n.logs(), (i, n.ids(), n.logs())
        ident = n.detach("--name", "struck", "kit", "exit", "3")
        assert n.wait(ident)["exit"] == 3
        n.expect("rm", "struck")


@test
def who_looks_after_it_passes_signals_on(n):
    with n.node() as store:
        kit(store)
        ident = n.up()
        os.kill(n.keeper(ident), signal.SIGTERM)
        assert n.wait(ident)["exit"] == 143
        n.expect("rm", ident)


# -- What it said --------------------------------------------------------------------------------------------


@test
def lines_of_a_log(n):
    with n.node() as store:
        kit(store)
        ident = n.detach("kit", "say", "one", ";", "complain", "two", ";", "say", "", ";", "say", "x" * 5000, ";", "say", "last")
        n.wait(ident)
        lines = n.log(ident).split("\n")
        assert lines.pop() == "" and all(LINE.fullmatch(line) for line in lines), lines
        assert [line.split(" ", 3)[1:3] for line in lines].count(["stderr", "F"]) == 1
        assert sum(" stdout P " in line for line in lines) == 1, "a line of 5,000 bytes has two parts"
        n.expect("logs", ident, out="one\n\n%s\nlast\n" % ("x" * 5000), err="two\n")
        r = n.expect("logs", "-t", ident, err=None)
        assert all(re.match(r"\d{4}-\S{24}Z ", line) for line in r.out.strip("\n").split("\n")), r.out
        n.expect("rm", ident)
        # Of one stream: two of them are in no order that holds.
        ident = n.detach("kit", "say", "one", ";", "say", "x" * 5000, ";", "say", "last")
        n.wait(ident)
        assert n.expect("logs", "--tail", "1", ident, err=None).out == "last\n"
        assert n.expect("logs", "-n2", ident, err=None).out == "x" * 5000 + "\nlast\n"
        assert n.expect("logs", "-n", "0", ident).out == ""
        assert n.expect("logs", "-n", "all", ident, err=None).out.startswith("one\n")
        assert n.expect("logs", "--since", "1h", ident, err=None).out.startswith("one\n")
        assert n.expect("logs", "--since", "2999-01-01T00:00:00Z", ident).out == ""
        assert n.expect("logs", "--since", "2020-01-01T00:00:00.5+01:00", ident, err=None).out.startswith("one\n")
        n.refused("logs", "--since", "20-x", ident, has="'20-x'", code=2)
        n.refused("logs", "--tail", "x", ident, has="'x'", code=2)
        n.expect("rm", ident)


@test
def a_line_without_an_end(n):
    """`cat` of a file that has none: it is shown as it was said."""
    with n.node() as store:
        store.image("docker.io/library/kit:latest", {"text": "no end"})
        ident = n.detach("kit", "cat", "/text")
        n.wait(ident)
        n.expect("logs", ident, out="no end")
        assert n.log(ident).endswith(" stdout P no end\n")
        n.expect("rm", ident)


@test
def logs_are_turned(n):
    with n.node() as store:
        text = "".join("line %05d\n" % i for i in range(2000))
        store.image("docker.io/library/kit:latest", {"text": text})
        ident = n.detach("--log-size", "40k", "kit", "cat", "/text")
        n.wait(ident)
        for name in ("log", "log.1"):
            size = os.path.getsize(os.path.join(n.top, "containers", ident, name))
            assert 0 < size <= 40 << 10, (name, size)
        out = n.expect("logs", ident).out
        assert text.endswith(out) and len(out) > 8000, len(out)
        assert n.expect("logs", "-n", "3", ident).out == "".join(text.splitlines(True)[-3:])
        n.expect("rm", ident)


@test
def following(n):
    with n.node() as store:
        text = "".join("line %05d\n" % i for i in range(3000))
        store.image("docker.io/library/kit:latest", {"text": text})
        ident = n.detach("--log-size", "1M", "kit", "say", "first", ";", "nap", "300", ";", "cat", "/text", ";", "complain",
                         "err", ";", "nap", "300", ";", "say", "last")
        with n.begin("logs", "-f", ident) as p:
            assert p.stdout.readline() == b"first\n"
            out, err = p.communicate(timeout=60)
            assert p.returncode == 0 and out.decode() == text + "last\n" and err == b"err\n", (out[-100:], err)
        n.expect("rm", ident)
        # What has no end of line is said before the end.
        store.image("docker.io/library/short:latest", {"text": "no end"})
        ident = n.detach("short", "nap", "300", ";", "cat", "/text")
        n.expect("logs", "-f", ident, out="no end")
        n.wait(ident)
        n.expect("rm", ident)
        # Whoever follows is done when it is removed, too.
        ident = n.up()
        with n.begin("logs", "-f", ident, stderr=subprocess.STDOUT) as p:
            assert p.stdout.readline() == b"ready\n"
            n.expect("rm", "-f", ident)
            assert p.wait(30) == 0


@test
def following_who_is_slow(n):
    """Its process has ended, and what it said last is still with who looks after it."""
    with n.node() as store:
        kit(store)
        ident = n.detach("kit", "nap", "500", ";", "say", "last")
        pid, keeper = n.init(ident), n.keeper(ident)
        os.kill(keeper, signal.SIGSTOP)
        try:
            with n.begin("logs", "-f", ident) as p:
                eventually("its end", lambda: gone(pid))
                time.sleep(1.2)  # in which it would have given up twice
                assert p.poll() is None, "somebody is still to write"
                os.kill(keeper, signal.SIGCONT)
                assert p.communicate(timeout=60)[0] == b"last\n"
        finally:
            os.kill(keeper, signal.SIGCONT)
        n.wait(ident)
        n.expect("rm", ident)


@test
def following_where_a_file_is_missing(n):
    """As between two files, or where there is no room for another one."""
    with n.node() as store:
        text = "".join("line %05d\n" % i for i in range(500))
        store.image("docker.io/library/kit:latest", {"text": text})
        ident = n.detach("--log-size", "1M", "kit", "say", "first", ";", "nap", "1500", ";", "cat", "/text")
        log = os.path.join(n.top, "containers", ident, "log")
        with n.begin("logs", "-f", ident) as p:
            assert p.stdout.readline() == b"first\n"
            os.rename(log, log + ".1")
            time.sleep(0.7)  # it has looked
            write(log, "")
            keep = "2026-11-22T10:00:00.000000000Z stdout F second\n"
            with open(log, "a", encoding="ascii") as file:
                file.write(keep)
            assert p.stdout.readline() == b"second\n"
            p.communicate(timeout=60)
        n.expect("rm", ident)


@test
def a_terminal_in_the_background(n):
    with n.node() as store:
        kit(store)
        ident = n.detach("-t", "kit", "tty", ";", "complain", "err")
        n.wait(ident)
        n.expect("logs", ident, out="1 1 1\r\nerr\r\n")
        n.expect("rm", ident)


@test
def a_module_in_the_background(n):
    with n.node():
        ident = n.detach("--cage", n.kit, "say", "caged", ";", "exit", "4")
        assert n.wait(ident)["exit"] == 4
        n.expect("logs", ident, out="caged\n")
        n.expect("rm", ident)


@test
def logs_of_before(n):
    """The machine was started since: states are gone, and logs go with the next container."""
    with n.node() as store:
        kit(store)
        n.expect("run", "-d", "--name", "kept", "kit")
        old, new = (os.path.join(n.top, "containers", name) for name in ("old", "new"))
        for path in (old, new):
            os.makedirs(path)
        # Nobody but the clock's owner sets ctime back: so it is told by what stays.
        n.wait("kept")
        ident = n.detach("kit")
        n.wait(ident)
        assert os.path.exists(new) and os.path.exists(os.path.join(n.top, "containers", "kept"))
        os.rmdir(old)
        os.rmdir(new)
        n.expect("rm", "kept", ident)


@test
def a_full_disk(n):
    """The container goes on; the log says that something is missing once there is room."""
    with n.node() as store:
        kit(store)
        place, volume = os.path.join(n.top, "containers"), os.path.join(n.top, "volume")
        os.makedirs(place)
        os.makedirs(volume)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", place], check=True)
        try:
            fill = os.path.join(place, "fill")
            ident = n.detach("-v", volume + ":/volume", "kit", "say", "before", ";", "nap", "1000", ";", "say", "lost", ";",
                             "put", "/volume/mark", "x", ";", "nap", "2000", ";", "say", "after", ";", "exit", "5")
            log = os.path.join(place, ident, "log")
            eventually("before", lambda: "before" in read(log))
            with open(fill, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 4096)
            # And what is left of the page that the log has.
            entry = "2026-11-22T10:00:00.000000000Z stdout F "
            with open(log, "a", encoding="ascii") as file:
                file.write(entry + "y" * (4096 - os.path.getsize(log) - len(entry) - 1) + "\n")
            eventually("that it was said", lambda: os.path.exists(os.path.join(volume, "mark")))
            time.sleep(0.3)
            eventually("who writes sleeps", lambda: status(n.keeper(ident), "State")[0] == "S")
            os.remove(fill)
            assert n.wait(ident)["exit"] == 5
            text = n.log(ident)
            assert "lines of this log were lost" in text and "after" in text and "F lost\n" not in text, text[-300:]
            n.expect("rm", ident)
        finally:
            subprocess.run(["umount", "-l", place], check=True)
            os.rmdir(place)
