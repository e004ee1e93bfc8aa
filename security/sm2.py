"""SM2 signatures and public-key encryption (GB/T 32918.1 to .5) on the recommended curve sm2p256v1.

The point arithmetic is gmssl's; everything above it is ours, because gmssl 3.2.2 takes nonces from a generator that
is not cryptographic, strips leading `0` and `4` digits of public keys, returns plaintexts without looking at their
check value, knows one user id only, accepts points off the curve and signature values out of range, and fails where
two equal or opposite points are added. All of it is mended here and held by tests.

Public keys are 65 bytes, 04 ‖ x ‖ y; private keys are 32 bytes, big-endian. The arithmetic is Python and therefore
not constant time: keep signing on a host where nobody else can measure it, or put an HSM behind the `KeyProvider`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from gmssl.sm2 import CryptSM2, default_ecc_table

from security import sm3
from security.errors import AuthenticationFailedError, InvalidKeyError, MalformedValueError

PRIVATE_KEY_BYTES = 32
PUBLIC_KEY_BYTES = 65
DEFAULT_USER_ID = b"1234567812345678"
"""The user id that GM/T 0009 prescribes where the parties agreed on none."""

_UNCOMPRESSED = b"\x04"
_P = int(default_ecc_table["p"], 16)
_N = int(default_ecc_table["n"], 16)
_A = int(default_ecc_table["a"], 16)
_B = int(default_ecc_table["b"], 16)
# SubjectPublicKeyInfo up to the point: id-ecPublicKey with the named curve 1.2.156.10197.1.301 (GM/T 0015).
_PUBLIC_KEY_INFO = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


class _Point(NamedTuple):
    x: int
    y: int

    def to_bytes(self) -> bytes:
        return self.x.to_bytes(32, "big") + self.y.to_bytes(32, "big")


_G = _Point(int(default_ecc_table["g"][:64], 16), int(default_ecc_table["g"][64:], 16))
# The empty keys keep gmssl's constructor from touching ours; only its point arithmetic is called.
_gmssl = CryptSM2(private_key="", public_key="")


@dataclass(frozen=True)
class KeyPair:
    """A private key and the public key that belongs to it."""

    private_key: bytes = field(repr=False)
    public_key: bytes


def generate_key_pair() -> KeyPair:
    """Draw a key pair (GB/T 32918.1 6.1: private key in [1, n-2])."""
    private_key = (secrets.randbelow(_N - 2) + 1).to_bytes(PRIVATE_KEY_BYTES, "big")
    return KeyPair(private_key, derive_public_key(private_key))


def derive_public_key(private_key: bytes) -> bytes:
    """Return the public key (65 bytes) of a private key.

    Raises:
        InvalidKeyError: the private key is not 32 bytes long or not in [1, n-2].
    """
    return _UNCOMPRESSED + _multiply(_private_scalar(private_key), _G).to_bytes()


def sign(private_key: bytes, message: bytes, *, user_id: bytes) -> bytes:
    """Return the signature of `message` as DER SEQUENCE {r, s} (GB/T 32918.2 6.1, GM/T 0009).

    Raises:
        InvalidKeyError: the private key is not 32 bytes long or not in [1, n-2].
        MalformedValueError: the user id is longer than its 16-bit length field allows.
    """
    d = _private_scalar(private_key)
    e = _message_digest(derive_public_key(private_key), message, user_id)
    while True:
        k = _fresh_scalar()
        r = (e + _multiply(k, _G).x) % _N
        s = pow(1 + d, -1, _N) * (k - r * d) % _N
        if r != 0 and r + k != _N and s != 0:
            return encode_dss_signature(r, s)


def verify(public_key: bytes, message: bytes, signature: bytes, *, user_id: bytes) -> bool:
    """Tell whether `signature` (DER) is one of `message` by the owner of `public_key` (GB/T 32918.2 7.1).

    A signature that is no strict DER, or whose values are out of range, is simply not one: False.

    Raises:
        InvalidKeyError: the public key is not 04 ‖ x ‖ y of a point on the curve.
        MalformedValueError: the user id is longer than its 16-bit length field allows.
    """
    owner = _point_on_curve(public_key, "SM2 public key")
    e = _message_digest(public_key, message, user_id)
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    return _signature_holds(owner, e, r, s)


def encrypt(public_key: bytes, plaintext: bytes) -> bytes:
    """Encrypt for the owner of `public_key`; returns C1 ‖ C3 ‖ C2 with C1 = 04 ‖ x ‖ y (GB/T 32918.4 6.1).

    The result is 97 bytes longer than the plaintext. Meant for keys and other short secrets.

    Raises:
        InvalidKeyError: the public key is not 04 ‖ x ‖ y of a point on the curve.
        MalformedValueError: the plaintext is empty, for which the standard defines no ciphertext.
    """
    owner = _point_on_curve(public_key, "SM2 public key")
    if not plaintext:
        raise MalformedValueError("SM2 encrypts messages of at least one byte (GB/T 32918.4); leave empty values out.")
    while True:
        k = _fresh_scalar()
        shared = _multiply(k, owner)
        mask = _derive_key(shared.to_bytes(), len(plaintext))
        if any(mask):
            c1 = _UNCOMPRESSED + _multiply(k, _G).to_bytes()
            return c1 + _check_value(shared, plaintext) + _xor(plaintext, mask)


def decrypt(private_key: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext of C1 ‖ C3 ‖ C2 after its check value C3 was found right (GB/T 32918.4 7.1).

    Raises:
        AuthenticationFailedError: the check value does not match: altered, or made for another key.
        MalformedValueError: the ciphertext is too short, or C1 is not 04 ‖ x ‖ y of a point on the curve.
        InvalidKeyError: the private key is not 32 bytes long or not in [1, n-2].
    """
    d = _private_scalar(private_key)
    if len(ciphertext) <= PUBLIC_KEY_BYTES + sm3.DIGEST_BYTES:
        message = (
            f"An SM2 ciphertext C1 C3 C2 has more than {PUBLIC_KEY_BYTES + sm3.DIGEST_BYTES} bytes, "
            f"this one has {len(ciphertext)}; it was cut off or is in another format."
        )
        raise MalformedValueError(message)
    c3_start, c2_start = PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES + sm3.DIGEST_BYTES
    try:
        c1 = _point_on_curve(ciphertext[:c3_start], "C1 of the SM2 ciphertext")
    except InvalidKeyError as refusal:
        raise MalformedValueError(str(refusal)) from refusal
    c3, c2 = ciphertext[c3_start:c2_start], ciphertext[c2_start:]
    shared = _multiply(d, c1)
    mask = _derive_key(shared.to_bytes(), len(c2))
    plaintext = _xor(c2, mask)
    if not any(mask) or not hmac.compare_digest(_check_value(shared, plaintext), c3):
        raise AuthenticationFailedError(
            "SM2: the check value C3 does not match; the ciphertext was altered or made for another key."
        )
    return plaintext


