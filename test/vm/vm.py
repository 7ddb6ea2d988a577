#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vm.py [OPTION...] [COMMAND...]: run a command on a kernel that has cgroup v2 and nothing else.

A virtual machine is started with a kernel of Debian's, our /usr (read-only), this checkout (read-only) and a file system
in memory for all else; COMMAND runs in it as root, in the folder of the checkout, with our standard streams; its exit code
is ours. Without COMMAND that is test/vm/all.sh. The processor is emulated: good for behaviour, useless for time.

  --build DIR     the build to test, below the checkout (default: build), as $BUILD
  --suite NAME    take the kernel from that Debian release, trixie say, and not from this machine's own
  --systemd       with systemd as the first process, in a root file system that debootstrap makes
  --time-limit N  seconds (default: 3600)
  --cpus N        (default: 2)

Takes the Debian packages qemu-system-x86, busybox-static and, for --systemd, debootstrap, which takes root. The kernel
is downloaded by apt from the mirror that this machine is set up with, once, and only unpacked. What is kept lies in
DIR/vm; the kernel's own messages are in DIR/vm/console.log.
"""

import argparse
import gzip
import lzma
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BUSYBOX = "/bin/busybox"
MODULES = ["virtio_pci", "virtio_blk", "9p", "9pnet_virtio", "overlay", "dummy", "veth", "ext4"]
LATER = ["bfq"]  # what a test loads, from /vm/later
PACKAGES = ["systemd", "systemd-sysv", "dbus", "python3-minimal", "python3", "util-linux", "procps"]
SIZES = {"disk": 64 << 20, "swap": 256 << 20}
KEPT = ["ld.so.cache", "alternatives"]  # of /etc; all else there is made
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n",
    "shadow": "root:*:20000:0:99999:7:::\n",
    "subuid": "user:100000:65536\n",
    "subgid": "user:100000:65536\n",
    "hosts": "127.0.0.1 localhost\n",
    "hostname": "vm\n",
}


def fail(text):
    print("vm: " + text, file=sys.stderr)
    sys.exit(1)


def run(*command, **more):
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        fail("%s:\n%s" % (" ".join(command), done.stdout))
    return done.stdout


# -- what apt has ------------------------------------------------------------------------------------------


def mirror():
    """Where this machine takes Debian's main archive from, and its release."""
    rows = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)",
               "Identifier: Packages")
    for row in rows.splitlines():
        words = row.split()
        if words[2:] == ["Debian", "main"] and "-" not in words[1]:
            return words[0], words[1]
    return fail("apt has no index of Debian's main archive: apt-get update makes it")


