"""Download real documentation from nginx, and compare every byte.

    python -m benchmarks.real_run [--keep FOLDER]

Serves two of Debian's documentation packages with nginx on loopback, downloads all of their
pages (more than 500) and 20 broken URLs with the installed command. It checks that every saved page
is identical to the file on disk, that every failure is reported, and that the exit status is 1.
Then curl downloads the same pages. Needs nginx, curl, apt-get and dpkg.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.nginx import serving

PACKAGES = ("python3.11-doc", "nginx-doc")
PORT = 18090
DEAD_PORT = 9
CONFIG = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main() -> None:
    """Run the comparison, print the result, and exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    keep: Path | None = parser.parse_args().keep
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        sys.exit(run(keep.resolve()))
    with tempfile.TemporaryDirectory() as folder:
        # If root starts nginx, its workers read files as another user.
        Path(folder).chmod(0o755)
        sys.exit(run(Path(folder)))


def run(folder: Path) -> int:
    """Compare below *folder*; return 1 if anything differs, else 0."""
    root = unpack(folder)
    pages = sorted(
        page for page in root.rglob("*.html") if page.is_file() and not page.is_symlink()
    )
    good = {f"http://127.0.0.1:{PORT}/{page.relative_to(root).as_posix()}": page for page in pages}
    bad = broken_lines()
    lines = list(good)
    for place, line in enumerate(bad):
        lines.insert(place * len(lines) // len(bad), line)
    sites = folder / "sites.txt"
    sites.write_text("# real pages and broken URLs\n" + "\n".join(lines) + "\n")
    config = CONFIG.format(folder=folder, port=PORT, root=root)
    with serving(folder, config, f"http://127.0.0.1:{PORT}/"):
        problems = with_download(folder, sites, good, bad)
        problems += with_curl(folder, good)
    print("no problems" if not problems else f"{problems} problems")
    return min(problems, 1)


def unpack(folder: Path) -> Path:
    """Fetch and unpack the documentation, unless an earlier run has done so."""
    tree = folder / "tree"
    if not tree.exists():
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, tree], check=True)
    return tree / "usr/share/doc"


def broken_lines() -> list[str]:
    """Return 20 lines that must fail, in several ways."""
    return [
        *(f"http://127.0.0.1:{PORT}/missing-{number}.html" for number in range(8)),
        *(f"http://127.0.0.1:{DEAD_PORT}/{number}" for number in range(4)),
        *(f"http://no-such-host-{number}.invalid/" for number in range(4)),
        "javascript:alert(1)",
        "http://",
        "ftp://127.0.0.1/file",
        "http://[::1/",
    ]


def with_download(folder: Path, sites: Path, good: dict[str, Path], bad: list[str]) -> int:
    """Run the command as a user would type it; return the number of problems."""
    output = folder / "downloaded_sites"
    shutil.rmtree(output, ignore_errors=True)
    command = shutil.which("download", path=str(Path(sys.executable).parent)) or "download"
    began = time.perf_counter()
    process = subprocess.run(
        [command, sites, "-o", output], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    print(f"$ download {sites.name} -o {output.name}")
    print(*process.stdout.splitlines()[:3], "…", *process.stderr.splitlines(), sep="\n")
    print(process.stdout.splitlines()[-1])
    print(f"exit status {process.returncode}, {seconds:.2f} s as a whole process")
    count = sum(file.is_file() and ".download" not in file.parts for file in output.rglob("*"))
    wrong = [url for url, page in good.items() if digest(saved_as(output, url)) != digest(page)]
    unnamed = [line for line in bad if line not in process.stderr]
    print(f"{len(good) - len(wrong)} of {len(good)} pages byte-identical by SHA-256")
    print(f"{len(bad) - len(unnamed)} of {len(bad)} broken URLs reported")
    print(f"{count} files in the folder")
    return len(wrong) + len(unnamed) + (process.returncode != 1) + (count != len(good))


def saved_as(output: Path, url: str) -> Path:
    """Return the file in which `download` saves a URL that has an extension."""
    host, _, path = url.removeprefix("http://").partition("/")
    return output / host.replace(":", "_") / path


def with_curl(folder: Path, good: dict[str, Path]) -> int:
    """Download the same pages with curl, to check the server and the comparison itself."""
    output = folder / "curl"
    shutil.rmtree(output, ignore_errors=True)
    config = folder / "curl.txt"
    config.write_text(
        "\n".join(f'url = "{url}"\noutput = "{saved_as(output, url)}"' for url in good)
    )
    began = time.perf_counter()
    subprocess.run(
        ["curl", "-sS", "-Z", "--parallel-max", "64", "--create-dirs", "-K", config], check=True
    )
    seconds = time.perf_counter() - began
    wrong = sum(digest(saved_as(output, url)) != digest(page) for url, page in good.items())
    print(f"curl -Z: {len(good) - wrong} of {len(good)} pages byte-identical, {seconds:.2f} s")
    return wrong


def digest(file: Path) -> str:
    """Return the SHA-256 of a file in hex, or an empty string if it does not exist."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


if __name__ == "__main__":
    main()
