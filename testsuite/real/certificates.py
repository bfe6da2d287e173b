"""Certificates for a broker on this machine, made anew for each run."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from epxhost.localbroker import LocalBroker, Tls


def certificate(folder, name, issuer=None, names=()):
    """Write a certificate and its key; without an issuer it signs itself -> (paths, pair)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, signing_key = issuer or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(signing_key, hashes.SHA256())
    for suffix, data in (
        ("pem", signed.public_bytes(serialization.Encoding.PEM)),
        ("der", signed.public_bytes(serialization.Encoding.DER)),
        (
            "key",
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        ),
    ):
        (folder / f"{name}.{suffix}").write_bytes(data)
    return subject, key


def make_certificates(folder):
    """authority, broker (signed by it, for localhost), stranger: each as .pem, .der and .key."""
    authority = certificate(folder, "authority")
    certificate(folder, "stranger")
    certificate(folder, "broker", authority, [x509.DNSName("localhost")])
    return folder


def tls_broker(folder, user=None, password=""):
    files = Tls(folder / "authority.pem", folder / "broker.pem", folder / "broker.key")
    return LocalBroker(user, password, files)
