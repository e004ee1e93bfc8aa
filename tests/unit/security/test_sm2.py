"""SM2: the wrapper's promises where gmssl alone breaks them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from security import sm2
from security.errors import AuthenticationFailedError, InvalidKeyError, MalformedValueError

N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
USER = b"park@example.org"
PAIR = sm2.KeyPair((123456789).to_bytes(32, "big"), sm2.derive_public_key((123456789).to_bytes(32, "big")))

# Small private keys whose public keys have telling first digits, found by counting upwards.
TELLING_KEYS = {327: "0400", 11: "0404", 307: "040404"}

private_keys = st.integers(1, N - 2).map(lambda d: d.to_bytes(32, "big"))
few_examples = settings(max_examples=20, deadline=None)


@few_examples
@given(private_key=private_keys, message=st.binary(max_size=100), user_id=st.binary(max_size=40))
def test_what_was_signed_verifies_and_for_no_other_message_or_user(private_key: bytes, message: bytes, user_id: bytes):
    public_key = sm2.derive_public_key(private_key)
    signature = sm2.sign(private_key, message, user_id=user_id)

    assert sm2.verify(public_key, message, signature, user_id=user_id)
    assert not sm2.verify(public_key, message + b"\0", signature, user_id=user_id)
    assert not sm2.verify(public_key, message, signature, user_id=user_id + b"\0")


@few_examples
@given(bit=st.integers(0, 8 * 72 - 1), message=st.binary(max_size=50))
def test_a_signature_with_any_changed_bit_is_refused(bit: int, message: bytes):
    signature = bytearray(sm2.sign(PAIR.private_key, message, user_id=USER))
    signature[bit // 8 % len(signature)] ^= 1 << bit % 8

    assert not sm2.verify(PAIR.public_key, message, bytes(signature), user_id=USER)


@pytest.mark.parametrize(("private", "beginning"), TELLING_KEYS.items())
def test_public_keys_beginning_with_zeros_and_fours_are_left_whole(private: int, beginning: str):
    private_key = private.to_bytes(32, "big")
    public_key = sm2.derive_public_key(private_key)

    assert public_key.hex().startswith(beginning)
    assert sm2.verify(public_key, b"daily", sm2.sign(private_key, b"daily", user_id=USER), user_id=USER)
    assert sm2.decrypt(private_key, sm2.encrypt(public_key, b"secret")) == b"secret"


@pytest.mark.parametrize("bits", [1, 8, 255])
def test_nonces_and_keys_come_from_the_cryptographic_generator(monkeypatch: pytest.MonkeyPatch, bits: int):
    monkeypatch.setattr(sm2.secrets, "randbelow", lambda bound: 2**bits - 1)

    assert sm2.generate_key_pair().private_key == (2**bits).to_bytes(32, "big")
    assert sm2.sign(PAIR.private_key, b"m", user_id=USER) == sm2.sign(PAIR.private_key, b"m", user_id=USER)


def test_two_signatures_of_one_message_differ():
    assert sm2.sign(PAIR.private_key, b"m", user_id=USER) != sm2.sign(PAIR.private_key, b"m", user_id=USER)


@pytest.mark.parametrize(
    "values", [(0, 1), (1, 0), (N, 1), (1, N), (1, N - 1), (N + 5, 7), (2**300, 3)], ids=lambda pair: str(pair)[:24]
)
def test_signature_values_out_of_range_are_refused(values: tuple[int, int]):
    assert not sm2.verify(PAIR.public_key, b"m", encode_dss_signature(*values), user_id=USER)


def test_values_shifted_by_the_order_are_no_second_signature():
    r, s = decode_dss_signature(sm2.sign(PAIR.private_key, b"m", user_id=USER))

    assert not sm2.verify(PAIR.public_key, b"m", encode_dss_signature(r + N, s), user_id=USER)
    assert not sm2.verify(PAIR.public_key, b"m", encode_dss_signature(r, s + N), user_id=USER)


def test_a_signature_must_be_strict_der():
    signature = sm2.sign(PAIR.private_key, b"m", user_id=USER)
    r, s = decode_dss_signature(signature)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")

    for other in (b"", raw, signature + b"\0", signature[:-1], b"\x30\x80" + signature[2:] + b"\0\0"):
        assert not sm2.verify(PAIR.public_key, b"m", other, user_id=USER)


@pytest.mark.parametrize(("sign_of_sum", "holds"), [(1, True), (-1, False)])
def test_equal_and_opposite_points_are_added_rightly(sign_of_sum: int, holds: bool):
    # s·G = ± t·P makes the last addition of the verification a doubling or gives the point at infinity.
    d, t = int.from_bytes(PAIR.private_key, "big"), 987654321
    owner = sm2._point_on_curve(PAIR.public_key, "key")
    s = sign_of_sum * t * d % N
    r = (t - s) % N
    doubled = sm2._multiply(2 * s % N, sm2._G)

    assert sm2._signature_holds(owner, (r - doubled.x) % N, r, s) is holds


@few_examples
@given(plaintext=st.binary(min_size=1, max_size=100))
def test_what_was_encrypted_is_decrypted(plaintext: bytes):
    ciphertext = sm2.encrypt(PAIR.public_key, plaintext)

    assert len(ciphertext) == 97 + len(plaintext)
    assert sm2.decrypt(PAIR.private_key, ciphertext) == plaintext


@few_examples
@given(data=st.data(), plaintext=st.binary(min_size=1, max_size=40))
def test_a_ciphertext_with_any_changed_bit_is_refused(data: st.DataObject, plaintext: bytes):
    ciphertext = bytearray(sm2.encrypt(PAIR.public_key, plaintext))
    ciphertext[data.draw(st.integers(0, len(ciphertext) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises((AuthenticationFailedError, MalformedValueError)):
        sm2.decrypt(PAIR.private_key, bytes(ciphertext))


def test_a_ciphertext_for_somebody_else_is_refused():
    with pytest.raises(AuthenticationFailedError, match="C3"):
        sm2.decrypt((7).to_bytes(32, "big"), sm2.encrypt(PAIR.public_key, b"secret"))


def test_a_nonce_that_would_send_the_plaintext_in_clear_is_drawn_again(monkeypatch: pytest.MonkeyPatch):
    # Under nonce 234 this key's mask of one byte is zero (found by counting upwards).
    nonces = iter([234, 5])
    monkeypatch.setattr(sm2, "_fresh_scalar", lambda: next(nonces))

    ciphertext = sm2.encrypt(PAIR.public_key, b"A")

    assert ciphertext[-1:] != b"A"
    assert sm2.decrypt(PAIR.private_key, ciphertext) == b"A"


@pytest.mark.parametrize("length", [0, 64, 97])
def test_a_ciphertext_too_short_for_its_parts_is_refused(length: int):
    with pytest.raises(MalformedValueError, match=f"this one has {length}"):
        sm2.decrypt(PAIR.private_key, b"\x04" * length)


def test_an_empty_plaintext_is_refused():
    with pytest.raises(MalformedValueError, match="at least one byte"):
        sm2.encrypt(PAIR.public_key, b"")


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        PAIR.public_key[1:],
        b"\x02" + PAIR.public_key[1:33],
        b"\x06" + PAIR.public_key[1:],
        PAIR.public_key[:-1] + bytes([PAIR.public_key[-1] ^ 1]),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
    ],
    ids=["empty", "without 04", "compressed", "hybrid", "off the curve", "zero", "beyond the field"],
)
def test_a_public_key_that_is_no_point_of_the_curve_is_refused(public_key: bytes):
    with pytest.raises(InvalidKeyError):
        sm2.verify(public_key, b"m", b"", user_id=USER)
    with pytest.raises(InvalidKeyError):
        sm2.encrypt(public_key, b"secret")


def test_a_point_has_one_encoding_only():
    # x = 7 is on the curve; written as x + p it still fits into 32 bytes.
    p = 2**256 - 2**224 - 2**96 + 2**64 - 1
    y_squared = (7**3 - 3 * 7 + 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93) % p
    y = pow(y_squared, (p + 1) // 4, p).to_bytes(32, "big")

    assert len(sm2.user_digest(b"\x04" + (7).to_bytes(32, "big") + y, USER)) == 32
    with pytest.raises(InvalidKeyError, match="not on the curve"):
        sm2.user_digest(b"\x04" + (7 + p).to_bytes(32, "big") + y, USER)


@pytest.mark.parametrize("private_key", [b"", bytes(32), bytes(31) + b"\1\0", (N - 1).to_bytes(32, "big")])
def test_a_private_key_out_of_range_is_refused(private_key: bytes):
    with pytest.raises(InvalidKeyError):
        sm2.sign(private_key, b"m", user_id=USER)


def test_a_user_id_too_long_for_its_length_field_is_refused():
    assert sm2.user_digest(PAIR.public_key, b"x" * 8191)
    with pytest.raises(MalformedValueError, match="8191"):
        sm2.user_digest(PAIR.public_key, b"x" * 8192)


def test_a_public_key_survives_its_pem_and_other_texts_are_refused():
    pem = sm2.public_key_to_pem(PAIR.public_key)

    assert sm2.public_key_from_pem(pem) == PAIR.public_key
    for other in ("", "-----BEGIN PUBLIC KEY-----", pem.replace("MFk", "!!!"), pem.replace("MFk", "MFg")):
        with pytest.raises(MalformedValueError):
            sm2.public_key_from_pem(other)


def test_a_key_pair_does_not_print_its_private_key():
    assert PAIR.private_key.hex() not in repr(PAIR)
    assert repr(PAIR.private_key) not in repr(PAIR)