def apt_options(folder, suite):
    """For a release that is not this machine's: lists and cache of our own."""
    if suite is None:
        return []
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    sources = os.path.join(folder, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        file.write("deb [signed-by=%s] %s %s main\n" % (KEYRING, mirror()[0], suite))
    options = ["-o", "Dir::Etc::SourceList=" + sources, "-o", "Dir::Etc::SourceParts=-", "-o",
               "Dir::State::Lists=" + os.path.join(folder, "lists"), "-o", "Dir::Cache=" + os.path.join(folder, "cache")]
    run("apt-get", *options, "update")
    return options


def kernel(folder, suite):
    """A folder with boot/vmlinuz-* and lib/modules/* in it."""
    unpacked = os.path.join(folder, "kernel")
    if os.path.exists(unpacked):
        return unpacked
    os.makedirs(folder, exist_ok=True)
    options = apt_options(folder, suite)
    depends = run("apt-cache", *options, "depends", "linux-image-amd64")
    package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
    print("vm: taking " + package, file=sys.stderr)
    run("apt-get", *options, "-o", "APT::Sandbox::User=", "download", package, cwd=folder)
    half = unpacked + ".half"
    shutil.rmtree(half, ignore_errors=True)
    for name in os.listdir(folder):
        if name.startswith(package) and name.endswith(".deb"):
            run("dpkg-deb", "-x", os.path.join(folder, name), half)
            os.unlink(os.path.join(folder, name))
    for name in ("lists", "cache"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    os.rename(half, unpacked)
    return unpacked


def system(folder, suite):
    """A root file system with systemd in it."""
    place = os.path.join(folder, "root")
    if os.path.exists(place):
        return place
    url, own = mirror()
    print("vm: making a root file system with systemd", file=sys.stderr)
    half = place + ".half"
    shutil.rmtree(half, ignore_errors=True)
    run("debootstrap", "--variant=minbase", "--keyring=" + KEYRING, "--include=" + ",".join(PACKAGES), suite or own,
        half, url)
    shutil.rmtree(os.path.join(half, "var/cache/apt"), ignore_errors=True)
    os.rename(half, place)
    return place


# -- what is loaded first ----------------------------------------------------------------------------------


def module_content(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def modules(folder, wanted):
    """[(name, content)]: those wanted and what they need, in an order in which they can be loaded."""
    paths = {}
    for where, _, names in os.walk(folder):
        for name in names:
            if re.search(r"\.ko(\.xz)?$", name):
                paths[name.split(".")[0].replace("-", "_")] = os.path.join(where, name)
    found = {}

    def add(name):
        if name in found or name not in paths:  # not there: part of the kernel
            return
        content = module_content(paths[name])
        for needed in re.search(rb"\0depends=([^\0]*)\0", content).group(1).decode().split(","):
            add(needed.replace("-", "_"))
        if b"\0softdep=pre: crc32c\0" in content:
            add("crc32c_generic")
        found[name] = content

    for name in wanted:
        add(name)
    return list(found.items())


def cpio_entry(number, name, mode, data):
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


class Archive:
    """The cpio archive with the first root file system."""

    def __init__(self):
        self.parts = []

    def add(self, name, mode, data=b""):
        self.parts.append(cpio_entry(len(self.parts) + 1, name, mode, data))

    def folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.add(name, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def copy(self, path, name):
        if os.path.islink(path):
            self.add(name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
        elif os.path.isdir(path):
            self.folder(name)
            for entry in sorted(os.listdir(path)):
                self.copy(os.path.join(path, entry), name + "/" + entry)
        elif os.path.exists(path):
            with open(path, "rb") as file:
                self.file(name, file.read(), os.stat(path).st_mode & 0o777)

    def write(self, path):
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(b"".join(self.parts) + cpio_entry(0, "TRAILER!!!", 0, b""))


def first_root(path, unpacked, options):
    archive = Archive()
    for name in ("bin", "dev", "proc", "sys", "root", "vm", "vm/modules", "vm/later", "vm/etc"):
        archive.folder(name)
    archive.copy(BUSYBOX, "bin/busybox")
    for name in ("init", "second"):
        archive.copy(os.path.join(HERE, name), name if name == "init" else "vm/" + name)
    for number, (name, content) in enumerate(modules(unpacked, MODULES)):
        archive.file("vm/modules/%03d-%s.ko" % (number, name), content)
    for name, content in modules(unpacked, LATER):
        archive.file("vm/later/%s.ko" % name, content)
    for name, text in ETC.items():
        archive.file("vm/etc/" + name, text, 0o600 if name == "shadow" else 0o644)
    for name in KEPT:
        archive.copy("/etc/" + name, "vm/etc/" + name)
    command = options.command or [os.path.join(HERE, "all.sh")]
    settings = {"TREE": ROOT, "BUILD": os.path.abspath(options.build),
                "SKIFF_KIT": os.path.join(os.path.abspath(options.build), "vm", "kit.wasm"),
                "SYSTEMD": "1" if options.systemd else ""}
    archive.file("vm/settings", "".join("%s=%s\n" % (key, shlex.quote(value)) for key, value in settings.items()))
    archive.file("vm/command", "#!/bin/sh\nexec %s\n" % " ".join(map(shlex.quote, command)), 0o755)
    archive.write(path)


# -- running -----------------------------------------------------------------------------------------------


def machine(folder, unpacked, shared, options):
    boot = os.path.join(unpacked, "boot")
    image = os.path.join(boot, next(name for name in os.listdir(boot) if name.startswith("vmlinuz-")))
    arguments = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg",
                 "-cpu", "max", "-smp", str(options.cpus), "-m", "2048", "-kernel", image,
                 "-initrd", os.path.join(folder, "initrd"), "-append",
                 "console=ttyS0 quiet panic=-1 mitigations=off hugepages=8 cgroup_no_v1=all",
                 "-serial", "file:" + os.path.join(folder, "console.log"), "-serial", "stdio"]
    for name, path in (("root", shared), ("tree", ROOT)):
        arguments += ["-fsdev", "local,id=%s,path=%s,security_model=none,readonly=on,multidevs=remap" % (name, path),
                      "-device", "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (name, name)]
    for name, size in SIZES.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.truncate(size)
        arguments += ["-drive", "file=%s,format=raw,if=virtio,cache=unsafe" % path]
    return arguments


def compile_kit(folder):
    """The guest of test/cage: a compiler takes long inside, and is not there beside systemd."""
    source = os.path.join(ROOT, "test", "cage", "guest", "kit.c")
    run("clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-o", os.path.join(folder, "kit.wasm"), source)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--suite")
    parser.add_argument("--systemd", action="store_true")
    parser.add_argument("--time-limit", type=int, default=3600)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    missing = [package for package, proof in (("qemu-system-x86", "qemu-system-x86_64"), ("busybox-static", BUSYBOX)) +
               ((("debootstrap", "debootstrap"),) if options.systemd else ()) if shutil.which(proof) is None]
    if missing:
        fail("missing: apt-get install --no-install-recommends " + " ".join(missing))
    folder = os.path.join(os.path.abspath(options.build), "vm")
    kept = os.path.join(folder, options.suite or "own")
    unpacked = kernel(kept, options.suite)
    shared = system(kept, options.suite) if options.systemd else "/usr"
    compile_kit(folder)
    first_root(os.path.join(folder, "initrd"), unpacked, options)
    try:
        subprocess.run(machine(folder, unpacked, shared, options), check=False, timeout=options.time_limit)
    except subprocess.TimeoutExpired:
        fail("no end after %d s" % options.time_limit)
    with open(os.path.join(folder, "console.log"), encoding="utf-8", errors="replace") as file:
        code = re.search(r"^vm: exit (\d+)\r?$", file.read(), re.M)
    if code is None:
        fail("the machine stopped without a result: " + os.path.join(folder, "console.log"))
    return int(code.group(1))


if __name__ == "__main__":
    sys.exit(main())
