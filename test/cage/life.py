# SPDX-License-Identifier: Apache-2.0
"""The life of a container that is created, started, looked at, stopped and deleted by commands of their own."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from around import hook, read_until, window
from box import HERE, TIME_LIMIT, Result, children, eventually, is_zombie, need, read, ready, running, write
from tap import Skip, patiently, test

PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37


class Made:
    """A container, by its bundle: what is done with it."""

    def __init__(self, u):
        self.u, self.box, self.id = u, u.box, u.id
        self.places = {name: os.path.join(u.folder, "its-" + name) for name in ("out", "err")}
        self.pid = 0
        self.began = self.resumed = 0.0

    def create(self, *options, code=0, stdin=subprocess.DEVNULL):
        """Its streams are files: of a pipe somebody would wait for the end."""
        write(os.path.join(self.u.folder, "config.json"), json.dumps(self.u.config))
        command = [self.box.skiff, "create", "--no-cache", "--bundle", self.u.folder] + list(options) + [self.id]
        with open(self.places["out"], "wb") as out, open(self.places["err"], "wb") as err:
            done = subprocess.run(command, stdin=stdin, stdout=out, stderr=err, timeout=TIME_LIMIT, check=False)
        r = Result(done.returncode, self.out.encode(), self.err.encode())
        assert r.code == code, "create: exit code should be %d: %s" % (code, r)
        if code == 0:
            self.pid = self.state()["pid"]
        return r

    def do(self, verb, *words, code=0, err="", ident=None, options=(), **more):
        """skiff VERB OPTIONS ID WORDS. `err`: what its one sentence has; None: anything."""
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        command = [self.box.skiff, verb] + list(options) + [self.id if ident is None else ident] + [str(word) for word in words]
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False, **more)
        r = Result(done.returncode, done.stdout, done.stderr)
        assert code is None or r.code == code, "%s: exit code should be %d: %s" % (verb, code, r)
        if err == "":
            assert r.err == "", "%s: stderr should be empty: %s" % (verb, r)
        elif err is not None:
            assert r.err.count("\n") == 1 and r.err.startswith("skiff: "), "%s: one sentence: %s" % (verb, r)
            assert err in r.err, "%s: the sentence should have %r: %s" % (verb, err, r)
        return r

    def exec(self, *words, code=0, err="", options=(), module="/kit.wasm", **more):
        return self.do("exec", module, *words, code=code, err=err, options=("--no-cache",) + tuple(options), **more)

    def begin_exec(self, *words, options=(), module="/kit.wasm", **more):
        for stream in ("stdin", "stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        command = [self.box.skiff, "exec", "--no-cache"] + list(options) + [self.id, module]
        # pylint: disable-next=consider-using-with
        return subprocess.Popen(command + [str(word) for word in words], **more)

    def state(self):
        return json.loads(self.do("state").out)

    @property
    def status(self):
        return self.state()["status"]

    @property
    def out(self):
        return read(self.places["out"])

    @property
    def err(self):
        return read(self.places["err"])

    def wait_out(self, text):
        eventually("%r: %r %r" % (text, self.out, self.err), lambda: text in self.out)

    def code(self):
        """Of its process, whose parent we are since create has ended: as a shell would have it."""
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        assert self.code() == -signal.SIGKILL


def adopt(wanted):
    """What was wanted before."""
    before, libc = ctypes.c_int(), ctypes.CDLL(None)
    if libc.prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) != 0:
        raise Skip("no subreaper")
    return before.value


def reap(but=()):
    """Who lost his parent; a pid namespace ends only after all in it have been waited for."""
    for pid in children(os.getpid()):
        if pid not in but:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def delete_by_force(skiff, ident):
    with subprocess.Popen([skiff, "delete", "--force", ident], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            reap([process.pid])
            time.sleep(0.001)
    reap()


@contextlib.contextmanager
def made(b, *words):
    """A bundle of which a container is to be made; whoever loses his parent is our child meanwhile."""
    before = adopt(True)
    try:
        with b.bundle(*words) as u:
            c = Made(u)
            try:
                yield c
            finally:
                delete_by_force(b.skiff, c.id)
    finally:
        adopt(before)


@contextlib.contextmanager
def up(b, *words, **config):
    """It runs, has said "ready", and waits."""
    with made(b, *words) as c:
        c.u.process["args"] += ([";"] if words else []) + ["say", "ready", ";", "nap", "600000"]
        c.u.process.update(config)
        c.create()
        c.do("start")
        c.wait_out("ready")
        yield c


# -- Create and start ------------------------------------------------------------------------------


@test
def nothing_runs_before_start(b):
    with made(b, "put", "/ran", "x", ";", "say", "ran", ";", "exit", "3") as c:
        c.create()
        assert children(os.getpid()) == [c.pid], "create leaves the container's process and nobody else"
        time.sleep(0.1)
        assert c.status == "created" and c.out == "" and not os.path.exists(os.path.join(c.u.root, "ran"))
        c.do("start")
        assert c.code() == 3 and c.out == "ran\n" and c.err == ""
        assert c.status == "stopped"
        c.do("delete")
        c.do("state", code=1, err="there is no container")


@test
def config_that_changes_meanwhile(b):
    for text in ("{", '{"ociVersion":"1.0.2"}', None):
        with made(b, "say", "as it was") as c:
            c.create()
            if text is None:
                os.remove(os.path.join(c.u.folder, "config.json"))
            else:
                write(os.path.join(c.u.folder, "config.json"), text)
            c.do("start")
            assert c.code() == 0 and c.out == "as it was\n", (c.out, c.err)
            c.do("delete")


@test
def bundle_that_goes_meanwhile(b):
    """The container has what it needs; the kernel keeps its root."""
    with made(b, "say", "as it was", ";", "cat", "/file") as c:
        c.u.file("file", "content\n")
        c.create()
        gone = c.u.folder + "-gone"
        os.rename(c.u.folder, gone)
        try:
            c.do("start")
            assert c.code() == 0
            assert read(os.path.join(gone, "its-out")) == "as it was\ncontent\n"
            assert c.state()["bundle"] == os.path.realpath(c.u.folder)
            c.do("delete")
        finally:
            os.rename(gone, c.u.folder)


@test
def started_twice(b):
    with up(b, "append", "/log", "x") as c:
        c.do("start", code=1, err="is running, and can be started only while it is created")
        c.kill()
        c.do("start", code=1, err="is stopped")
    with made(b, "say", "ran") as c:
        c.do("start", code=1, err="there is no container")
        c.create()
        c.kill()
        c.do("start", code=1, err="is stopped")
        assert c.status == "stopped" and c.out == ""


@test
def two_starts_at_once(b):
    for _ in range(10):
        with made(b, "append", "/log", "x", ";", "nap", "200") as c:
            c.u.file("log")
            c.create()
            starts = [subprocess.Popen([b.skiff, "start", c.id], stderr=subprocess.PIPE) for _ in range(3)]
            said = [start.communicate(timeout=TIME_LIMIT)[1].decode() for start in starts]
            assert sorted(start.returncode for start in starts) == [0, 1, 1], said
            assert all(text.count("\n") == (start.returncode != 0) for text, start in zip(said, starts)), said
            assert c.code() == 0 and read(os.path.join(c.u.root, "log")) == "x"


@test
def started_while_killed(b):
    """Whoever is first: start succeeds or says why not, and does not wait for ever."""
    for step in range(20):
        with made(b, "say", "ran") as c:
            c.create()
            start = subprocess.Popen([b.skiff, "start", c.id], stderr=subprocess.PIPE)
            time.sleep(step * 0.0002)
            os.kill(c.pid, signal.SIGKILL)
            said = start.communicate(timeout=TIME_LIMIT)[1].decode()
            assert (start.returncode, said.count("\n")) in ((0, 0), (1, 1)), (start.returncode, said)
            c.code()
            assert c.status == "stopped"


@test
def created_twice(b):
    with made(b, "say", "first") as c:
        c.create()
        keep = c.pid
        r = c.create(code=1)
        assert "there is a container '%s' already" % c.id in r.err, str(r)
        c.pid = keep
        assert c.status == "created"
        c.do("start")
        assert c.code() == 0
        r = c.create(code=1)  # one that has ended is there until it is deleted
        assert "already" in r.err, str(r)
        c.do("delete")
        c.create()
        c.do("start")
        c.pid = c.state().get("pid", c.pid)
    with up(b) as c:
        c.u.process["args"] = ["/kit.wasm", "say", "second"]
        assert "already" in c.create(code=1).err
        assert "already" in c.u.run().err
        c.kill()
        assert "already" in c.u.run().err
        assert c.status == "stopped"


@test
def create_that_is_refused(b):
    with made(b, "say", "ran") as c:
        nowhere = os.path.join(c.u.folder, "no", "where")
        for terminal, options, words in (
                (False, ("--pid-file", nowhere), ("--pid-file", "No such file")),
                (True, (), ("process.terminal", "--console-socket")),
                (False, ("--console-socket", nowhere), ("--console-socket", "process.terminal")),
                (True, ("--console-socket", nowhere), ("--console-socket", "No such file"))):
            c.u.process["terminal"] = terminal
            r = c.create(*options, code=1)
            assert r.err.count("\n") == 1 and r.out == "", str(r)
            for word in words:
                assert word in r.err, "the sentence should have %r: %s" % (word, r)
            reap()
            eventually("nothing left", lambda: not c.u.left())
            c.do("state", code=1, err="there is no container")


@test
def pid_file_of_a_created_one(b):
    with made(b, "exit", "0") as c:
        path = os.path.join(c.u.folder, "pid")
        c.create("--pid-file", path)
        assert read(path) == str(c.pid)


@test
def terminal_of_a_created_one(b):
    with made(b, "tty", ";", "cat", "/dev/stdin", ";", "exit", "4") as c, \
            socket.socket(socket.AF_UNIX) as listener:
        c.u.process.update(terminal=True, consoleSize={"height": 12, "width": 34})
        path = os.path.join(b.folder, "console")
        listener.bind(path)
        listener.listen()
        try:
            c.create("--console-socket", path)
            listener.settimeout(TIME_LIMIT)
            connection, _ = listener.accept()
            with connection:
                _, fds, _, _ = socket.recv_fds(connection, 100, 4)
            assert len(fds) == 1 and window(fds[0]) == (12, 34)
            try:
                c.do("start")
                read_until(fds[0], "1 1 1")
                os.write(fds[0], b"hello\n\x04")
                read_until(fds[0], "hello\r\nhello")
                assert c.code() == 4 and c.out == "" and c.err == ""
            finally:
                os.close(fds[0])
        finally:
            os.remove(path)


# -- Its end ---------------------------------------------------------------------------------------


@test
def exit_codes_of_created_ones(b):
    """Who is the parent once create has ended gets them."""
    for words, code, err in ((("exit", "0"), 0, ""), (("exit", "7"), 7, ""), (("exit", "255"), 255, ""),
                             (("say", "x"), 0, ""), (("trap",), 134, "trap: unreachable")):
        with made(b, *words) as c:
            c.create()
            c.do("start")
            assert c.code() == code, words
            assert err in c.err if err else c.err == "", c.err
            c.do("delete")


@test
def end_by_signals(b):
    for word, code in (("TERM", 143), ("SIGINT", 130), ("sighup", 129), ("10", 138), ("KILL", -9), ("9", -9),
                       ("RTMIN+3", 165), ("SIGRTMIN+30", 192)):
        with up(b) as c:
            c.do("kill", word)
            assert c.code() == code, word
    with up(b) as c:
        c.do("kill")
        assert c.code() == 143, "TERM is the standard one"


@test
def kill_of_all(b):
    with up(b) as c:
        other = c.begin_exec("say", "ready", ";", "nap", "600000")
        assert other.stdout.readline() == b"ready\n"
        c.do("kill", "KILL", options=("--all",))
        assert c.code() == -9
        assert other.wait(TIME_LIMIT) == 137
        other.communicate()
    with up(b) as c:
        other = c.begin_exec("say", "ready", ";", "nap", "600000")
        assert other.stdout.readline() == b"ready\n"
        c.do("kill", "TERM", options=("-a",))
        assert c.code() == 143
        other.communicate(timeout=TIME_LIMIT)
        assert other.returncode in (137, 143), "by the signal, or as its pid namespace ended: %d" % other.returncode


@test
def kill_that_makes_no_sense(b):
    with made(b, "nap", "600000") as c:
        c.do("kill", code=1, err="there is no container")
        c.create()
        for word in ("NOSUCH", "0", "65", "RTMIN+31", "RTMIN-1", "", "SIG"):
            c.do("kill", word, code=2, err="is no signal")
        c.do("kill", "TERM", "KILL", code=2, err="KILL")
        c.kill()
        c.do("kill", code=1, err="is stopped")
        c.do("kill", code=1, err="is stopped", options=("--all",))


@test
def kill_of_a_created_one(b):
    with made(b, "say", "ran") as c:
        c.create()
        c.do("kill", "KILL")
        assert c.code() == -9 and c.status == "stopped" and c.out == ""
        c.do("delete")
    with made(b, "say", "ran") as c:
        c.create()
        c.do("kill", "TERM")
        assert c.code() == 143 and c.status == "stopped" and c.out == "", "it need not be started to hear it"


# -- What is said of it ----------------------------------------------------------------------------

STATE_MEMBERS = {"ociVersion": str, "id": str, "status": str, "pid": int, "bundle": str, "annotations": dict}


def check_state(c, status):
    """By the specification's schema."""
    state = c.state()
    assert state["status"] == status, (status, state)
    for key, value in state.items():
        assert isinstance(value, STATE_MEMBERS[key]), (key, value)
    for key in ("ociVersion", "id", "bundle"):
        assert state[key], (key, state)
    assert state["id"] == c.id and state["bundle"] == os.path.realpath(c.u.folder), state
    assert state["bundle"].startswith("/") and state["ociVersion"].count(".") == 2, state
    if status in ("created", "running", "paused"):
        assert state["pid"] == c.pid and state["pid"] > 0, state
    if status == "stopped":
        assert state.get("pid", 0) == 0, state
    if status != "creating":
        assert state.get("annotations") == {"a": "b \"c\" \n\u2603"}, state
    return state


