#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""inside.py PLAN LOGS: what interop.py does in a machine of the lab: give images to engines, run them, write down what each said.

PLAN is a JSON file (interop.py writes it), LOGS a folder for what daemons say. Everything is our own and ends with us: a
containerd or two with their roots, two dockers, podman's storage, four registries. Each cell gives one line of JSON on standard
output:

    {"table": ..., "engine": ..., "shape": ..., "tries": [{"how": ..., "stage": ..., "text": ...}, ...]}

`how` is what the engine had to be told beside the name ("" nothing); the first try is always without, and the last one is the
one that went furthest. `stage` is "refused" (it was not even got), "pulls" (got, not run) or the kind that hello said it is.
"""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

import daemons
import makers
import report
import shapes

HELLO = re.compile(r"hello from (\w+), argument (\S+), variable (\S+)")
LIMIT = 60  # seconds for one command
ROOM = daemons.ROOM


def run(*command, env=None):
    """(exit code, all it said); a command that does not end is ended."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", start_new_session=True, env=env)
    try:
        text, _ = child.communicate(timeout=LIMIT)
        return child.returncode, text
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return 1, child.communicate()[0] + "\ndid not end within %d seconds" % LIMIT


class Source:
    """Where an image comes from: a registry, with what its door takes, or a file."""

    def __init__(self, ref, file=None, tls=False, user=None):
        self.ref, self.file, self.tls, self.user = ref, file, tls, user

    def name(self):
        return self.user.split(":", 1) if self.user else (None, None)


def pair(option, value):
    return [option, value] if value else []


# -- engines -----------------------------------------------------------------------------------------------


class Ctr:
    name = "ctr"
    files = True
    hows = ["", "platform"]

    def __init__(self, containerd, runtimes):
        self.runtimes = runtimes
        self.base = ["ctr", "-a", containerd.socket, "-n", "interop"]

    def get(self, source, shape, how):
        platform = pair("--platform", shape.platform if how else None)
        if source.file:
            return run(*self.base, "images", "import", *platform, source.file)
        door = ["--hosts-dir", daemons.HOSTS, *pair("--user", source.user)] if source.tls else ["--plain-http"]
        return run(*self.base, "images", "pull", *door, *platform, source.ref)

    def run(self, source, shape, how, runtime):
        platform = pair("--platform", shape.platform if how else None)
        return run(*self.base, "run", "--rm", "--runtime", "io.containerd.runc.v2", "--runc-binary", self.runtimes[runtime],
                   *platform, source.ref, "interop-%d" % time.monotonic_ns())

    def drop(self, source):
        run(*self.base, "images", "rm", "--sync", source.ref)

    def close(self):
        pass


class Cri:
    files = False
    hows = ["", "command"]

    def __init__(self, name, containerd):
        self.name, self.cri = name, importlib.import_module("cri")
        self.channel = self.cri.grpc.insecure_channel("unix://" + containerd.socket)
        self.cri.ch = self.channel
        self.containerd, self.pods, self.image, self.count = containerd, {}, None, 0

    def rpc(self, function, *arguments, **more):
        """An answer, or what the other side said."""
        self.cri.ch = self.channel
        try:
            return 0, function(*arguments, **more)
        except self.cri.grpc.RpcError as error:
            return 1, error.details()

    def get(self, source, shape, how):
        pb = self.cri.pb
        user, password = source.name()
        auth = pb.AuthConfig(username=user, password=password) if user else None
        code, answer = self.rpc(self.cri.call, "ImageService", "PullImage",
                                pb.PullImageRequest(image=pb.ImageSpec(image=source.ref), auth=auth), LIMIT)
        if code == 0:
            self.image, answer = answer.image_ref, ""
        return code, answer

    def pod(self, runtime):
        """One for all containers of a runtime."""
        if runtime not in self.pods:
            name = "%s-%s-%d" % (re.sub(r"\W+", "-", self.name), runtime, time.monotonic_ns())
            config = self.cri.sandbox_cfg(name, logdir=os.path.join(ROOM, "pods"))
            code, answer = self.rpc(self.cri.run_sandbox, config, runtime)
            if code != 0:
                raise OSError("the pod of runtime %s: %s" % (runtime, answer))
            self.pods[runtime] = answer, config
        return self.pods[runtime]

    def run(self, source, shape, how, runtime):
        sandbox, config = self.pod(runtime)
        self.count += 1
        code, container = self.rpc(self.cri.create, sandbox, config, self.image, name="c%d" % self.count,
                                   command=["/"] if how else [])
        if code != 0:
            return code, container
        code, answer = self.rpc(self.cri.start, container)
        if code == 0:
            code, answer = self.wait(container, os.path.join(config.log_directory, "c%d_0.log" % self.count))
        self.rpc(self.cri.rm, container)
        return code, answer

    def wait(self, container, log):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            code, answer = self.rpc(self.cri.status, container)
            if code != 0 or answer.status.state == self.cri.pb.CONTAINER_EXITED:
                break
            time.sleep(0.1)
        else:
            return 1, "the container does not end"
        if code != 0:
            return code, answer
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.split(" ", 3)[-1] for line in file]
        return answer.status.exit_code, "".join(lines) or answer.status.message

    def drop(self, source):
        pb = self.cri.pb
        self.rpc(self.cri.call, "ImageService", "RemoveImage",
                 pb.RemoveImageRequest(image=pb.ImageSpec(image=self.image or source.ref)))
        self.image = None

    def close(self):
        for sandbox, _ in self.pods.values():
            self.rpc(self.cri.stop_sb, sandbox)
            self.rpc(self.cri.rm_sb, sandbox)
        if self.containerd.transfers() != (self.name == "cri-transfer"):
            raise OSError("%s: the log says otherwise" % self.name)


