"""How a request to the data middle platform is signed.

The text that is signed has seven lines, joined by a line feed and without one at the end:

    algorithm         HMAC-SM3 or HMAC-SHA256, as in the header X-Signature-Algorithm
    method            GET
    path              /api/v1/streams/enterprises/records
    query             parameters sorted by name and value, percent-encoded (RFC 3986, space as %20), joined by &
    client id
    timestamp         seconds since 1970 as digits, as in X-Timestamp
    nonce             8 to 64 characters, new for every request, as in X-Nonce

The key is the client secret (UTF-8); the signature travels in X-Signature as lower-case hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes, hmac

ALGORITHMS: dict[str, type[hashes.SM3] | type[hashes.SHA256]] = {
    "HMAC-SM3": hashes.SM3,
    "HMAC-SHA256": hashes.SHA256,
}


@dataclass(frozen=True)
class SignedRequest:
    """Everything a signature covers."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    client_id: str
    timestamp: str
    nonce: str

    def text(self, algorithm: str) -> str:
        """Return the text that is signed."""
        query = canonical_query(self.parameters)
        return "\n".join((algorithm, self.method, self.path, query, self.client_id, self.timestamp, self.nonce))


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """Return the parameters sorted and percent-encoded."""
    return urlencode(sorted(parameters), quote_via=quote, safe="")


def signature(request: SignedRequest, *, secret: str, algorithm: str) -> str:
    """Return the hexadecimal signature of a request.

    Raises:
        KeyError: The algorithm is not one of `ALGORITHMS`.
    """
    code = hmac.HMAC(secret.encode(), ALGORITHMS[algorithm]())
    code.update(request.text(algorithm).encode())
    return code.finalize().hex()
