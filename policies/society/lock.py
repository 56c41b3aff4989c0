"""The lock of an output folder, so that one process at a time writes into it."""

import errno
import getpass
import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import write_whole

LOCK, HOLDER = ".lock", ".lock.json"
"""The file that is locked, and who holds the lock: no outputs of a run."""

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)

_logger = logging.getLogger(__name__)


@contextmanager
def locked(
    folder: Path, command: str = "", setting: str = "output_dir", *, patience: float = 0.0
) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it does not exist.

    The kernel releases the lock when the process dies, however it dies. A thread that holds the
    lock may take it again. A file system without locks is used without one, after a warning.

    Args:
        folder: The folder.
        command: What the process does, for the message to others; default: the program's name.
        setting: Name of the folder's setting, for error messages.
        patience: How long to wait for the lock, in seconds.

    Raises:
        UserError: Another process, or another thread, holds the lock; the message says who.
    """
    # Only now: this import takes as long as a small society.
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{setting}: cannot make {folder}: {error.strerror}") from error
    # Absolute, since the working folder may change while the lock is held.
    path = folder.resolve() / LOCK
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=patience, blocking=patience > 0)
    except Timeout as error:
        raise UserError(
            f"{setting}: {folder} is in use{_holder(path.with_name(HOLDER))}; wait for its end or "
            f"choose another {setting}"
        ) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _logger.warning("%s: %s cannot be locked: one process at a time only", setting, folder)
        yield
        return
    holder = path.with_name(HOLDER)
    is_outermost = lock.lock_counter == 1
    try:
        if is_outermost:
            _warn_of_other_host(folder, holder, setting)
            write_whole(holder, json.dumps(_this_process(command)) + "\n")
        yield
    finally:
        if is_outermost:
            holder.unlink(missing_ok=True)
        lock.release()


def _warn_of_other_host(folder: Path, holder: Path, setting: str) -> None:
    """Say what a lock cannot know: whether a file system shares locks between machines.

    A process that is killed leaves its name behind, and the kernel takes its lock. Of a process
    on another machine this one sees only the name.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        who = json.loads(holder.read_text(encoding="utf-8"))
        if who["host"] != socket.gethostname():
            _logger.warning(
                "%s: %s was in use by process %s on %s since %s, which did not say that it has "
                "ended; whether it lives cannot be known from here if the file system does not "
                "share locks",
                *(setting, folder, who["pid"], who["host"], who["since"]),
            )


def is_of_lock(path: Path) -> bool:
    """Return whether a file belongs to the lock, and is no output."""
    return path.name in (LOCK, HOLDER)


def _this_process(command: str) -> dict[str, str | int]:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        user = str(os.getuid())
    return {
        "user": user,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        # Without its arguments, which may hold keys.
        "command": " ".join(filter(None, (Path(sys.argv[0]).name or "python", command))),
        "since": datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    }


def _holder(path: Path) -> str:
    """Return who holds the lock, as words that follow `is in use`."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        who = json.loads(path.read_text(encoding="utf-8"))
        return (
            f" by {who['user']} on {who['host']} (process {who['pid']}: {who['command']}) since "
            f"{who['since']}"
        )
    return " by another process"