class Docker:
    files = True
    hows = ["", "platform", "archive"]

    def __init__(self, name, docker):
        self.name = name
        self.config = os.path.join(ROOM, "docker-config-" + re.sub(r"\W+", "-", name))
        self.base = ["docker", "--config", self.config, "-H", "unix://" + docker.socket]

    def get(self, source, shape, how):
        if source.file:
            return run(*self.base, "load", "-i", source.file + (makers.DOCKER_ARCHIVE if how == "archive" else ""))
        shutil.rmtree(self.config, ignore_errors=True)
        if source.user:
            user, password = source.name()
            code, text = run(*self.base, "login", "-u", user, "-p", password, source.ref.split("/")[0])
            if code != 0:
                return code, text
        return run(*self.base, "pull", "-q", *pair("--platform", shape.platform if how else None), source.ref)

    def run(self, source, shape, how, runtime):
        return run(*self.base, "run", "--rm", "--pull", "never", "--network", "none", "--runtime", runtime,
                   *pair("--platform", shape.platform if how == "platform" else None), source.ref)

    def drop(self, source):
        run(*self.base, "rmi", "-f", source.ref)

    def close(self):
        pass


PODMAN = """[engine.runtimes]
%s
[engine.platform_to_oci_runtime]
"wasi/wasm" = "%s"
"""


class Podman:
    """It finds the runtime by the image's platform, as containers.conf says; else it is told."""

    name = "podman"
    files = True
    hows = ["", "runtime", "platform"]

    def __init__(self, plan):
        self.base = ["podman", "--root", ROOM + "/podman", "--runroot", ROOM + "/podman-run", "--cgroup-manager", "cgroupfs"]
        config = ROOM + "/containers.conf"
        with open(config, "w", encoding="utf-8") as file:
            file.write(PODMAN % ("\n".join('%s = ["%s"]' % runtime for runtime in plan["runtimes"].items()), plan["runtime"]))
        self.env = dict(os.environ, PODMAN_IGNORE_CGROUPSV1_WARNING="1", CONTAINERS_CONF_OVERRIDE=config)

    def podman(self, *words, more=()):
        return run(*self.base, *more, *words, env=self.env)

    def get(self, source, shape, how):
        if source.file:
            return self.podman("load", "-q", "-i", source.file)
        door = ["--cert-dir", daemons.CERTS, *pair("--creds", source.user)] if source.tls else ["--tls-verify=false"]
        return self.podman("pull", "-q", *door, *pair("--platform", shape.platform if how == "platform" else None), source.ref)

    def run(self, source, shape, how, runtime):
        return self.podman("run", "--rm", "--pull", "never", "--network", "none",
                           *pair("--platform", shape.platform if how == "platform" else None), source.ref,
                           more=["--runtime", runtime] if how == "runtime" or how and shape.platform != "wasi/wasm" else [])

    def drop(self, source):
        self.podman("rmi", "-f", source.ref)

    def close(self):
        self.podman("rmi", "-a", "-f")


