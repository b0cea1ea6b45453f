"""Where PostgreSQL's data, socket and programs lie, so that the user it runs as can reach them."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dev.processes import group_of, wait_until

OS_USER = "product_importer_pg"
SOCKET = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero byte included.
LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True)
class ServerUser:
    """The user that PostgreSQL runs as: `number` is None when that is the user we already are."""

    number: int | None = None

    @classmethod
    def current(cls) -> "ServerUser":
        """Ourselves, or for root an ordinary user, made at the first call."""
        if os.geteuid() != 0:
            return cls()
        if not exists(OS_USER) and shutil.which("useradd"):
            options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
            subprocess.run(["useradd", *options, OS_USER], check=False, capture_output=True)
            # A useradd of another process at the same moment holds the lock on /etc/passwd.
            wait_until(lambda: exists(OS_USER), seconds=2)
        return cls(number=pwd.getpwnam(OS_USER if exists(OS_USER) else "nobody").pw_uid)

    def make_directory(self, path: Path) -> None:
        """Make `path`, if it is missing, for this user alone."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.number is not None:
            os.chown(path, self.number, group_of(self.number))

    def can_enter(self, path: Path) -> bool:
        """Whether every folder down to `path` lets this user through."""
        if self.number is None:
            return True
        return all(
            folder.stat().st_mode & stat.S_IXOTH or folder.stat().st_uid == self.number
            for folder in (path, *path.parents)
            if folder.exists()
        )


def exists(user: str) -> bool:
    """Whether the machine knows a user of this name."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def place_for_data(directory: Path, *, user: ServerUser) -> Path:
    """The data directory: `directory`/data, or for root in a private folder a link to one outside.

    The link is the proof that the outside directory belongs to what is here: without it (someone
    removed `directory`) the one outside is old and is removed too.
    """
    data = directory / "data"
    if user.can_enter(directory):
        return data
    outside = outside_folder(directory) / "data"
    if not data.is_symlink() or data.readlink() != outside:
        remove_tree(outside)
        data.unlink(missing_ok=True)
        data.symlink_to(outside)
    return outside


def place_for_sockets(directory: Path, *, user: ServerUser) -> Path:
    """A folder for the socket that the server may enter and whose path is short enough."""
    place = directory / "socket"
    too_long = len(os.fsencode(place / SOCKET)) > LONGEST_SOCKET_PATH
    if too_long or not user.can_enter(directory):
        place = outside_folder(directory) / "socket"
    user.make_directory(place)
    return place


def reachable_binaries(folder: Path, *, user: ServerUser) -> Path:
    """`folder` itself, or a copy of the installation where the server's user can read it."""
    if user.can_enter(folder) and (folder / "postgres").stat().st_mode & stat.S_IXOTH:
        return folder
    package = folder.parent.parent
    copy = outside_folder(package)
    if not (copy / "complete").exists():
        for source in (package, package.with_name(package.name + ".libs")):
            if source.exists():
                shutil.copytree(source, copy / source.name, dirs_exist_ok=True, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        for program in (copy / package.name / "pginstall" / "bin").iterdir():
            program.chmod(0o755)
        (copy / "complete").touch()
    return copy / package.name / folder.relative_to(package)


def outside_folder(directory: Path) -> Path:
    """A short folder under the temporary one, ours alone to write in, one a `directory`."""
    name = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]
    candidates = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108
    for base in candidates:
        folder = base / f"product-importer-{os.geteuid()}-{name}"
        if len(os.fsencode(folder / "socket" / SOCKET)) <= LONGEST_SOCKET_PATH:
            break
    if not folder.exists():
        folder.mkdir(mode=0o700)
        folder.chmod(0o711)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        message = f"{folder} is not ours alone to write in: remove it"
        raise PermissionError(message)
    return folder


def remove_outside(directory: Path) -> None:
    """Remove what was put outside on behalf of `directory`."""
    remove_tree(outside_folder(directory))


def remove_tree(path: Path) -> None:
    """Remove a directory tree, if it is there."""
    if path.exists():
        shutil.rmtree(path)
