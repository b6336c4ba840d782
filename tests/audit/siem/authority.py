"""A certificate authority of the tests' own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


class Authority:
    """Issues certificates for servers."""

    def __init__(self, name: str = "Authority of the tests") -> None:
        self._key = generate_private_key(SECP256R1())
        self._name = _named(name)
        ca = x509.BasicConstraints(ca=True, path_length=None)
        made = _builder(self._name, self._name, self._key).add_extension(ca, critical=True)
        self.certificate = made.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()

    def issue(self, *names: str) -> Issued:
        """For a server of these names and addresses."""
        key = generate_private_key(SECP256R1())
        others = x509.SubjectAlternativeName([_general(name) for name in names])
        made = _builder(_named(names[0]), self._name, key).add_extension(others, critical=False)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        signed = made.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        return Issued(signed.decode(), private.decode())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )
