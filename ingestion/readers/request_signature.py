"""Our side of the data middle platform's request signature, after its interface description.

Seven lines joined by line feeds are authenticated with HMAC-SM3 under the client secret: algorithm, method, path,
query (sorted, percent-encoded after RFC 3986), client id, timestamp, nonce.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from security.sm3 import hmac_sm3

ALGORITHM = "HMAC-SM3"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return the query as it is sent and signed: sorted by name, everything but unreserved characters encoded."""
    pairs = sorted(parameters.items())
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def signature_headers(
    path: str, query: str, *, client_id: str, client_secret: str, timestamp: int, nonce: str
) -> dict[str, str]:
    """Return the headers that sign a GET request.

    Args:
        path: path of the request, from the root.
        query: what `canonical_query` returned; sent byte for byte.
        client_id: who asks.
        client_secret: the key.
        timestamp: seconds since 1970.
        nonce: 8 to 64 characters that are never used again.
    """
    signed = "\n".join((ALGORITHM, "GET", path, query, client_id, str(timestamp), nonce))
    return {
        "X-Timestamp": str(timestamp),
        "X-Nonce": nonce,
        "X-Signature-Algorithm": ALGORITHM,
        "X-Signature": hmac_sm3(client_secret.encode(), signed.encode()).hex(),
    }
