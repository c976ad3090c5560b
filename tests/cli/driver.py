"""Runs command lines as a user would."""

import functools
import json
import os
import subprocess
import sys

from tests.conftest import ROOT

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
}

# Several command lines in one process, each such process a fork of one that has imported what they
# may import, which costs seconds of CPU. JAX itself starts in the fork, when it is first used.
# Where forks are not safe, the process itself answers, and ends.
# None of them needs a network: asking for one fails, as on a machine without.
SERVER = """
import contextlib, importlib, io, json, os, pkgutil, socket, sys, traceback
def offline(*_, **__):
    raise OSError("a command asked for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = offline
import hawkesjax
from hawkesjax.cli import main
forks = sys.platform == "linux"
for module in pkgutil.walk_packages(hawkesjax.__path__, "hawkesjax.") if forks else ():
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
def results(folder, lines):
    os.chdir(folder)
    for line in lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(line)
            except SystemExit as end:
                code = end.code
            except Exception:
                code, _ = "crashed", traceback.print_exc(file=err)
        yield code, out.getvalue(), err.getvalue()
for request in iter(sys.stdin.readline, ""):
    child = os.fork() if forks else 0
    if not child:
        answer = json.dumps(list(results(*json.loads(request))))
        print("\\n<<<" + answer, file=sys.__stdout__, flush=True)
        os._exit(0)
    print("\\n>>>", os.waitpid(child, 0)[1], flush=True)
"""


@functools.cache
def _server():
    return subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )


def run(lines, folder):
    """(exit code, stdout, stderr) of each command line, in one process."""
    server = _server()
    server.stdin.write(json.dumps([str(folder), [[str(part) for part in line] for line in lines]]))
    server.stdin.write("\n")
    server.stdin.flush()
    answer = None
    for line in server.stdout:
        if line.startswith("<<<"):
            answer = json.loads(line[3:])
        if line.startswith(">>>"):
            break
    else:  # the process itself has answered
        _server.cache_clear()
    assert answer is not None, "the process ended without an answer; see above"
    return answer


def run_named(lines, folder):
    """The same by the name of each line."""
    return dict(zip(lines, run(list(lines.values()), folder), strict=True))


def names_in(folder):
    """Names of the files in a folder."""
    return {path.name for path in folder.iterdir()}
