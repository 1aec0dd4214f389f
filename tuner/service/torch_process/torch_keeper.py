"""The keeper: a process with all imports, which forks one for each task. It runs as a module, with FD."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import traceback
from typing import Any

from tuner.errors import TunerError
from tuner.service.torch_process.torch_side import REQUEST


def keep(server: socket.socket) -> None:
    """Fork a process for each socket that the server sends, until the server is gone."""
    from tuner.service.torch_process import torch_tasks

    torch_tasks.prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes
    while True:
        message, sockets, _, _ = socket.recv_fds(server, len(REQUEST), 1)
        if not message or not sockets:
            return
        if os.fork() == 0:
            server.close()
            _work(sockets[0])
        os.close(sockets[0])


def _work(number: int) -> None:
    """Do one task and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    code = 1
    try:
        with socket.socket(fileno=number) as given, given.makefile("rwb") as stream:
            stream.write(f"{os.getpid()}\n".encode())
            stream.flush()
            name, arguments = pickle.load(stream)
            pickle.dump(_outcome(name, arguments), stream)
            stream.flush()
        code = 0
    except BrokenPipeError:  # the request was given up
        pass
    finally:
        os._exit(code)


def _outcome(name: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    from tuner.service.torch_process import torch_tasks

    try:
        return True, torch_tasks.TASKS[name](*arguments)
    except TunerError as error:
        return False, error
    except Exception as error:  # a library or user code may raise anything
        traceback.print_exc()
        return False, TunerError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        keep(given)
