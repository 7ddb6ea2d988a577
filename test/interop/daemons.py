# SPDX-License-Identifier: Apache-2.0
"""daemons.py: registries, containerds and dockers for inside.py, all below ROOM and all gone at the end.

The lab's own daemons are left alone: what they hold is somebody else's, and may be in use.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOM = "/var/lib/skiff-interop"
RUN = "/run/skiff-interop"
ADDRESS = "10.250.0.1"  # of the registries with TLS: engines trust whatever is on 127.0.0.1
USER = ("someone", "a good one")
CERTS = RUN + "/certs"  # as podman and skopeo want it: a folder with ca.crt
CA = CERTS + "/ca.crt"
HOSTS = RUN + "/hosts"  # as containerd wants it: HOST/hosts.toml
DOCKER_CERTS = "/etc/docker/certs.d"
LOWEST = 60  # seconds that a daemon may take to answer

# kind: address, with TLS, with a password
REGISTRIES = {"plain": ("localhost:5000", False, False), "other": ("localhost:5001", False, False),
              "tls": (ADDRESS + ":5443", True, False), "password": (ADDRESS + ":5444", True, True)}

children = []


def spawn(name, *command, env=None):
    """A daemon; its words go to a file."""
    with open(os.path.join(ROOM, name + ".log"), "wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
    children.append(child)
    return child


def wait_for(what, child, ready):
    end = time.monotonic() + LOWEST
    while not ready():
        if child.poll() is not None or time.monotonic() > end:
            with open(os.path.join(ROOM, what + ".log"), encoding="utf-8", errors="replace") as log:
                raise OSError("%s does not start: %s" % (what, log.read()[-2000:]))
        time.sleep(0.1)


def quiet(*command):
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def output(*command):
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        return done.stdout.strip()
    except OSError:
        return ""


# Command that has to succeed: Debian package.
NEEDS = {"containerd --version": "containerd", "dockerd --version": "docker.io", "docker buildx version": "docker-buildx",
         "podman --version": "podman", "buildah --version": "buildah", "skopeo --version": "skopeo", "crun --version": "crun",
         "openssl version": "openssl", "ip -V": "iproute2",
         "%s --help": "libcurl4t64 or libarchive13t64: what skiff-image is linked with"}


def missing(skiff_image):
    """Packages that are to be installed on this machine."""
    def works(command):
        try:
            return quiet(*[word.replace("%s", skiff_image) for word in command.split()])
        except OSError:
            return False
    return [package for command, package in NEEDS.items() if not works(command)]


def containerd_version():
    return tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", output("containerd", "--version")).groups())


def versions():
    """Of the packages whose engines are asked."""
    names = ["containerd", "docker.io", "podman", "skopeo", "buildah", "docker-buildx", "crun", "wasmedge", "libwasmedge0"]
    rows = output("dpkg-query", "-W", "-f", "${Package} ${Version} ${Installed-Size}\n", *names).splitlines()
    return {row.split()[0].split(":")[0]: row.split()[1:] for row in rows if len(row.split()) == 3}


def package_sizes(names):
    """(packed, installed) bytes of packages and all they depend on, as apt would install them where there is nothing yet."""
    plan = output("apt-get", "-o", "Dir::State::status=/dev/null", "-s", "install", "--no-install-recommends", *names)
    chosen = re.findall(r"^Inst (\S+)", plan, re.M)
    about = output("apt-cache", "show", "--no-all-versions", *chosen)
    return (sum(int(size) for size in re.findall(r"^Size: (\d+)", about, re.M)),
            sum(int(size) for size in re.findall(r"^Installed-Size: (\d+)", about, re.M)) << 10)


# -- registries --------------------------------------------------------------------------------------------


def basic():
    return base64.b64encode(":".join(USER).encode()).decode()


def certificate():
    """An authority of our own, which is the registries' certificate as well."""
    os.makedirs(CERTS)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=interop",
                    "-addext", "subjectAltName=IP:" + ADDRESS, "-keyout", RUN + "/key.pem", "-out", CA],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for kind, (host, tls, _) in REGISTRIES.items():
        folder = os.path.join(HOSTS, host)
        os.makedirs(folder)
        with open(folder + "/hosts.toml", "w", encoding="utf-8") as file:
            url = "%s://%s" % ("https" if tls else "http", host)
            file.write('server = "%s"\n[host."%s"]\n  capabilities = ["pull", "resolve"]\n' % (url, url))
            if tls:
                file.write('  ca = "%s"\n' % CA)
        if tls:
            os.makedirs(os.path.join(DOCKER_CERTS, host), exist_ok=True)
            shutil.copy(CA, os.path.join(DOCKER_CERTS, host, "ca.crt"))


