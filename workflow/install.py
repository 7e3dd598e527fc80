"""Install the packages of a lock file and this project into an environment: with uv, or else with pip.

python3 workflow/install.py .venv requirements.lock
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping

UV_LOCK = "requirements-uv.lock"

# uv does not read pip's settings, but has the same ones with these names.
NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_OFFLINE",
    "no-cache-dir": "UV_NO_CACHE",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
}


def install(folder: str, lock: str) -> bool:
    """Return whether it worked. If uv fails, try pip, which may have settings for the index that uv lacks."""
    python = f"{folder}/bin/python"
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    if uv := find_uv(folder, pip):
        settings = settings_for_uv(pip) | os.environ  # uv's own variables take precedence
        if install_by([uv, "pip", "install", "--python", python], "--compile-bytecode", lock, settings):
            return True
    print(f"installing with pip: uv {'failed' if uv else 'is not available'}", file=sys.stderr)
    # uv may have left an incomplete package, which pip would take for a complete one.
    return install_by([*pip, "install"], "--force-reinstall", lock, os.environ)


def install_by(command: list[str], option: str, lock: str, env: Mapping[str, str]) -> bool:
    """Install the lock's packages, then the project, which one of them builds."""
    packages = ("--quiet", "--require-hashes", option, "-r", lock)
    project = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    return runs(*command, *packages, env=env) and runs(*command, *project, env=env)


def find_uv(folder: str, pip: list[str]) -> str | None:
    """The user's uv, if it runs (a version manager's shim may not), else the locked uv from pip."""
    if runs("uv", "--version", quiet=True):
        return "uv"
    wheel = ("--only-binary", ":all:", "--require-hashes", "-r", UV_LOCK)  # building uv needs a Rust compiler
    return f"{folder}/bin/uv" if runs(*pip, "install", "--retries", "1", *wheel, quiet=True) else None


def settings_for_uv(pip: list[str]) -> dict[str, str]:
    """What pip.conf and pip's environment variables say, as uv's variables."""
    listing = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    pairs = (line.split("=", 1) for line in listing.splitlines() if "=" in line)
    values = {key: str(ast.literal_eval(value)).split() for key, value in pairs}
    settings = {}
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        settings["SSL_CERT_FILE"] = bundle
    for section in ("global", "install", ":env:"):  # as for pip, the last one counts
        for name, variable in NAMES.items():
            if value := values.get(f"{section}.{name}"):
                settings[variable] = ("," if name == "find-links" else " ").join(value)
    if "UV_INDEX" in settings:  # like pip, take a package from any index; hashes make that safe
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return settings


def runs(*command: str, quiet: bool = False, env: Mapping[str, str] | None = None) -> bool:
    output = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, check=False, stdout=output, stderr=output, env=env).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        if not install(*sys.argv[1:]):
            # the last line of pip names a package, whatever the cause
            sys.exit(
                "the packages were not installed. Is there a network, and a way to the package index?"
                " (`pip config list` shows pip's.) Then run the same command again."
            )
    except KeyboardInterrupt:
        sys.exit(130)
