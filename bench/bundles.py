# SPDX-License-Identifier: Apache-2.0
"""bundles.py: OCI bundles for cage: equal but for their program, small or with all that Docker's have."""

import copy
import json
import os
import shutil

import common

DOCKER = os.path.join(common.ROOT, "test", "oci", "docker-28.json")
FULL_MOUNTS = 20

NAMESPACES = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
WASM = {"module.wasm.image/variant": "compat-smart"}  # how crun knows


def small():
    """What `crun spec` writes, nearly."""
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "cwd": "/",
            "capabilities": {key: CAPABILITIES for key in ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], "noNewPrivileges": True},
        "root": {"readonly": True},
        "hostname": "cage",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}],
        "linux": {"resources": {"memory": {"limit": 256 << 20}, "pids": {"limit": 64}}, "namespaces": NAMESPACES}}


def full(folder):
    """Docker's, its binds made real, and binds of directories until there are as many mounts as a large service has."""
    with open(DOCKER, encoding="utf-8") as file:
        config = json.load(file)
    config["linux"].pop("cgroupsPath")
    config["linux"]["resources"].update({"memory": {"limit": 256 << 20}, "pids": {"limit": 64}})
    sources = os.path.join(folder, "sources")
    os.makedirs(sources, exist_ok=True)
    for mount in config["mounts"]:
        if mount["type"] == "bind":
            mount["source"] = os.path.join(sources, os.path.basename(mount["destination"]))
            with open(mount["source"], "w", encoding="utf-8") as file:
                file.write("127.0.0.1 localhost\n")
    for i in range(FULL_MOUNTS - len(config["mounts"])):
        source = os.path.join(sources, f"volume-{i}")
        os.makedirs(source, exist_ok=True)
        config["mounts"].append({"destination": f"/volumes/{i}", "type": "bind", "source": source,
                                 "options": ["rbind", "rprivate"] + ["ro"] * (i % 2)})
    return config


def write(folder, name, program, config, annotations=None):
    """A bundle's path. The root file system has the program, and the places where crun puts its mounts."""
    top = os.path.join(folder, name)
    for place in ("dev", "proc", "sys", "tmp", "etc", "volumes"):
        os.makedirs(os.path.join(top, "rootfs", place))
    target = os.path.basename(program)
    shutil.copy(program, os.path.join(top, "rootfs", target))
    os.chmod(os.path.join(top, "rootfs", target), 0o755)
    text = copy.deepcopy(config)
    text["root"]["path"] = "rootfs"
    text["process"]["args"] = ["/" + target]
    text["annotations"] = annotations or {}
    with open(os.path.join(top, "config.json"), "w", encoding="utf-8") as file:
        json.dump(text, file)
    return top