def user_digest(public_key: bytes, user_id: bytes) -> bytes:
    """Return Z, the 32-byte digest of user id, curve and public key (GB/T 32918.2 5.5).

    Raises:
        InvalidKeyError: the public key is not 04 ‖ x ‖ y of a point on the curve.
        MalformedValueError: the user id is longer than its 16-bit length field allows.
    """
    bits = 8 * len(user_id)
    if bits >= 2**16:
        raise MalformedValueError(f"An SM2 user id has at most 8191 bytes, this one has {len(user_id)}.")
    owner = _point_on_curve(public_key, "SM2 public key")
    curve = _Point(_A, _B).to_bytes() + _G.to_bytes()
    return sm3.digest(bits.to_bytes(2, "big") + user_id + curve + owner.to_bytes())


def public_key_to_pem(public_key: bytes) -> str:
    """Return the public key as PEM (SubjectPublicKeyInfo), as OpenSSL, Tongsuo and GmSSL read it.

    Raises:
        InvalidKeyError: the public key is not 04 ‖ x ‖ y of a point on the curve.
    """
    _point_on_curve(public_key, "SM2 public key")
    text = base64.b64encode(_PUBLIC_KEY_INFO + public_key).decode("ascii")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def public_key_from_pem(pem: str) -> bytes:
    """Return the public key (65 bytes) of a PEM text.

    Raises:
        MalformedValueError: the text is no PEM of an SM2 public key.
        InvalidKeyError: its point is not on the curve.
    """
    lines = [line.strip() for line in pem.strip().splitlines()]
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        raise MalformedValueError("Not a PEM public key: the BEGIN or END PUBLIC KEY line is missing.")
    try:
        info = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error as refusal:
        raise MalformedValueError("Not a PEM public key: the text between its lines is not base64.") from refusal
    if not info.startswith(_PUBLIC_KEY_INFO):
        raise MalformedValueError("The PEM holds a public key of another algorithm or curve; SM2 is asked for.")
    public_key = info[len(_PUBLIC_KEY_INFO) :]
    _point_on_curve(public_key, "SM2 public key")
    return public_key


