"""A thread for exchanges that can be aborted wherever they hang, together with their socket.

Timeouts of single reads do not bound an exchange: name resolution, handshakes, and headers that
arrive a byte at a time restart them again and again. So the caller waits for the thread, and at
the deadline it shuts down the thread's socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class AbortableTask:
    """Work for a DeadlineThread.

    Args:
        work: the function to run; it passes each of its sockets to track().
        deadline: by ``time.monotonic()``; bounds connecting.

    Attributes:
        done: set when the work ended, however it ended.
        error: what the work raised, or None.
    """

    def __init__(self, work: Callable[[], None], deadline: float) -> None:
        self.done = threading.Event()
        self.error: BaseException | None = None
        self.deadline = deadline
        self._work = work
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._aborted = False

    def run(self) -> None:
        """Do the work. Raises nothing."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the caller raises it in its own thread
            self.error = error
        finally:
            self._keep(None)
            self.done.set()

    def track(self, sock: Any) -> None:
        """Shut this socket down when the task is aborted.

        A duplicate is kept, because the layers above wrap their socket (TLS), or close it before
        its last byte is read.

        Raises:
            ConnectionAbortedError: the task was aborted already.
        """
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        if not self._keep(duplicate):
            duplicate.close()
            raise ConnectionAbortedError("the exchange was aborted")

    def abort(self) -> None:
        """End the read or handshake that hangs on the socket, and with it the task."""
        with self._lock:
            self._aborted = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # it is not connected any more
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _keep(self, sock: socket.socket | None) -> bool:
        with self._lock:
            if sock is not None and self._aborted:
                return False
            previous, self._socket = self._socket, sock
        if previous is not None:
            previous.close()
        return True


class DeadlineThread(threading.Thread):
    """Runs tasks one after the other. A daemon, so that a hanging task keeps no process alive.

    It is kept from one exchange to the next, so that polls go on where the machine cannot start
    another thread. One that may hang in an aborted task is closed and replaced.

    Attributes:
        task: the running one.
    """

    def __init__(self) -> None:
        super().__init__(name="gong-exchange", daemon=True)
        self.task: AbortableTask | None = None
        self._tasks: SimpleQueue[AbortableTask | None] = SimpleQueue()
        self.start()

    def submit(self, task: AbortableTask) -> None:
        """Run the task after those before it."""
        self._tasks.put(task)

    def close(self) -> None:
        """End the thread after the tasks that it has."""
        self._tasks.put(None)

    def run(self) -> None:
        """See Thread."""
        while (task := self._tasks.get()) is not None:
            self.task = task
            task.run()
            self.task = task = None  # frees the response while the thread waits for the next one


def current_task() -> AbortableTask:
    """Return the task that the calling thread runs, which is a DeadlineThread."""
    thread = threading.current_thread()
    if not isinstance(thread, DeadlineThread) or thread.task is None:
        raise RuntimeError("only a DeadlineThread can use this session")
    return thread.task