class Skopeo:
    """It runs nothing: what counts is where the image can be copied to, and that the registry's copy is the same."""

    name = "skopeo"
    files = True
    hows = ["", "platform", "all"]
    places = {"an OCI layout": "oci:{dir}/oci:x", "a docker archive": "docker-archive:{dir}/a.tar:x:1",
              "containers-storage": "containers-storage:[vfs@{dir}/cs+{dir}/csr]x:1", "a directory": "dir:{dir}/dir",
              "another registry": "docker://localhost:5001/copy/{name}:1"}

    def __init__(self):
        self.dir = ROOM + "/skopeo"

    def copy(self, source, shape, how, to):
        daemons.clear(self.dir)
        os.makedirs(self.dir)
        system, machine = shape.platform.split("/")
        told = {"": [], "all": [], "platform": ["--override-os", system, "--override-arch", machine]}[how]
        door = ["--src-cert-dir", daemons.CERTS, *pair("--src-creds", source.user)] if source.tls else ["--src-tls-verify=false"]
        where = "oci-archive:" + source.file if source.file else "docker://" + source.ref
        return run("skopeo", *told, "copy", "-q", "--insecure-policy", *door, "--dest-tls-verify=false",
                   *(["--all"] if how == "all" else []), where, to.format(dir=self.dir, name=shape.name))

    def tries(self, source, shape):
        """Each place, with the least that had to be said for it; what is the same of several places is one try."""
        found = {}
        for place, to in self.places.items():
            first = None
            for how in self.hows:
                code, text = self.copy(source, shape, how, to)
                first = text if first is None else first
                # Asked for nothing it takes the native image of an index, alone.
                if code == 0 and (how or shape.name != "index-native"):
                    break
            key = (how, "copies", "") if code == 0 else ("", "refused", report.sentence(first))
            found.setdefault(key, {"how": key[0], "stage": key[1], "text": first, "places": []})["places"].append(place)
        return list(found.values())

    def close(self):
        daemons.clear(self.dir)


class Skiff:
    name = "skiff"
    files = True
    hows = ["", "platform"]

    def __init__(self, program):
        self.program = program
        self.env = dict(os.environ, SKIFF_STORE=ROOM + "/skiff-store")

    def get(self, source, shape, how):
        if source.file:
            return run(self.program, "load", "-i", source.file, env=self.env)
        door = ["--cacert", daemons.CA, *pair("--creds", source.user)] if source.tls else ["--plain-http"]
        return run(self.program, "pull", *door, *pair("--platform", shape.platform if how else None), source.ref,
                   env=self.env)

    def run(self, source, shape, how, runtime):
        return run(self.program, "run", "--pull", "never", *pair("--platform", shape.platform if how else None), source.ref,
                   env=self.env)

    def drop(self, source):
        run(self.program, "rmi", source.ref, env=self.env)

    def close(self):
        pass


# -- cells -------------------------------------------------------------------------------------------------


def one_try(engine, source, shape, how, runtime):
    code, text = engine.get(source, shape, how)
    if code != 0:
        return {"how": how, "stage": "refused", "text": text}
    code, text = engine.run(source, shape, how, runtime)
    said = HELLO.search(text)
    if said is None:
        return {"how": how, "stage": "pulls", "text": text}
    return {"how": how, "stage": said.group(1), "text": text, "argument": said.group(2), "variable": said.group(3)}


def tries_of(engine, source, shape, runtime):
    """Until the module runs; the image is got anew each time."""
    if hasattr(engine, "tries"):
        return engine.tries(source, shape)
    tries = []
    for how in engine.hows:
        if how == "command" and shape.name not in shapes.NO_SETTINGS:
            continue
        if how == "archive" and not (source.file and os.path.exists(source.file + makers.DOCKER_ARCHIVE)):
            continue
        tries.append(one_try(engine, source, shape, how, runtime))
        engine.drop(source)
        if tries[-1]["stage"] == "wasm":
            break
    return tries


def cell(table, engine, shape, source, runtime, column=None):
    begin = time.monotonic()
    try:
        tries = tries_of(engine, source, shape, runtime)
    except Exception as error:  # of our own: the cell says so, the others go on
        traceback.print_exc()
        tries = [{"how": "", "stage": "error", "text": "%s: %s" % (type(error).__name__, error)}]
    print(json.dumps({"table": table, "engine": column or engine.name, "shape": shape.name, "tries": tries,
                      "seconds": round(time.monotonic() - begin, 1)}), flush=True)


def engines_of(plan, transfer):
    """(name, what makes it with the daemons that it takes)."""
    made = {}

    def containerd(name, local):
        if name not in made:
            made[name] = daemons.Containerd(name, local, plan["runtimes"])
        return made[name]

    def docker(name, store):
        made[name] = daemons.Docker(name, containerd("first", not transfer), store, plan["runtimes"])
        return Docker(name, made[name])

    yield "ctr", lambda: Ctr(containerd("first", not transfer), plan["runtimes"])
    if transfer:
        yield "cri-transfer", lambda: Cri("cri-transfer", containerd("first", False))
    yield "cri-local", lambda: Cri("cri-local", containerd("second" if transfer else "first", True))
    yield "docker-containerd", lambda: docker("docker-containerd", True)
    yield "docker-graph", lambda: docker("docker-graph", False)
    yield "podman", lambda: Podman(plan)
    yield "skopeo", Skopeo

    def skiff():
        for name, store in (("docker-containerd", True), ("docker-graph", False)) if "others" in plan["tables"] else ():
            if name not in made:
                docker(name, store)
        return Skiff(plan["skiff"])

    yield "skiff", skiff


