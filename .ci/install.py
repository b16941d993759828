"""Makes `.venv` from a hash-pinned lock: `python3 .ci/install.py default` or `... dev`.

Called by the Makefile before everything else. It does nothing when `.venv` already holds what the
lock asks for, so a second start needs no network. A stamp is written last: an install that failed
or was stopped leaves none, and the next call does it again.

Standard library only, and readable by an old Python, because the first thing it may have to say
is that the Python is too old.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = {"default": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
PACKAGES = ("bot", "agents", "channels", "tools", "scheduler")
OLDEST, TOO_NEW = (3, 11), (3, 15)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Runs the checkout that the environment lies in, from any folder. `-P` keeps the folder that the
# person stands in out of the import path: a file called agents.py there must not be ours.
LAUNCHER = """\
#!/bin/sh
root=$(readlink -f "$0")
root=${root%/.venv/bin/bot}
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$root/.venv/bin/python" -P -m bot "$@"
"""


class CannotInstall(Exception):
    """What is wrong and what to do, in one sentence."""


AXE = Path.home() / ".cache/switchboard/node_modules/axe-core/axe.min.js"
AXE_VERSION = "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def say(text):
    """One line of progress."""
    print(text, flush=True)


def is_fit(version):
    """Whether the house runs on this version."""
    return OLDEST <= tuple(version[:2]) < TOO_NEW


def require_fit_python():
    """Go on with this interpreter, or start over with a newer one when nobody named this one."""
    if is_fit(sys.version_info):
        return
    others = (shutil.which("python3.%d" % minor) for minor in (13, 12, 11, 14))
    # A name on the path need not run: version managers leave stand-ins for what is not chosen.
    other = next((each for each in others if each and minor_of(each)), None)
    if other and not os.environ.get("BOT_PYTHON"):
        os.execv(other, [other, *sys.argv])
    raise CannotInstall(
        "Switchboard needs Python 3.11 to 3.14, and %s is %s. Install a newer one and say which: "
        "make run BOT_PYTHON=/path/to/python3.12" % (sys.executable, sys.version.split()[0])
    )


def minor_of(python):
    """`3.11` for an interpreter; empty when it does not run."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.check_output([str(python), "-c", ask], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.decode().strip()


def fingerprint(shape):
    """What the stamp keeps of a lock."""
    return hashlib.sha256(LOCKS[shape].read_bytes()).hexdigest()


