# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""An authority and certificates of its own, for tests."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """ca.pem in where; certificates for whoever asks."""

    def __init__(self, where, title="test authority"):
        self.dir = where
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(title)
        self.cert = self.sign(self.name, self.key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=None), True)])
        self.path = where / "ca.pem"
        self.path.write_bytes(
            self.cert.public_bytes(serialization.Encoding.PEM))
        self.path.chmod(0o644)

    def sign(self, subject, public, extensions, days=30):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject)
                   .issuer_name(self.name).public_key(public)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - 60 * DAY)
                   .not_valid_after(now + days * DAY))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, host, kind="ec", days=30):
        """host.crt and host.key: a certificate for a name or an address."""
        key = (ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else
               rsa.generate_private_key(65537, 2048))
        try:
            general = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            general = x509.DNSName(host)
        cert = self.sign(name(host), key.public_key(), [
            (x509.SubjectAlternativeName([general]), False)], days)
        paths = self.dir / f"{host}.crt", self.dir / f"{host}.key"
        paths[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        paths[1].touch(0o600)
        paths[1].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return paths

    def context(self, host, days=30):
        """A server's, with a certificate for host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(host, days=days))
        return context

    def trust(self, **options):
        """A client's, that trusts this authority alone."""
        context = ssl.create_default_context(cafile=self.path)
        for option, value in options.items():
            setattr(context, option, value)
        return context