def fill(plan):
    """All shapes into the registries, the pods' own image, too; those that Skiff makes as it makes them."""
    registries = [shapes.Registry("localhost:5000"), shapes.Registry("%s:5443" % daemons.ADDRESS, daemons.CA, tls=True),
                  shapes.Registry("%s:5444" % daemons.ADDRESS, daemons.CA, daemons.basic(), tls=True)]
    made = {}
    for name, folder in plan["layouts"].items():
        made[name] = None if plan["by_hand"] else makers.how(name)
        if not made[name]:
            for registry in registries:
                registry.send(shapes.read_layout(folder), "interop/" + name, "1")
    for name in [name for name in made if made[name]]:
        file = "%s/%s.tar" % (ROOM, name)
        makers.by_skiff(plan, name, file)
        if name != makers.WASM_TO_OCI:
            plan["archives"][name], plan["names"][name] = file, "localhost:5000/interop/%s:1" % name
    print(json.dumps({"made": made}), flush=True)


def sizes():
    """[what, bytes that are fetched, bytes unpacked]"""
    registry = shapes.Registry("localhost:5000")
    rows = []
    ours = "hello for WASI, %s" % shapes.SHAPES[0].what
    for name, what in (("compat", ours), ("native", "hello for Linux, linked statically")):
        packed, unpacked = registry.size("interop/" + name, "1")
        rows.append([what, packed, unpacked])
    for what, packages in (("Debian's essential packages and wasmedge", ["?essential", "wasmedge"]),
                           ("wasmedge and what it depends on", ["wasmedge"])):
        rows.append([what, *daemons.package_sizes(packages)])
    print(json.dumps({"sizes": rows}), flush=True)


def tables(plan, engine):
    rows = [shape for shape in shapes.SHAPES if shape.name in plan["layouts"]]
    if "pull" in plan["tables"]:
        for shape in rows:
            cell("pull", engine, shape, Source("localhost:5000/interop/%s:1" % shape.name), plan["runtime"])
    if "file" in plan["tables"] and engine.files:
        for shape in rows:
            cell("file", engine, shape, Source(plan["names"][shape.name], file=plan["archives"][shape.name]), plan["runtime"])
    if "others" in plan["tables"] and engine.name == "skiff":
        others(plan, engine)
    if "door" in plan["tables"]:
        shape = next(shape for shape in shapes.SHAPES if shape.name == "index-same")  # every engine runs it
        for kind, port, user in (("tls", 5443, None), ("password", 5444, "%s:%s" % daemons.USER),
                                 ("wrong", 5444, "%s:wrong" % daemons.USER[0])):
            source = Source("%s:%d/interop/%s:1" % (daemons.ADDRESS, port, shape.name), tls=True, user=user)
            cell("door", engine, shape._replace(name=kind), source, plan["runtime"])


def others(plan, skiff):
    """What other tools made, run by Skiff: from the registry, and from the file."""
    with open(plan["module"], "rb") as file:
        makers.begin(file.read())
    forms, registry = {}, shapes.Registry("localhost:5000")
    for maker in makers.MAKERS:
        refused, file = makers.make(maker)
        forms[maker.name] = None if refused else registry.form("made/" + maker.name, "1")
        shape = shapes.Shape(maker.name, "wasi/wasm", maker.what)
        for name, source in (("registry", Source(makers.ref_of(maker))), ("file", Source(makers.ref_of(maker), file=file))):
            if refused:
                print(json.dumps({"table": "others", "engine": name, "shape": shape.name, "seconds": 0,
                                  "tries": [{"how": "", "stage": "not made", "text": refused}]}), flush=True)
            else:
                cell("others", skiff, shape, source, None, column=name)
    print(json.dumps({"forms": forms}), flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("inside: ended from outside"))
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    missing = daemons.missing(plan["skiff"] + "-image")
    if missing:
        sys.exit("inside: on this machine there is no %s" % ", no ".join(missing))
    transfer = daemons.containerd_version() >= (2, 1)
    sys.path.insert(0, plan["cri"])
    print(json.dumps({"versions": daemons.versions()}), flush=True)
    daemons.begin()
    try:
        for kind in daemons.REGISTRIES:
            daemons.registry(plan["registry"], kind)
        fill(plan)
        sizes()
        for name, make in engines_of(plan, transfer):
            if plan["engines"] and name not in plan["engines"]:
                continue
            print("inside: %s" % name, file=sys.stderr, flush=True)
            engine = make()
            tables(plan, engine)
            engine.close()
    finally:
        daemons.end(sys.argv[2])


if __name__ == "__main__":
    main()
