"""SM4-GCM: what was sealed opens, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security import sm4
from security.errors import AuthenticationFailedError, InvalidKeyError, MalformedValueError

keys = st.binary(min_size=16, max_size=16)


@settings(deadline=None)
@given(key=keys, plaintext=st.binary(max_size=200), associated=st.binary(max_size=50))
def test_what_was_sealed_opens_again(key: bytes, plaintext: bytes, associated: bytes):
    sealed = sm4.seal(key, plaintext, associated)

    assert len(sealed) == 12 + len(plaintext) + 16
    assert sm4.open_sealed(key, sealed, associated) == plaintext


@settings(deadline=None)
@given(data=st.data(), key=keys, plaintext=st.binary(max_size=40), associated=st.binary(max_size=20))
def test_any_changed_bit_is_refused(data: st.DataObject, key: bytes, plaintext: bytes, associated: bytes):
    sealed = bytearray(sm4.seal(key, plaintext, associated))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(AuthenticationFailedError):
        sm4.open_sealed(key, bytes(sealed), associated)


@settings(deadline=None)
@given(key=keys, plaintext=st.binary(max_size=40), associated=st.binary(max_size=20), other=st.binary(max_size=20))
def test_other_associated_data_are_refused(key: bytes, plaintext: bytes, associated: bytes, other: bytes):
    sealed = sm4.seal(key, plaintext, associated)

    if other != associated:
        with pytest.raises(AuthenticationFailedError):
            sm4.open_sealed(key, sealed, other)


@settings(deadline=None)
@given(key=keys, iv=st.binary(min_size=1, max_size=200), plaintext=st.binary(max_size=60), bit=st.integers(0, 127))
def test_vectors_of_every_length_work_and_authenticate(key: bytes, iv: bytes, plaintext: bytes, bit: int):
    sealed = sm4.encrypt(key, iv, plaintext, b"place")
    tampered = bytearray(sealed)
    tampered[-1 - bit // 8] ^= 1 << bit % 8

    assert sm4.decrypt(key, iv, sealed, b"place") == plaintext
    with pytest.raises(AuthenticationFailedError):
        sm4.decrypt(key, iv, bytes(tampered), b"place")
    with pytest.raises(AuthenticationFailedError):
        sm4.decrypt(key, iv, sealed, b"elsewhere")


@settings(deadline=None)
@given(key=keys, iv=st.binary(min_size=8, max_size=128), plaintext=st.binary(max_size=70), associated=st.binary())
def test_our_counter_and_the_library_agree_where_both_can_speak(
    key: bytes, iv: bytes, plaintext: bytes, associated: bytes
):
    counter = sm4._Counter(key, iv)
    ciphertext = counter.apply(plaintext)

    assert ciphertext + counter.tag(ciphertext, associated) == sm4.encrypt(key, iv, plaintext, associated)


def test_the_same_text_is_never_sealed_to_the_same_bytes():
    assert len({sm4.seal(bytes(16), b"13812341234") for _ in range(100)}) == 100


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_key_of_another_length_is_refused(length: int):
    with pytest.raises(InvalidKeyError, match=f"has {length}"):
        sm4.seal(bytes(length), b"text")


@pytest.mark.parametrize("length", [1, 12, 27])
def test_a_truncated_value_is_refused(length: int):
    with pytest.raises(MalformedValueError):
        sm4.open_sealed(bytes(16), bytes(length))


def test_the_bare_block_cipher_is_that_of_gbt_32907_and_its_inverse():
    key = block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encrypt, decrypt = sm4.block_encryptor(key), sm4.block_decryptor(key)

    assert encrypt(block).hex() == "681edf34d206965e86b3e94f536e4246"
    assert decrypt(encrypt(block)) == block
    assert encrypt(block) == encrypt(block), "no block depends on the one before"
    with pytest.raises(InvalidKeyError):
        sm4.block_decryptor(b"short")