def read_stamp():
    """What is installed; empty when nothing is, or nothing that still runs."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    wanted = os.environ.get("BOT_PYTHON")
    here = minor_of(PYTHON)
    if here != stamp.get("python") or (wanted and minor_of(wanted) != here):
        return {}
    return stamp


def write_stamp(shape):
    """Record what is installed now, whole or not at all. The dev lock contains the default one."""
    shapes = LOCKS if shape == "dev" else (shape,)
    stamp = {"python": minor_of(PYTHON), **{each: fingerprint(each) for each in shapes}}
    half = STAMP.with_suffix(".new")
    half.write_text(json.dumps(stamp) + "\n")
    half.replace(STAMP)


def make_environment(python):
    """An empty `.venv` of this Python, unless one is there that will do."""
    if minor_of(PYTHON) == minor_of(python):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([python, "-m", "venv", "--without-pip", str(VENV)], check=True)


def check_pip(python):
    """Refuse early, with the remedy, where pip is missing or cannot serve another environment."""
    answer = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True)
    if answer.returncode:
        raise CannotInstall(
            "%s has no pip. Install it (Debian and Ubuntu: apt install python3-pip; "
            "elsewhere: python3 -m ensurepip) and run this again." % python
        )
    version = answer.stdout.split()[1].split(".")
    if (int(version[0]), int(version[1])) < (22, 3):
        raise CannotInstall(
            "pip %s is too old; 22.3 or newer is needed: %s -m pip install --upgrade pip"
            % (".".join(version), python)
        )


def install_packages(python, lock):
    """Install what the lock names and nothing else; every file is checked against its hash."""
    # fmt: off
    command = [
        python, "-m", "pip", "--python", str(PYTHON), "--no-input", "install", "--compile",
        "--require-hashes", "--only-binary", ":all:", "--progress-bar", "off",
        "--no-warn-script-location", "--disable-pip-version-check", "-r", str(lock),
    ]
    # fmt: on
    env = {**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    env.pop("PYTHONPATH", None)
    total = sum("==" in line for line in lock.read_text().splitlines())
    pip = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=str(ROOT)
    )
    last_words = watch(pip.stdout, total)
    if pip.wait():
        raise CannotInstall(
            "pip could not install the packages. It said:\n    %s\n"
            "The first install needs the network. Mend the cause and run the same command again."
            % "\n    ".join(last_words)
        )


def watch(lines, total):
    """Tell how far pip is, in a few lines. Returns its error, or else its last words."""
    last_words, error, seen, told = [], [], 0, 0
    for line in lines:
        last_words = [*last_words[-4:], line.rstrip()[:200]]
        if error or line.startswith("ERROR"):
            error = [*error, line.rstrip()[:200]][:12]
        elif line.startswith(("Collecting ", "Processing ", "Requirement already satisfied")):
            seen += 1
            if seen * 5 // total > told:
                told = seen * 5 // total
                say("      %d of %d" % (seen, total))
        elif line.startswith("Installing collected packages"):
            say("      unpacking and compiling")
    return error or last_words


def write_launcher():
    """`.venv/bin/bot`, so that the command exists without installing the project itself."""
    launcher = VENV / "bin" / "bot"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


def compile_ours():
    """Compile our own files, so that the first start is as fast as the second."""
    folders = [str(ROOT / name) for name in PACKAGES if (ROOT / name).is_dir()]
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", *folders], stdout=subprocess.DEVNULL)


def find_browser():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def provide_browser():
    """A Chromium for the tests of the pages: found, fetched by apt as root, or done without."""
    if not find_browser() and os.geteuid() == 0 and shutil.which("apt-get"):
        say("      no Chromium here; asking apt for it")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            quiet = ["apt-get", "-qq", *command]
            try:
                subprocess.run(quiet, env=env, stdout=subprocess.DEVNULL, timeout=300)
            except subprocess.TimeoutExpired:
                break
    found = find_browser()
    say("      browser tests use %s" % found if found else "      no Chromium: those tests skip")


def provide_axe():
    """The checker of the pages' accessibility: found, fetched by npm, or done without."""
    if not AXE.exists() and find_browser() and shutil.which("npm"):
        cache = AXE.parents[2]
        cache.mkdir(parents=True, exist_ok=True)
        fetch = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*fetch, "--prefix", str(cache), "axe-core@" + AXE_VERSION],
                stdout=subprocess.DEVNULL,
                timeout=120,
            )
        if AXE.exists() and hashlib.sha256(AXE.read_bytes()).hexdigest() != AXE_SHA256:
            AXE.unlink()
            say("      what npm brought is not axe-core %s; it is thrown away" % AXE_VERSION)
    if not AXE.exists():
        say("      no axe-core: the tests of accessibility skip")


def install(shape):
    """All steps, each told."""
    began = time.monotonic()
    python = sys.executable
    say("[1/4] Python %s at %s" % (sys.version.split()[0], python))
    check_pip(python)
    STAMP.unlink() if STAMP.exists() else None
    say("[2/4] environment in .venv")
    make_environment(python)
    lock = LOCKS[shape]
    say("[3/4] packages of %s, each checked against its hash; about half a minute" % lock.name)
    install_packages(python, lock)
    say("[4/4] the command .venv/bin/bot")
    write_launcher()
    compile_ours()
    if shape == "dev":
        provide_browser()
        provide_axe()
    write_stamp(shape)
    say("Installed in %.0f s. It works offline from now on." % (time.monotonic() - began))


def main():
    """Install a shape unless it is there. One at a time: a second caller waits for the first."""
    shape = sys.argv[1]
    folder = os.open(str(ROOT), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        require_fit_python()
        if read_stamp().get(shape) != fingerprint(shape):
            install(shape)
    except CannotInstall as wrong:
        sys.exit(str(wrong))
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again: it goes on from there.")


if __name__ == "__main__":
    main()
