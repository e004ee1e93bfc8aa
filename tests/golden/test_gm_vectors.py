"""Published cases of the Chinese algorithms: what the standards print must come out here, bit for bit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from security import sm2, sm3, sm4
from security.errors import AuthenticationFailedError, MalformedValueError

# GB/T 32918.5-2017 annex A: the examples on the recommended curve.
PRIVATE_KEY = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC_KEY = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
SIGNATURE = encode_dss_signature(
    0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
    0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
)
CIPHERTEXT = bytes.fromhex(
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)

# Private keys 327 and 307: x of the first public key begins with 00, of the second with 0404; signed by OpenSSL 3.0.
OPENSSL_MESSAGE = "化工区空气质量日报".encode()
OPENSSL_SIGNATURES = [
    (
        327,
        b"1234567812345678",
        (
            "30460221009fafbd8ed0c484ad89df3c9cecf2c221f217856c66d8b5ccff60679967a1f918"
            "022100fe4a83371f62656007a37bf54b2ec03b661a1420eb6198be5665f9da17cb3cd9"
        ),
    ),
    (
        307,
        b"park-report@example.org",
        (
            "3044022046654d4784150b54bb793ec99d3b862f931f21bc4d5743e751d677cdac21db5a"
            "022063ad1f862bc3bbcb9b0d64d440617f4425ed2423ca18229dfe5f99038500bb65"
        ),
    ),
]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_hashes_of_gbt_32905(message: bytes, expected: str):
    assert sm3.digest(message).hex() == expected


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [  # GM/T 0042-2015 annex D.3
        (
            bytes(range(1, 33)),
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
            "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
        ),
        (bytes(range(1, 38)), b"\xcd" * 50, "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae"),
        (b"\x0b" * 32, b"Hi There", "c0ba18c68b90c88bc07de794bfc7d2c8d19ec31ed8773bc2b390c9604e0be11e"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882",
        ),
    ],
)
def test_hmac_sm3_gives_the_codes_of_gmt_0042(key: bytes, message: bytes, expected: str):
    assert sm3.hmac_sm3(key, message).hex() == expected


def test_the_sm4_below_us_is_the_one_of_gbt_32907():
    block = key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305

    once = encryptor.update(block)
    many = once
    for _ in range(999_999):
        many = encryptor.update(many)

    assert once.hex() == "681edf34d206965e86b3e94f536e4246"
    assert many.hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_sm4_gcm_gives_the_example_of_rfc_8998():
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    iv = bytes.fromhex("00001234567800000000abcd")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plaintext = b"".join(bytes([byte]) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))

    assert sm4.encrypt(key, iv, plaintext, associated).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


@pytest.mark.parametrize("longest_library_iv", [128, 0], ids=["library and own counter", "own counter only"])
def test_every_valid_wycheproof_case_is_right_and_no_invalid_one_is_accepted(
    replay_dir: Path, monkeypatch: pytest.MonkeyPatch, longest_library_iv: int
):
    monkeypatch.setattr(sm4, "_LONGEST_LIBRARY_IV", longest_library_iv)
    suite = json.loads((replay_dir / "gm" / "sm4_gcm_test.json").read_text("utf-8"))
    wrong = [
        case["tcId"]
        for group in suite["testGroups"]
        for case in group["tests"]
        if _sm4_gcm_holds(case) != (case["result"] == "valid")
    ]
    tried = sum(len(group["tests"]) for group in suite["testGroups"])

    assert wrong == []
    assert tried == suite["numberOfTests"]


def _sm4_gcm_holds(case: dict[str, str]) -> bool:
    """Tell whether a case decrypts to its message and, if it does, encrypts to its ciphertext."""
    key, iv, associated, message = (bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg"))
    sealed = bytes.fromhex(case["ct"] + case["tag"])
    try:
        opened = sm4.decrypt(key, iv, sealed, associated)
    except (AuthenticationFailedError, MalformedValueError):
        return False
    return opened == message and sm4.encrypt(key, iv, message, associated) == sealed


def test_an_empty_vector_is_refused_for_writing_too():
    with pytest.raises(MalformedValueError, match="at least one byte"):
        sm4.encrypt(bytes(16), b"", b"text")


def test_sm2_keys_and_user_digest_are_those_of_gbt_32918_5():
    assert sm2.derive_public_key(PRIVATE_KEY) == PUBLIC_KEY
    assert sm2.user_digest(PUBLIC_KEY, sm2.DEFAULT_USER_ID).hex() == (
        "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
    )


def test_sm2_signs_as_gbt_32918_5_with_its_nonce(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sm2, "_fresh_scalar", lambda: NONCE)

    assert sm2.sign(PRIVATE_KEY, b"message digest", user_id=sm2.DEFAULT_USER_ID) == SIGNATURE


def test_sm2_verifies_the_signature_of_gbt_32918_5():
    assert sm2.verify(PUBLIC_KEY, b"message digest", SIGNATURE, user_id=sm2.DEFAULT_USER_ID)
    assert not sm2.verify(PUBLIC_KEY, b"message digesT", SIGNATURE, user_id=sm2.DEFAULT_USER_ID)
    assert not sm2.verify(PUBLIC_KEY, b"message digest", SIGNATURE, user_id=b"")


def test_sm2_encrypts_and_decrypts_as_gbt_32918_5(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sm2, "_fresh_scalar", lambda: NONCE)

    assert sm2.encrypt(PUBLIC_KEY, b"encryption standard") == CIPHERTEXT
    assert sm2.decrypt(PRIVATE_KEY, CIPHERTEXT) == b"encryption standard"


@pytest.mark.parametrize(("private", "user_id", "signature"), OPENSSL_SIGNATURES)
def test_sm2_signatures_of_openssl_verify_under_keys_gmssl_damages(private: int, user_id: bytes, signature: str):
    public_key = sm2.derive_public_key(private.to_bytes(32, "big"))

    assert sm2.verify(public_key, OPENSSL_MESSAGE, bytes.fromhex(signature), user_id=user_id)
    assert not sm2.verify(public_key, OPENSSL_MESSAGE, bytes.fromhex(signature), user_id=user_id + b"x")


def test_openssl_verifies_our_signature_through_our_pem(tmp_path: Path):
    openssl = _openssl_with_sm2()
    pair = sm2.generate_key_pair()
    user_id = "park-report@example.org"
    (tmp_path / "key.pem").write_text(sm2.public_key_to_pem(pair.public_key))
    (tmp_path / "report").write_bytes(OPENSSL_MESSAGE)
    (tmp_path / "report.sig").write_bytes(sm2.sign(pair.private_key, OPENSSL_MESSAGE, user_id=user_id.encode()))

    command = [openssl, "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{user_id}"]
    command += ["-pubin", "-inkey", "key.pem", "-in", "report", "-sigfile", "report.sig"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_we_verify_a_signature_of_openssl_through_its_pem(tmp_path: Path):
    openssl = _openssl_with_sm2()
    (tmp_path / "report").write_bytes(OPENSSL_MESSAGE)

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=tmp_path, capture_output=True, check=True)

    run("genpkey", "-algorithm", "SM2", "-out", "key.pem")
    run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    with_user_id = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    run("pkeyutl", "-sign", *with_user_id, "-inkey", "key.pem", "-in", "report", "-out", "report.sig")

    public_key = sm2.public_key_from_pem((tmp_path / "public.pem").read_text())
    signature = (tmp_path / "report.sig").read_bytes()
    assert sm2.verify(public_key, OPENSSL_MESSAGE, signature, user_id=sm2.DEFAULT_USER_ID)


def _openssl_with_sm2() -> str:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed: signatures are not exchanged with it live")
    curves = subprocess.run([openssl, "ecparam", "-list_curves"], capture_output=True, text=True, check=False).stdout
    if "SM2" not in curves:
        pytest.skip("this openssl was built without SM2: signatures are not exchanged with it live")
    return openssl