def _signature_holds(owner: _Point, e: int, r: int, s: int) -> bool:
    t = (r + s) % _N
    if not (0 < r < _N and 0 < s < _N) or t == 0:
        return False
    total = _add(_multiply(s, _G), _multiply(t, owner))
    return total is not None and (e + total.x) % _N == r


def _message_digest(public_key: bytes, message: bytes, user_id: bytes) -> int:
    return int.from_bytes(sm3.digest(user_digest(public_key, user_id) + message), "big")


def _check_value(shared: _Point, plaintext: bytes) -> bytes:
    return sm3.digest(shared.x.to_bytes(32, "big") + plaintext + shared.y.to_bytes(32, "big"))


def _derive_key(shared: bytes, length: int) -> bytes:
    """Return `length` bytes of the key derivation function over SM3 (GB/T 32918.4 5.4.3)."""
    blocks = range(1, -(-length // sm3.DIGEST_BYTES) + 1)
    return b"".join(sm3.digest(shared + block.to_bytes(4, "big")) for block in blocks)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _fresh_scalar() -> int:
    return secrets.randbelow(_N - 1) + 1


def _private_scalar(private_key: bytes) -> int:
    if len(private_key) != PRIVATE_KEY_BYTES:
        raise InvalidKeyError(f"An SM2 private key has {PRIVATE_KEY_BYTES} bytes, this one has {len(private_key)}.")
    d = int.from_bytes(private_key, "big")
    if not 1 <= d <= _N - 2:
        raise InvalidKeyError("The SM2 private key is not in [1, n-2] (GB/T 32918.1 6.1); generate another one.")
    return d


def _point_on_curve(encoded: bytes, what: str) -> _Point:
    if len(encoded) != PUBLIC_KEY_BYTES or encoded[:1] != _UNCOMPRESSED:
        message = f"{what}: 65 bytes 04 ‖ x ‖ y are asked for (GB/T 32918.1 4.2.9), not {len(encoded)} bytes"
        raise InvalidKeyError(f"{message} beginning with {encoded[:1].hex() or 'nothing'}.")
    point = _Point(int.from_bytes(encoded[1:33], "big"), int.from_bytes(encoded[33:], "big"))
    on_curve = (point.y * point.y - (point.x**3 + _A * point.x + _B)) % _P == 0
    if point.x >= _P or point.y >= _P or not on_curve:
        raise InvalidKeyError(f"{what}: the point is not on the curve sm2p256v1; the bytes were altered or mixed up.")
    return point


def _multiply(scalar: int, point: _Point) -> _Point:
    """Return `scalar` times `point`; 0 < scalar < n, so the point at infinity cannot come out."""
    product: str = _gmssl._kg(scalar, point.to_bytes().hex())
    return _Point(int(product[:64], 16), int(product[64:], 16))


def _add(left: _Point, right: _Point) -> _Point | None:
    """Return the sum, None for the point at infinity; gmssl's addition is defined for unlike points only."""
    if left.x == right.x:
        return _multiply(2, left) if left.y == right.y else None
    total: str = _gmssl._convert_jacb_to_nor(_gmssl._add_point(left.to_bytes().hex() + "1", right.to_bytes().hex()))
    return _Point(int(total[:64], 16), int(total[64:], 16))