def registry(program, kind):
    """Debian's docker-registry, with what is asked at its door."""
    host, tls, password = REGISTRIES[kind]
    config = os.path.join(ROOM, "registry-%s.yml" % kind)
    lines = ["version: 0.1", "log: {level: warn, accesslog: {disabled: true}}",
             "storage: {filesystem: {rootdirectory: %s/registry-%s}, delete: {enabled: true}}" % (ROOM, kind),
             "http:", "  addr: %s" % host, "  secret: interop"]
    if tls:
        lines += ["  tls: {certificate: %s, key: %s/key.pem}" % (CA, RUN)]
    if password:
        # Perl's crypt() is the C library's, and that has what the registry insists on.
        salt = "$2b$05$" + "abcdefghijklmnopqrstuu"
        secret = output("perl", "-e", "print crypt($ARGV[0], $ARGV[1])", USER[1], salt)
        with open(RUN + "/htpasswd", "w", encoding="utf-8") as file:
            file.write("%s:%s\n" % (USER[0], secret))
        lines += ["auth: {htpasswd: {realm: interop, path: %s/htpasswd}}" % RUN]
    with open(config, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    name = "registry-" + kind
    address, port = host.split(":")
    child = spawn(name, program, "serve", config)
    wait_for(name, child, lambda: quiet(sys.executable, "-c", "import socket,sys; socket.create_connection((sys.argv[1], "
                                        "int(sys.argv[2])))", address, port))


# -- engines -----------------------------------------------------------------------------------------------


CONTAINERD = {1: """version = 2
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{hosts}"
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "crun"
""", 2: """version = 3
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.cri.v1.images"]
  use_local_image_pull = {local}
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{hosts}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd]
  default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
"""}
RUNTIME = """[plugins."{table}".containerd.runtimes.{name}]
  runtime_type = "io.containerd.runc.v2"
  [plugins."{table}".containerd.runtimes.{name}.options]
    BinaryName = "{path}"
"""
TABLES = {1: "io.containerd.grpc.v1.cri", 2: "io.containerd.cri.v1.runtime"}
PAUSE = "localhost:5000/interop/pause:1"


class Containerd:
    """`local`: CRI pulls images itself, and does not ask the transfer service; of 1.x it always does."""

    def __init__(self, name, local, runtimes):
        self.name, self.socket = name, "%s/%s.sock" % (RUN, name)
        config = os.path.join(ROOM, name + ".toml")
        major = containerd_version()[0]
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONTAINERD[major].format(root="%s/%s" % (ROOM, name), state="%s/%s" % (RUN, name), hosts=HOSTS,
                                                socket=self.socket, pause=PAUSE, local=str(local).lower()))
            for runtime, path in runtimes.items():
                file.write(RUNTIME.format(table=TABLES[major], name=runtime, path=path))
        child = spawn("containerd-" + name, "containerd", "--log-level", "debug", "--config", config)
        wait_for("containerd-" + name, child, lambda: quiet("ctr", "-a", self.socket, "version"))

    def transfers(self):
        """Whether CRI asked the transfer service, as its log says."""
        with open(os.path.join(ROOM, "containerd-%s.log" % self.name), encoding="utf-8", errors="replace") as log:
            return "using transfer service" in log.read()


class Docker:
    """A dockerd over a containerd of ours; `store`: containerd keeps its images, and not a graph driver."""

    def __init__(self, name, containerd, store, runtimes):
        self.socket = "%s/%s.sock" % (RUN, name)
        config = os.path.join(ROOM, name + ".json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"features": {"containerd-snapshotter": store},
                       "runtimes": {runtime: {"path": path} for runtime, path in runtimes.items()}}, file)
        child = spawn(name, "dockerd", "--config-file", config, "--data-root", "%s/%s" % (ROOM, name), "--exec-root",
                      "%s/%s" % (RUN, name), "-H", "unix://" + self.socket, "--pidfile", "%s/%s.pid" % (RUN, name),
                      "--containerd", containerd.socket, "--containerd-namespace", name,
                      "--containerd-plugins-namespace", name + "-plugins", "--bridge", "none", "--iptables=false",
                      "--ip6tables=false")
        wait_for(name, child, lambda: quiet("docker", "-H", "unix://" + self.socket, "version"))


# -- the whole ---------------------------------------------------------------------------------------------


def clear(folder):
    """Mounts first, the deepest one before."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        places = [line.split()[1] for line in file]
    for place in reversed(places):
        if place.startswith(folder + "/"):
            quiet("umount", "-l", place)
    shutil.rmtree(folder, ignore_errors=True)


def remove():
    """What an earlier run left, or this one."""
    clear(ROOM)
    clear(RUN)
    for host in (ADDRESS + ":5443", ADDRESS + ":5444"):
        shutil.rmtree(os.path.join(DOCKER_CERTS, host), ignore_errors=True)


def begin():
    remove()
    os.makedirs(ROOM)
    os.makedirs(RUN)
    quiet("ip", "address", "add", ADDRESS + "/32", "dev", "lo")
    certificate()


def end(logs):
    """Last come, first gone; whoever does not go is made to. What they said is kept."""
    for child in reversed(children):
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    quiet("ip", "address", "del", ADDRESS + "/32", "dev", "lo")
    shutil.rmtree(logs, ignore_errors=True)
    os.makedirs(logs)
    for name in os.listdir(ROOM):
        if name.endswith(".log"):
            shutil.copy(os.path.join(ROOM, name), logs)
    remove()
