"""Servers that people have: those that are installed serve a folder over TLS and HTTP/2."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import trustme

_NGINX = """daemon off; user {user}; pid {work}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type text/plain; types {{ text/html html; image/png png; }}
  client_body_temp_path {work}/1; proxy_temp_path {work}/2; fastcgi_temp_path {work}/3;
  uwsgi_temp_path {work}/4; scgi_temp_path {work}/5;
  server {{
    listen 127.0.0.1:{port} ssl http2; root {root};
    ssl_certificate {pem}; ssl_certificate_key {pem};
    gzip on; gzip_min_length 1; {more} rewrite ^/moved$ /page.html redirect;
  }}
}}
"""
_APACHE = """ServerRoot {work}
PidFile {work}/pid
ErrorLog /dev/stderr
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{modules}
SSLEngine on
SSLCertificateFile {pem}
SSLSessionCache none
Protocols h2 http/1.1
DocumentRoot {root}
<Directory {root}>
  Require all granted
</Directory>
TypesConfig /dev/null
AddType text/html .html
Redirect 302 /moved /page.html
"""
_APACHE_MODULES = ("mpm_event", "http2", "ssl", "authz_core", "mime", "alias", "socache_shmcb")
_CADDY = """{{
  admin off
  auto_https off
}}
https://127.0.0.1:{port} {{
  tls {pem} {pem}
  root * {root}
  encode gzip
  redir /moved /page.html 302
  file_server
}}
"""
_H2O = """listen:
  host: 127.0.0.1
  port: {port}
  ssl: {{certificate-file: {pem}, key-file: {pem}}}
hosts:
  default:
    paths:
      /moved: {{redirect: {{status: 302, url: /page.html}}}}
      /: {{file.dir: {root}}}
"""
_LIGHTTPD = """server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_openssl", "mod_redirect")
ssl.engine = "enable"
ssl.pemfile = "{pem}"
mimetype.assign = (".html" => "text/html", ".png" => "image/png", "" => "text/plain")
url.redirect = ("^/moved$" => "/page.html")
"""
_APPLICATION = """
from pathlib import Path
ROOT = Path({root!r})

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path, file = scope["path"], ROOT / scope["path"].lstrip("/")
    status, body, fields = 404, b"not found", [(b"content-type", b"text/plain")]
    if path == "/moved":
        status, body, fields = 302, b"", [(b"location", b"/page.html")]
    elif file.is_file():
        status, body = 200, file.read_bytes()
        fields = [(b"content-type", b"text/html" if file.suffix == ".html" else b"text/plain")]
    await send({{"type": "http.response.start", "status": status, "headers": fields}})
    await send({{"type": "http.response.body", "body": body}})
"""


@dataclass(frozen=True)
class Place:
    """Where a server finds its folder, its certificate, its port, and room for its own files."""

    root: Path
    pem: Path
    port: int
    work: Path

    def write(self, name: str, template: str, **more: str) -> str:
        """Write a file of the server; return its path."""
        file = self.work / name
        own = {"root": self.root, "pem": self.pem, "port": self.port, "work": self.work}
        file.write_text(template.format(**own, user=getpass.getuser(), **more))
        return str(file)


def _nginx(place: Place, more: str = "") -> list[str]:
    return ["nginx", "-p", str(place.work), "-c", place.write("conf", _NGINX, more=more)]


def _apache(place: Place) -> list[str]:
    folder = Path("/usr/lib/apache2/modules")
    modules = "\n".join(f"LoadModule {m}_module {folder}/mod_{m}.so" for m in _APACHE_MODULES)
    return ["apache2", "-X", "-f", place.write("apache.conf", _APACHE, modules=modules)]


def _hypercorn(place: Place) -> list[str]:
    (place.work / "application.py").write_text(_APPLICATION.format(root=str(place.root)))
    certificate = ["--certfile", str(place.pem), "--keyfile", str(place.pem)]
    bind = ["--bind", f"127.0.0.1:{place.port}"]
    return [sys.executable, "-m", "hypercorn", *bind, *certificate, "application:app"]


#: How each server is started, by its name.
SERVERS: dict[str, Callable[[Place], list[str]]] = {
    "nginx": _nginx,
    # Few requests on a connection, few at once, and little read ahead.
    "nginx-strict": partial(
        _nginx,
        more="keepalive_requests 7; http2_max_concurrent_streams 3; http2_chunk_size 1k;",
    ),
    "nghttpd": lambda place: [
        *("nghttpd", "-a", "127.0.0.1", "-d", str(place.root)),
        *(str(place.port), str(place.pem), str(place.pem)),
    ],
    "apache2": _apache,
    "caddy": lambda place: [
        *("caddy", "run", "--adapter", "caddyfile"),
        *("--config", place.write("Caddyfile", _CADDY)),
    ],
    "h2o": lambda place: ["h2o", "-c", place.write("h2o.conf", _H2O)],
    "lighttpd": lambda place: ["lighttpd", "-D", "-f", place.write("lighttpd.conf", _LIGHTTPD)],
    "hypercorn": _hypercorn,
}
#: Servers that do not redirect ``/moved``, that send whole bodies only, and that speak nothing but
#: HTTP/2.
WITHOUT_REDIRECTS = frozenset({"nghttpd"})
WITHOUT_RANGES = frozenset({"nghttpd", "hypercorn"})
WITHOUT_HTTP1 = frozenset({"nghttpd"})


def installed(name: str) -> bool:
    """Return whether a server can be started here."""
    if name == "hypercorn":
        return find_spec(name) is not None
    # Debian has its TLS in a package of its own.
    if name == "lighttpd" and not [*Path("/usr").glob("lib*/lighttpd/mod_openssl.so")]:
        return False
    return shutil.which(name.partition("-")[0]) is not None


@asynccontextmanager
async def running(name: str, root: Path, work: Path) -> AsyncIterator[tuple[str, Path]]:
    """Run a server of *root*; give its address, and the file of the authority to trust."""
    authority = trustme.CA()
    cacert, pem = work / "authority.pem", work / "certificate.pem"
    authority.cert_pem.write_to_path(str(cacert))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    # Servers that change their user have to reach the files.
    for folder in (work, root, *(p for p in work.parents if p.stat().st_uid == os.getuid())):
        folder.chmod(folder.stat().st_mode | 0o055)
    pem.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = SERVERS[name](Place(root, pem, port, work))
    environment = {**os.environ, "HOME": str(work), "APACHE_RUN_DIR": str(work)}
    log = work / "log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=stderr
        )
    try:
        await _reachable(port, process, log)
        yield f"https://127.0.0.1:{port}", cacert
    finally:
        # Not SIGKILL: workers would stay.
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(20):
            await process.wait()


async def _reachable(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until a server listens."""
    async with asyncio.timeout(20):
        while True:
            if process.returncode is not None:
                raise AssertionError(log.read_text())
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
