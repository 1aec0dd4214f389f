"""What children have of the signals: whoever starts them must be able to end them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

HELD = """\
import contextlib, multiprocessing, os, signal, subprocess, threading, time
from tuner.runtime.signals import free_forked_children, interruptible, leave_to_the_driver

def square(value):
    return value * value

def pooled():
    with multiprocessing.Pool(2) as pool:
        assert sum(pool.map(square, range(4))) == 14

def ended(number):
    child = multiprocessing.Process(target=time.sleep, args=(60,))
    child.start()
    os.kill(child.pid, number)
    child.join()
    return child.exitcode

def executed(number):
    child = subprocess.Popen(["sleep", "60"])
    child.send_signal(number)
    return child.wait()

"""
DRIVER = "with interruptible(lambda number: None):\n    "
WORKER = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\nleave_to_the_driver()\n"
ACTOR = "signal.signal(signal.SIGTERM, lambda *_: None)\nfree_forked_children()\n"


def held(text: str, seconds: float = 60) -> str:
    """What a process says that has the signals as one of the three has them."""
    done = subprocess.run(
        [sys.executable, "-c", HELD + text], env=environment(), capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", [DRIVER, WORKER, ACTOR], ids=["driver", "worker", "actor"])
def test_pools_end_however_often(first: str) -> None:
    held(f"{first}[pooled() for _ in range(50)]")  # with handlers of Python alone, one in some dozens hung


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("first", [DRIVER, WORKER], ids=["driver", "worker"])
def test_a_child_ends_by_the_signal_that_it_is_sent(first: str, number: str) -> None:
    said = held(f"{first}print(ended(signal.{number}), executed(signal.{number}), signal.{number}.value)")

    forked, executed, sent = map(int, said.split())
    assert (forked, executed) == (-sent, -sent)


def test_a_child_that_another_thread_forks_ends_too() -> None:
    said = held(f"{WORKER}t = threading.Thread(target=lambda: print(ended(signal.SIGTERM)))\nt.start()\nt.join()")

    assert said == "-15\n"


def test_handlers_of_user_code_are_the_childrens_too() -> None:
    said = held(
        f"{WORKER}signal.signal(signal.SIGTERM, lambda *_: os._exit(5))\nprint(ended(signal.SIGTERM), flush=True)"
    )

    assert said == "5\n"


def test_a_process_itself_goes_on_whatever_a_terminal_sends() -> None:
    said = held(
        f"{WORKER}[os.kill(os.getpid(), number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]\n"
        "time.sleep(0.1)\nprint('here')"
    )

    assert said == "here\n"


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    said = held(
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        f"{DRIVER}os.kill(os.getpid(), signal.SIGHUP); print(signal.getsignal(signal.SIGHUP).name)"
    )

    assert said == "SIG_IGN\n"


def test_this_process_has_its_handlers_and_its_mask_after_a_fork() -> None:
    said = held(
        f"{DRIVER}before = signal.getsignal(signal.SIGTERM), signal.pthread_sigmask(signal.SIG_BLOCK, ()); "
        "ended(signal.SIGTERM); "
        "print(before == (signal.getsignal(signal.SIGTERM), signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
    )

    assert said == "True\n"
