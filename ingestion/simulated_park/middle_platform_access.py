"""Who may ask the data middle platform, how often, and which requests it drops on purpose."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest

from ingestion.simulated_park.request_signing import ALGORITHMS, SignedRequest, signature

CLOCK_TOLERANCE_SECONDS = 300


class PlatformRefusalError(Exception):
    """The platform does not serve a request; carries what the answer says."""

    def __init__(self, status: int, code: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


@dataclass
class Tokens:
    """Access tokens that expire."""

    lifetime_seconds: int
    clock: Callable[[], float]
    _expiry_by_token: dict[str, float] = field(default_factory=dict)

    def issue(self) -> str:
        """Return a new token."""
        now = self.clock()
        self._expiry_by_token = {token: expiry for token, expiry in self._expiry_by_token.items() if expiry > now - 60}
        token = secrets.token_urlsafe(32)
        self._expiry_by_token[token] = now + self.lifetime_seconds
        return token

    def check(self, authorization: str | None) -> None:
        """Refuse a missing, unknown or expired token."""
        scheme, _, token = (authorization or "").partition(" ")
        expiry = self._expiry_by_token.get(token) if scheme.lower() == "bearer" else None
        if expiry is None:
            raise PlatformRefusalError(401, 40102, "访问令牌缺失或无效，请先调用 /api/v1/token 获取令牌")
        if expiry <= self.clock():
            raise PlatformRefusalError(401, 40103, "访问令牌已过期，请重新获取")


@dataclass
class Signatures:
    """Signed requests with a time and a nonce that works once."""

    secret: str
    clock: Callable[[], float]
    _expiry_by_nonce: dict[str, float] = field(default_factory=dict)

    def check(self, request: SignedRequest, *, algorithm: str, given: str) -> None:
        """Refuse an old, forged or repeated request."""
        now = self.clock()
        if algorithm not in ALGORITHMS:
            raise PlatformRefusalError(401, 40104, f"签名算法不支持，请使用 {'、'.join(ALGORITHMS)}")
        if not request.timestamp.isdigit() or abs(now - int(request.timestamp)) > CLOCK_TOLERANCE_SECONDS:
            raise PlatformRefusalError(401, 40105, "请求时间戳超出允许范围（前后五分钟），请校准时钟")
        if not 8 <= len(request.nonce) <= 64:
            raise PlatformRefusalError(401, 40104, "随机数长度应为 8 至 64 个字符")
        expected = signature(request, secret=self.secret, algorithm=algorithm)
        if not compare_digest(expected.encode(), given.encode()):
            raise PlatformRefusalError(401, 40104, "请求签名错误，请检查签名原文与密钥")
        self._expiry_by_nonce = {nonce: expiry for nonce, expiry in self._expiry_by_nonce.items() if expiry > now}
        if request.nonce in self._expiry_by_nonce:
            raise PlatformRefusalError(401, 40106, "请求重复：该随机数已使用")
        self._expiry_by_nonce[request.nonce] = now + 2 * CLOCK_TOLERANCE_SECONDS


@dataclass
class RateLimit:
    """A bucket that fills with `per_second` requests and holds `burst` of them."""

    per_second: float
    burst: int
    clock: Callable[[], float]
    _left: float = -1.0
    _seen_at: float = 0.0

    def take(self) -> None:
        """Take one request out of the bucket, or refuse with the seconds until there is one."""
        now = self.clock()
        if self._left < 0:
            self._left, self._seen_at = float(self.burst), now
        self._left = min(self.burst, self._left + max(0.0, now - self._seen_at) * self.per_second)
        self._seen_at = now
        if self._left < 1:
            wait = max(1, math.ceil((1 - self._left) / self.per_second))
            raise PlatformRefusalError(429, 42901, f"请求过于频繁，请于 {wait} 秒后重试", retry_after=wait)
        self._left -= 1


@dataclass
class Faults:
    """Failures on purpose: a share of all pages fails once or twice before it is served.

    Which pages fail depends on the seed and on what is asked, never on the clock or on the order of requests.
    """

    seed: int
    share: float
    _attempts: Counter[str] = field(default_factory=Counter)

    def strike(self, page: str) -> None:
        """Fail, if this page is to fail and has not failed often enough."""
        digest = hashlib.sha256(f"{self.seed}/{page}".encode()).digest()
        if int.from_bytes(digest[:4]) >= self.share * 2**32:
            return
        self._attempts[page] += 1
        if self._attempts[page] <= 1 + digest[4] % 2:
            if digest[5] % 2:
                raise PlatformRefusalError(500, 50001, "服务内部错误，请稍后重试")
            raise PlatformRefusalError(503, 50301, "服务暂不可用，请稍后重试", retry_after=1)
