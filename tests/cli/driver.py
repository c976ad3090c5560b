"""Runs command lines as a user would."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
}

# Several command lines in one process: starting one costs seconds.
# None of them needs a network: asking for one fails, as on a machine without.
DRIVER = """
import contextlib, io, json, socket, sys, traceback
def offline(*_, **__):
    raise OSError("a command asked for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = offline
from hawkesjax.cli import main
results = []
for line in json.loads(sys.stdin.read()):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(line)
        except SystemExit as end:
            code = end.code
        except Exception:
            code, _ = "crashed", traceback.print_exc(file=err)
    results.append([code, out.getvalue(), err.getvalue()])
sys.__stdout__.write("\\n<<<" + json.dumps(results))
"""


def run(lines, folder):
    """(exit code, stdout, stderr) of each command line, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([[str(part) for part in line] for line in lines]),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert "<<<" in done.stdout, done.stderr
    return json.loads(done.stdout.split("<<<")[1])


def run_named(lines, folder):
    """The same by the name of each line."""
    return dict(zip(lines, run(list(lines.values()), folder), strict=True))


def names_in(folder):
    """Names of the files in a folder."""
    return {path.name for path in folder.iterdir()}
