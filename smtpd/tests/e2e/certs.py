# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""An authority and certificates of its own, for tests."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
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

    def context(self, host, days=30):
        """A server's, with a certificate for host."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            general = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            general = x509.DNSName(host)
        cert = self.sign(name(host), key.public_key(), [
            (x509.SubjectAlternativeName([general]), False)], days)
        path = self.dir / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM,
                              serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
            + cert.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
