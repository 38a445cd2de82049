"""The certificate of the server, and the authority that the tools are told to trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def configuration(self) -> str:
        """The lines of nginx's configuration; before 1.23.4 it has no TLS 1.3 by default."""
        files = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};"
        return f"ssl_protocols TLSv1.2 TLSv1.3; {files}"


def issue(folder: Path, hosts: Sequence[str]) -> Certificate:
    """Create an authority, and have it issue a certificate for *hosts*."""
    authority = trustme.CA()
    issued = authority.issue_cert(*hosts)
    files = Certificate(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(files.authority)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(files.certificate, append=True)
    issued.private_key_pem.write_to_path(files.key)
    return files
