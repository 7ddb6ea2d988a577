# SPDX-License-Identifier: Apache-2.0
"""makers.py: images that tools make of hello.wasm: Skiff for other engines, other tools for Skiff.

Of others: one Dockerfile, each tool's own way with it. A maker leaves an image in the plain registry, made/NAME:1, and in a
file, as it would for anybody. Skiff makes those shapes that it has a way for, and sends them to each registry itself.
"""

import collections
import os
import subprocess

import daemons

ROOM = daemons.ROOM
FOLDER = ROOM + "/made"
DOCKERFILE = """FROM scratch
COPY hello.wasm /hello.wasm
ENV SHAPE=made
ENTRYPOINT ["/hello.wasm", "one"]
"""
BUILDAH = ["buildah", "--root", ROOM + "/buildah", "--runroot", ROOM + "/buildah-run"]
PODMAN = ["podman", "--root", ROOM + "/buildah", "--runroot", ROOM + "/buildah-run", "--cgroup-manager", "cgroupfs"]
ENV = dict(os.environ, PODMAN_IGNORE_CGROUPSV1_WARNING="1", BUILDAH_ISOLATION="chroot")

Maker = collections.namedtuple("Maker", "name what steps")


def docker(engine, *words):
    return ["docker", "-H", "unix://%s/%s.sock" % (daemons.RUN, engine), *words]


def buildah(name, *more):
    return [[*BUILDAH, "build", "-q", "--platform", "wasi/wasm", *more, "-t", "{ref}", FOLDER],
            [*BUILDAH, "push", "-q", "--tls-verify=false", "{ref}"],
            [*BUILDAH, "push", "-q", "{ref}", "%s-archive:{file}:{ref}" % name]]


def podman(kind):
    return [[*PODMAN, "build", "-q", "--platform", "wasi/wasm", "-t", "{ref}", FOLDER],
            [*PODMAN, "push", "-q", "--tls-verify=false", "{ref}"],
            [*PODMAN, "save", "-q", "--format", kind, "-o", "{file}", "{ref}"]]


def built(engine, *more):
    return [docker(engine, "build", "-q", *more, "-t", "{ref}", FOLDER), docker(engine, "push", "-q", "{ref}"),
            docker(engine, "save", "-o", "{file}", "{ref}")]


def buildx(*more):
    command = docker("docker-containerd", "buildx", "build", "--progress", "quiet", *more, "-t", "{ref}")
    return [[*command, "--push", FOLDER], [*command, "--output", "type=oci,dest={file}", FOLDER]]


WASI = ["--platform", "wasi/wasm"]
MAKERS = [
    Maker("buildah", "`buildah build`", buildah("oci")),
    Maker("buildah-docker", "`buildah build --format docker`", buildah("docker", "--format", "docker")),
    Maker("podman", "`podman build`, `podman save`", podman("docker-archive")),
    Maker("podman-oci", "`podman build`, `podman save --format oci-archive`", podman("oci-archive")),
    Maker("docker", "`docker build`, graph driver (labelled `linux/amd64`)", built("docker-graph")),
    Maker("docker-store", "`docker build --platform wasi/wasm`, containerd's store", built("docker-containerd", *WASI)),
    Maker("buildx", "`docker buildx build --platform wasi/wasm`", buildx(*WASI)),
    Maker("buildx-bare", "`docker buildx build --platform wasi/wasm --provenance=false`", buildx(*WASI, "--provenance=false")),
    Maker("buildx-both", "`docker buildx build --platform wasi/wasm,linux/amd64`", buildx("--platform", "wasi/wasm,linux/amd64")),
    Maker("buildx-zstd", "`docker buildx build`, layers as zstd",
          [[*step, "--output", "%s,compression=zstd,force-compression=true" % kind, FOLDER]
           for step, kind in zip([docker("docker-containerd", "buildx", "build", "--progress", "quiet", *WASI)] * 2,
                                 ["type=registry,name={ref}", "type=oci,name={ref},dest={file}"])]),
]


def ref_of(maker):
    return "localhost:5000/made/%s:1" % maker.name


def make(maker):
    """(None, file), or (what the tool said, None)."""
    file = "%s/%s.tar" % (FOLDER, maker.name)
    for step in maker.steps:
        command = [word.format(ref=ref_of(maker), file=file) for word in step]
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", env=ENV, timeout=120)
        if done.returncode != 0:
            return "%s: %s" % (" ".join(command[:3]), done.stdout), None
    return None, file


def begin(module):
    os.makedirs(FOLDER)
    with open(FOLDER + "/Dockerfile", "w", encoding="utf-8") as file:
        file.write(DOCKERFILE)
    with open(FOLDER + "/hello.wasm", "wb") as file:
        file.write(module)


# -- Skiff's -----------------------------------------------------------------------------------------------

# What is added to `skiff build hello.wasm`, by the name of the shape.
BY_SKIFF = {
    "compat": (),
    "compat-wasip1": ("--platform", "wasip1/wasm"),
    "as-linux": ("--platform", "linux/amd64"),
    "index-native": ("--with", "linux/amd64=NATIVE"),
    "index-same": ("--as-linux",),
    "artifact": ("--format", "artifact"),
}
NATIVE = "localhost:5000/interop/native:1"
WASM_TO_OCI = "wasm-to-oci"
SETTINGS = ("--env", "SHAPE={name}", "--entrypoint", "/hello.wasm", "--entrypoint", "one")


def how(name):
    """As a reader would type it."""
    if name == WASM_TO_OCI:
        return "wasm-to-oci push"
    return " ".join(("skiff build",) + BY_SKIFF[name]) if name in BY_SKIFF else None


def skiff(program, *words):
    done = subprocess.run([program, *words], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120,
                          env=dict(os.environ, SKIFF_STORE=ROOM + "/skiff-makes"))
    if done.returncode != 0:
        raise OSError("%s: %s" % (" ".join(words), done.stdout))


def by_skiff(plan, name, file):
    """Made, sent to the registries, and saved as `file`."""
    program, ref = plan["skiff"], "localhost:5000/interop/%s:1" % name
    if name == WASM_TO_OCI:
        skiff(os.path.join(os.path.dirname(program), "wasm-to-oci"), "push", plan["module"], ref)
        return
    more = [word.replace("NATIVE", NATIVE) for word in BY_SKIFF[name]]
    if name == "index-native":
        skiff(program, "pull", "-q", NATIVE)
    settings = [] if name == "artifact" else [word.format(name=name) for word in SETTINGS]
    skiff(program, "build", plan["module"], "-t", ref, *settings, *more)
    skiff(program, "push", "-q", ref)
    for kind in ("tls", "password"):
        host, _, locked = daemons.REGISTRIES[kind]
        creds = ["--creds", "%s:%s" % daemons.USER] if locked else []
        skiff(program, "push", "-q", "--cacert", daemons.CA, *creds, "--to", ref.replace("localhost:5000", host), ref)
    #skiff(program, "save", "-o", file, ref)
