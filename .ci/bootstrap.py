"""Set up a virtual environment from nothing but Python: the locked requirements and the package.

Run by the Makefile: ``python .ci/bootstrap.py .venv``; ``--lock`` resolves the lock again.
The lock is installed with its hashes checked, by uv where it is installed or can be (into a small
environment of its own, ``.uv``), else by pip. uv does not read pip's configuration, so the index,
extra indexes, links and certificate that pip is configured with are handed on.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (run before anything is set up)
    found = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        "hawkesjax needs Python 3.11 or newer; this is " + found + " (" + sys.executable + ")."
    )

import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.9"
# pip's setting -> uv's variable, and how uv separates several values.
SETTINGS = {
    "index_url": ("UV_DEFAULT_INDEX", " "),
    "extra_index_url": ("UV_INDEX", " "),
    "find_links": ("UV_FIND_LINKS", ","),
    "trusted_host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}


def python_of(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv(venv: Path) -> Path:
    """Make the environment unless a working one is there; returns its Python."""
    python = python_of(venv)
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    if python.exists() and subprocess.run([python, "-c", check], check=False).returncode == 0:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    return python


def pip_settings() -> dict[str, str]:
    """What pip is configured with: files first, then the environment, which wins."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        key = key.replace("-", "_")
        if section in ("global", "install", ":env:") and key in SETTINGS:
            found[key] = " ".join(shlex.split(value))
    for key in SETTINGS:
        value = os.environ.get("PIP_" + key.upper())
        if value:
            found[key] = value
    return {key: " ".join(value.replace("\\n", " ").split()) for key, value in found.items()}


def uv_environment() -> dict[str, str]:
    """This process's environment with pip's settings under uv's names; uv's own win."""
    environment = dict(os.environ)
    environment.setdefault("UV_SYSTEM_CERTS", "1")
    environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
    # As pip does: all indexes are equal. Every package's hash is checked.
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    for key, value in pip_settings().items():
        name, separator = SETTINGS[key]
        environment.setdefault(name, value.replace(" ", separator))
    return environment


def find_uv() -> str | None:
    """uv on the path, else in an environment of its own, else None."""
    found = shutil.which("uv")
    if found:
        return found
    venv = ROOT / ".uv"
    uv = venv / ("Scripts/uv.exe" if os.name == "nt" else "bin/uv")
    if uv.exists():
        return str(uv)
    try:
        python = make_venv(venv)
        subprocess.run([python, *PIP, "--only-binary=:all:", f"uv=={UV_VERSION}"], check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(uv)


PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
LOCK = ("--require-hashes", "-r", str(ROOT / "requirements.lock"))
PACKAGE = ("--no-deps", "--no-build-isolation", "-e", str(ROOT))


def install(python: Path) -> None:
    """The lock, then the package itself, by uv or else by pip."""
    uv = find_uv()
    if uv:
        environment = uv_environment()
        command = [uv, "--no-config", "pip", "install", "--quiet", "--python", str(python)]
        done = all(
            subprocess.run([*command, *what], env=environment, check=False).returncode == 0
            for what in (LOCK, PACKAGE)
        )
        if done:
            return
    print("uv could not install; using pip, which takes about a minute.", flush=True)
    for what in (LOCK, PACKAGE):
        subprocess.run([python, *PIP, *what], check=True)


def lock(arguments: list[str]) -> None:
    """Resolve requirements.lock again; `--upgrade` moves to the newest versions.

    From the one main index: a folder of wheels for this machine would leave the hashes of all
    other machines' wheels out of the lock.
    """
    uv = find_uv()
    if uv is None:
        sys.exit("Locking needs uv, and it could not be installed.")
    options = "--universal --generate-hashes --no-annotate --no-header --group dev --group docs"
    files = ("pyproject.toml", "-o", "requirements.lock")
    command = [uv, "--no-config", "pip", "compile", "--quiet", *options.split(), *files, *arguments]
    environment = uv_environment()
    for name in ("UV_INDEX", "UV_FIND_LINKS"):
        environment.pop(name, None)
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] not in ([], ["--help"]):
        try:
            if arguments[0] == "--lock":
                return lock(arguments[1:])
            print(f"Setting up {arguments[0]} (once; about a minute)", flush=True)
            return install(make_venv(Path(arguments[0]).absolute()))
        except subprocess.CalledProcessError as error:
            sys.exit(f"{shlex.join(map(str, error.cmd))} ended with {error.returncode}.")
    sys.exit("usage: python .ci/bootstrap.py FOLDER | --lock [--upgrade]")


main(sys.argv[1:])