@contextlib.contextmanager
def creating(c):
    """While it is being made: a hook waits until the block ends. Yields the create's process."""
    fifo = os.path.join(c.u.folder, "fifo")
    os.mkfifo(fifo)
    hook(c.u, "createRuntime", "read word < %s\ntrue\n" % fifo)
    write(os.path.join(c.u.folder, "config.json"), json.dumps(c.u.config))
    with open(c.places["out"], "wb") as out, open(c.places["err"], "wb") as err:
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen([c.box.skiff, "create", "--no-cache", "--bundle", c.u.folder, c.id],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    fd = None
    try:
        # Whoever reads has opened it.
        end = time.monotonic() + 10
        while fd is None and time.monotonic() < end:
            try:
                fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                time.sleep(0.002)
        assert fd is not None, "the hook does not run: %s" % c.err
        yield process
    finally:
        if fd is not None:
            os.close(fd)
        process.wait(TIME_LIMIT)


@test
def states(b):
    with made(b, "say", "ready", ";", "nap", "600000") as c:
        c.u.config["annotations"] = {"a": "b \"c\" \n\u2603"}
        with creating(c):
            check_state(c, "creating")
            c.do("start", code=1, err="is creating")
            c.do("delete", code=1, err="is being made")
            c.exec("say", "x", code=1, err="is being made")
            c.do("kill", code=1, err="is creating")
        c.pid = c.state()["pid"]
        check_state(c, "created")
        c.do("start")
        c.wait_out("ready")
        check_state(c, "running")
        c.do("pause")
        check_state(c, "paused")
        c.do("resume")
        check_state(c, "running")
        c.kill()
        check_state(c, "stopped")


@test
def deleted_while_it_is_made(b):
    """By force: create says so, and nothing is left."""
    with made(b, "nap", "600000") as c:
        with creating(c) as process:
            # It waits for its hook, whatever became of the container.
            pid = c.state()["pid"]
            delete = subprocess.Popen([b.skiff, "delete", "--force", c.id], stderr=subprocess.PIPE)
            eventually("its process ends", lambda: is_zombie(pid))
        said = delete.communicate(timeout=TIME_LIMIT)[1].decode()
        assert delete.returncode == 0, said
        assert process.returncode == 1 and c.err.count("\n") == 1, c.err


def listed(b, *options, code=0):
    done = subprocess.run([b.skiff, "list"] + list(options), capture_output=True, text=True, timeout=TIME_LIMIT,
                          check=False)
    assert done.returncode == code, done
    return done


@test
def lists(b):
    with made(b, "nap", "600000") as one, made(b, "nap", "600000") as two:
        before = time.time()
        one.create()
        two.create()
        two.do("start")
        out = listed(b).stdout
        assert out.split("\n")[0].split() == ["ID", "PID", "STATUS", "CREATED", "BUNDLE"], out
        rows = {line.split()[0]: line.split() for line in out.strip().split("\n")[1:]}
        for c, status in ((one, "created"), (two, "running")):
            assert rows[c.id][1:3] == [str(c.pid), status], rows[c.id]
            assert rows[c.id][4] == os.path.realpath(c.u.folder), rows[c.id]
        names = listed(b, "--quiet").stdout.split()
        assert names == sorted(names) and {one.id, two.id} <= set(names), names
        assert listed(b, "-q").stdout.split() and names
        data = {row["id"]: row for row in json.loads(listed(b, "--json").stdout)}
        assert data[one.id]["pid"] == one.pid and data[two.id]["status"] == "running", data
        made_at = time.strptime(data[one.id]["created"], "%Y-%m-%dT%H:%M:%SZ")
        assert set(data[one.id]) == {"id", "pid", "status", "bundle", "created"}, data
        assert -2 < time.time() - before < 60 and abs(time.mktime(made_at) - time.timezone - before) < 60, made_at
        two.kill()
        assert {row["id"]: row for row in json.loads(listed(b, "--json").stdout)}[two.id]["status"] == "stopped"
        one.do("delete", options=("--force",))
        assert one.id not in listed(b, "--quiet").stdout.split()


def ours(c, text):
    """Lines that name it: who else makes containers on this machine is no matter."""
    return [line for line in text.split("\n") if c.id in line]


@contextlib.contextmanager
def state_folder(ident, text):
    """As whoever was killed, or wrote nonsense, left it."""
    folder = "/run/skiff/" + ident
    os.mkdir(folder, 0o700)
    try:
        if text is not None:
            write(folder + "/state", text)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@test
def lists_what_is_damaged(b):
    with made(b, "nap", "600000") as c:
        c.create()
        ident = c.id + "-damaged"
        for text in ("", "nonsense\n", "skiff-state 1\ninit 1\n", "\0" * 5000):
            with state_folder(ident, text):
                done = listed(b)
                assert c.id in done.stdout and ident not in done.stdout.split(), done
                complaint = ours(c, done.stderr)
                assert len(complaint) == 1 and ident in complaint[0] and "damaged" in complaint[0], done
                assert c.id in [row["id"] for row in json.loads(listed(b, "--json").stdout)]
                for verb in ("state", "start", "kill", "pause", "delete"):
                    c.do(verb, code=1, err="damaged", ident=ident)
                c.do("delete", ident=ident, options=("--force",))
                assert not os.path.exists("/run/skiff/" + ident)
        with state_folder(ident, None):
            assert not ours(c, listed(b).stderr)
            c.do("delete", ident=ident)
            assert not os.path.exists("/run/skiff/" + ident)
        assert c.status == "created"


@test
def lists_what_comes_and_goes(b):
    with made(b, "nap", "600000") as c:
        c.create()
        over = threading.Event()

        def come_and_go():
            while not over.is_set():
                for number in range(5):
                    with state_folder("%s-%d" % (c.id, number), None):
                        pass
        other = threading.Thread(target=come_and_go)
        other.start()
        try:
            for _ in range(60):
                done = listed(b)
                assert c.id in done.stdout and not ours(c, done.stderr), done
        finally:
            over.set()
            other.join()


# -- Standing still --------------------------------------------------------------------------------


def compile_still(place, seconds=1):
    """Waits of a guest, one to an entry."""
    done = subprocess.run(
        [need("clang-19"), "--target=wasm32-unknown-unknown", "-DNAP_SECONDS=%d" % seconds, "-O1", "-nostdlib",
         "-ffreestanding", "-matomics", "-mbulk-memory", "-Wl,--shared-memory,--import-memory,--max-memory=1048576,--no-entry", "-o", place,
         os.path.join(HERE, "guest", "still.c")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Entry of still.wasm, and what its wait comes to: an event of the clock, "again", or "timed out".
WAITS = (("sleep", 0), ("until", 0), ("descriptor", 0), ("accept", 6), ("receive", 6), ("thread", 2))
WAIT_MS = 1000


def waiting(b, stack, entry, stdin, seconds):
    c = stack.enter_context(made(b))
    compile_still(c.u.file("still.wasm"), seconds)
    c.u.process["args"] = ["/still.wasm#" + entry]
    c.create(stdin=stdin)
    return c


def pause_and_wait(b, scale, naps):
    """Waits of `scale` seconds, all as they are to be."""
    wait = WAIT_MS * scale
    inlet, outlet = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, inlet)
        stack.callback(os.close, outlet)
        all_of_them = [(waiting(b, stack, entry, inlet, scale), entry, result) for entry, result in WAITS]
        for c, _, _ in all_of_them:
            c.began = time.monotonic()
            c.do("start")
            c.wait_out("begin")
            c.do("pause")
        for number, nap in enumerate(naps):
            for c, _, _ in all_of_them if number > 0 else ():
                c.do("pause")
            time.sleep(nap)
            for c, entry, _ in all_of_them:
                assert c.out == "begin\n", "%s: nothing is said while it stands still: %r" % (entry, c.out)
                c.do("resume")
                c.resumed = time.monotonic()
        for c, entry, result in all_of_them:
            assert c.code() == 0, c.err
            words = [int(word) for word in c.out.split("\n")[1].split()]
            what = "%s, paused for %s: %s" % (entry, naps, words)
            assert words[0] == result, what
            assert wait <= words[1] < max(wait, 1000 * (c.resumed - c.began)) + wait, what


@test
def pause_ends_no_wait_early(b):
    """A second each, and a pause: one that is over before, one that is longer, two in a row."""
    for naps in ((0.2,), (1.2,), (0.1, 0.1)):
        patiently(lambda scale, naps=naps: pause_and_wait(b, scale, [nap * scale for nap in naps]))


@test
def paused_guests_do_nothing(b):
    with made(b) as c:
        compile_still(c.u.file("still.wasm"))
        c.u.process["args"] = ["/still.wasm#busy"]
        c.create()
        c.do("start")
        eventually("it counts", lambda: len(c.out) > 20)
        c.do("pause")
        size = len(c.out)
        time.sleep(0.3)
        assert len(c.out) == size and c.status == "paused"
        c.do("resume")
        eventually("it counts on", lambda: len(c.out) > size + 20)


@test
def pause_that_makes_no_sense(b):
    with made(b, "nap", "600000") as c:
        for verb in ("pause", "resume"):
            c.do(verb, code=1, err="there is no container")
        c.create()
        c.do("pause", code=1, err="is created")
        c.do("start")
        c.do("resume", code=1, err="is running")
        c.do("pause")
        c.do("pause", code=1, err="is paused")
        c.do("start", code=1, err="is paused")
        c.exec("say", "x", code=1, err="is paused")
        c.do("delete", code=1, err="is paused")
        c.do("kill", "TERM")
        assert c.status == "paused", "it hears of it when it goes on"
        c.do("resume")
        assert c.code() == 143
        c.do("pause", code=1, err="is stopped")


@test
def kill_of_a_paused_one(b):
    """It has to be gone at once: nobody resumes it for that."""
    with up(b) as c:
        c.do("pause")
        c.do("kill", "KILL")
        eventually("its end", lambda: is_zombie(c.pid))
        assert c.code() == -9 and c.status == "stopped"
        c.do("delete")


# -- Delete ----------------------------------------------------------------------------------------


@test
def deletes(b):
    with up(b) as c:
        c.do("delete", code=1, err="is running: end it first, or remove it with --force")
        assert c.status == "running"
        c.do("delete", options=("--force",))
        assert c.code() == -9 and not c.u.left()
        c.do("delete", code=1, err="there is no container")
        c.do("delete", options=("-f",))
        c.do("delete", ident="a/b", code=1, err="the ID 'a/b'")
        c.do("delete", ident="a/b", code=1, err="the ID 'a/b'", options=("--force",))
    with made(b, "say", "ran") as c:
        c.create()
        c.do("delete")
        assert c.code() == -9 and c.out == "" and not c.u.left()
    with up(b) as c:
        c.do("pause")
        c.do("delete", options=("--force",))
        assert c.code() == -9 and not c.u.left()


@test
def deleted_in_the_foreground(b):
    """Whoever ran it comes back, and leaves nothing; nor does who deletes it."""
    with made(b) as c, ready(c.u) as r:
        c.do("delete", code=1, err="is running")
        c.do("delete", options=("--force",))
        # Who ran it may be on his way still.
        assert set(c.u.left()) <= {"process %d" % r.process.pid}, c.u.left()
        result = r.end()
        assert (result.code, result.err) == (137, ""), str(result)


@test
def foreground_ones_are_known(b):
    with made(b) as c, ready(c.u) as r:
        c.pid = r.pid
        assert c.state()["pid"] == r.pid and c.status == "running"
        assert c.exec("say", "hello").out == "hello\n"
        c.do("pause")
        assert c.status == "paused"
        c.do("resume")
        c.do("kill", "USR1")
        assert r.end().code == 138
        c.do("state", code=1, err="there is no container")


# -- Hooks -----------------------------------------------------------------------------------------


@test
def hooks_of_two_phases(b):
    with made(b, "say", "guest", ";", "nap", "600000") as c:
        log = os.path.join(c.u.folder, "log")
        for kind in ("prestart", "createRuntime", "createContainer", "poststart", "poststop"):
            hook(c.u, kind, 'echo "%s $(/bin/cat)" >> %s\n' % (kind, log))

        def told():
            return [(line.split(" ", 1)[0], json.loads(line.split(" ", 1)[1])) for line in
                    read(log).strip().split("\n")]
        c.create()
        assert [kind for kind, _ in told()] == ["prestart", "createRuntime", "createContainer"]
        c.do("start")
        assert [kind for kind, _ in told()][3:] == ["poststart"]
        c.do("delete", options=("--force",))
        rows = told()
        assert [kind for kind, _ in rows][4:] == ["poststop"]
        statuses = [state["status"] for _, state in rows]
        assert statuses == ["creating"] * 3 + ["running", "stopped"], statuses
        assert all(state["id"] == c.id for _, state in rows) and rows[3][1]["pid"] == c.pid, rows


@test
def start_container_hooks(b):
    """They run at start, not at create; one that fails keeps the guest from running."""
    source = write(os.path.join(b.folder, "hook.c"), """#include <stdio.h>
int main(int count, char **args) { FILE *f = fopen("/tmp/out", "a"); (void)args;
fprintf(f, "%d\\n", count); fclose(f); return count > 2 ? 5 : 0; }""")
    for args, code in ((["hook"], 0), (["hook", "to", "fail"], 1)):
        with made(b, "say", "guest", ";", "cat", "/tmp/out") as c:
            os.makedirs(os.path.join(c.u.root, "tmp"))
            subprocess.run([need("clang-19"), "-static", "-o", c.u.file("bin/hook"), source], check=True)
            os.chmod(os.path.join(c.u.root, "bin/hook"), 0o755)
            c.u.config["hooks"] = {"startContainer": [{"path": "/bin/hook", "args": args}]}
            c.create()
            assert not os.path.exists(os.path.join(c.u.root, "tmp/out"))
            if code == 0:
                c.do("start")
                assert c.code() == 0 and c.out == "guest\n1\n", c.out
            else:
                c.do("start", code=1, err="startContainer hook '/bin/hook': exit code 5")
                c.code()
                assert c.out == "" and c.status == "stopped"


@test
def hooks_that_warn(b):
    with made(b, "nap", "600000") as c:
        for kind in ("poststart", "poststop"):
            hook(c.u, kind, "exit 1\n")
        c.create()
        c.do("start", err="warning: poststart hook")
        assert c.status == "running"
        c.do("delete", err="warning: poststop hook", options=("--force",))
        assert not c.u.left()


@test
def one_group_for_two(b):
    """Who has ended takes nobody along who runs in the group that both have named."""
    path = "/cage-two-%d" % os.getpid()
    with made(b, "say", "first") as one:
        one.u.linux["cgroupsPath"] = path
        one.create()
        one.do("start")
        one.code()
        with made(b, "say", "ready", ";", "nap", "600000") as two:
            two.u.linux["cgroupsPath"] = path
            two.create()
            two.do("start")
            two.wait_out("ready")
            one.do("delete")
            assert two.status == "running"
            two.do("delete", options=("--force",))
