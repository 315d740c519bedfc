#!/usr/bin/env python3
"""A drive that can be made to hang: a folder that a process passes through by FUSE, and that process can be stopped.

Whatever asks such a drive for anything that the kernel does not have in memory waits until it goes on, and no signal but
SIGKILL ends that. It has no holes and takes no direct writes, as file systems of other machines often do not.

    tests/crash/hanging.py FOLDER MOUNT
"""

import ctypes.util
import os
import pathlib
import signal
import subprocess
import sys
import time

MOUNTED_SECONDS_MAX = 20


def why_not():
    """Why there can be no such drive here; None if there can."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "mounting a file system needs root and /dev/fuse"
    if ctypes.util.find_library("fuse") is None:
        return "libfuse 2 is missing: apt install libfuse2"
    return None


class HangingDrive:
    """A drive at folder/name, mounted while this is entered."""

    def __init__(self, folder, name):
        self.place, behind = folder / name, folder / f".{name}"
        self.place.mkdir()
        behind.mkdir()
        self.passing = subprocess.Popen([sys.executable, __file__, behind, self.place], stdin=subprocess.DEVNULL)
        limit = time.monotonic() + MOUNTED_SECONDS_MAX
        while not self.place.is_mount():
            assert self.passing.poll() is None and time.monotonic() < limit, f"{self.place} is not mounted"
            time.sleep(0.05)

    def hang(self):
        self.passing.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.passing.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on()
        subprocess.run(["umount", "-l", self.place], check=True)
        self.passing.kill()
        self.passing.wait()


def pass_through(behind, place):
    import fuse

    class PassThrough(fuse.Operations):
        def behind(self, path):
            return behind + path

        def getattr(self, path, file=None):
            found = os.lstat(self.behind(path)) if file is None else os.fstat(file)
            return {name: getattr(found, name) for name in dir(found) if name.startswith("st_") and "_ns" not in name}

        def readdir(self, path, _):
            return [".", "..", *os.listdir(self.behind(path))]

        def statfs(self, path):
            found = os.statvfs(self.behind(path))
            return {name: getattr(found, name) for name in dir(found) if name.startswith("f_") and name != "f_fsid"}

        def mkdir(self, path, mode):
            os.mkdir(self.behind(path), mode)

        def rmdir(self, path):
            os.rmdir(self.behind(path))

        def unlink(self, path):
            os.unlink(self.behind(path))

        def rename(self, path, to):
            os.rename(self.behind(path), self.behind(to))

        def chmod(self, path, mode):
            os.chmod(self.behind(path), mode)

        def utimens(self, path, times=None):
            os.utime(self.behind(path), times)

        def create(self, path, mode, _=None):
            return os.open(self.behind(path), os.O_RDWR | os.O_CREAT, mode)

        def open(self, path, flags):
            return os.open(self.behind(path), flags & ~(os.O_DIRECT | os.O_APPEND))

        def read(self, _, length, offset, file):
            return os.pread(file, length, offset)

        def write(self, _, content, offset, file):
            return os.pwrite(file, content, offset)

        def truncate(self, path, length, file=None):
            os.truncate(self.behind(path) if file is None else file, length)

        def fsync(self, _, only_data, file):
            (os.fdatasync if only_data else os.fsync)(file)

        def fsyncdir(self, path, _, __):
            folder = os.open(self.behind(path), os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

        def release(self, _, file):
            os.close(file)

    fuse.FUSE(PassThrough(), place, foreground=True, big_writes=True)


if __name__ == "__main__":
    pass_through(*(str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:]))
