"""Superset's configuration, read in Superset's own environment (`SUPERSET_CONFIG_PATH` points here).

Environment, all set by the supervisor and by `dashboards.publish`:

- `SUPERSET_METADATA_URI`: SQLAlchemy URI of the metadata database, without password where the next one is given;
- `SUPERSET_METADATA_PASSWORD_FILE`: file with its password (optional);
- `SUPERSET_SECRET_KEY_FILE`, `SUPERSET_GUEST_TOKEN_SECRET_FILE`: files with the two secrets;
- `SUPERSET_STATE_DIR`: folder for caches;
- `SUPERSET_MAP_TILE_URL`: base map tiles `http://host/{z}/{x}/{y}.png` (optional; empty: the park's own shapes);
- `SUPERSET_SECURE_COOKIES`: `1` behind HTTPS (optional).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import yaml

_HERE = Path(__file__).resolve().parent
_DAY = int(timedelta(days=1).total_seconds())


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"superset_config: {name} is not set; start Superset with `park`, which sets it.")
    return value


def _secret(name: str) -> str:
    path = Path(_required(name))
    if not path.is_file():
        raise RuntimeError(f"superset_config: {name}={path} is not a file; generate the keys with `park` first.")
    return path.read_text("utf-8").strip()


def _metadata_uri() -> str:
    uri = _required("SUPERSET_METADATA_URI")
    if not os.environ.get("SUPERSET_METADATA_PASSWORD_FILE"):
        return uri
    parts = urlsplit(uri)
    password = quote(_secret("SUPERSET_METADATA_PASSWORD_FILE"), safe="")
    user, _, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{password}@{address}"))


# "The last 7 days" means days of the park.
os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

SQLALCHEMY_DATABASE_URI = _metadata_uri()
SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}
SECRET_KEY = _secret("SUPERSET_SECRET_KEY_FILE")
GUEST_TOKEN_JWT_SECRET = _secret("SUPERSET_GUEST_TOKEN_SECRET_FILE")
GUEST_ROLE_NAME = "Public"

# ---- language
BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "us", "name": "English"}}
APP_NAME = "一网湖仓"
CURRENCIES = ["CNY"]
DASHBOARD_AUTO_REFRESH_INTERVALS = [
    [0, "不刷新"],
    [60, "1 分钟"],
    [300, "5 分钟"],
    [900, "15 分钟"],
    [3600, "1 小时"],
]

# ---- caches: no Redis on one machine
_STATE = Path(_required("SUPERSET_STATE_DIR"))
DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "FileSystemCache",
    "CACHE_DIR": str(_STATE / "cache" / "data"),
    "CACHE_DEFAULT_TIMEOUT": 300,
    "CACHE_THRESHOLD": 5000,
    "CACHE_KEY_PREFIX": "park_data_",
}
CACHE_CONFIG = {**DATA_CACHE_CONFIG, "CACHE_DIR": str(_STATE / "cache" / "objects"), "CACHE_KEY_PREFIX": "park_object_"}
FILTER_STATE_CACHE_CONFIG = {
    "CACHE_TYPE": "SupersetMetastoreCache",
    "CACHE_DEFAULT_TIMEOUT": 90 * _DAY,
    "REFRESH_TIMEOUT_ON_RETRIEVAL": True,
}
EXPLORE_FORM_DATA_CACHE_CONFIG = {**FILTER_STATE_CACHE_CONFIG, "CACHE_DEFAULT_TIMEOUT": 7 * _DAY}
# Many screens watch the same dashboard: a refresh asks the cache first.
DASHBOARD_AUTO_REFRESH_MODE = "fetch"
SUPERSET_DASHBOARD_POSITION_DATA_LIMIT = 262144

# ---- what is switched on
FEATURE_FLAGS = {
    "DASHBOARD_VIRTUALIZATION": False,  # a wall must draw every chart, not only those scrolled into view
    "DRILL_BY": True,
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,
    "ENABLE_JAVASCRIPT_CONTROLS": False,
    "EMBEDDED_SUPERSET": False,
}
PREVENT_UNSAFE_DB_CONNECTIONS = True
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 60
ROW_LIMIT = 50_000

# ---- look
_FONTS = "'Noto Sans SC', 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_LOGO = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' width='132' height='28' viewBox='0 0 132 28'>"
    "<g fill='none' stroke='#1c8ce3' stroke-width='2.4'><circle cx='14' cy='14' r='11'/>"
    "<path d='M4 11q5 4 10 0t10 0M4 17q5 4 10 0t10 0'/></g>"
    "<text x='34' y='20' font-family='Noto Sans SC,Noto Sans CJK SC,PingFang SC,Microsoft YaHei,sans-serif' "
    f"font-size='18' font-weight='700' fill='#1c8ce3'>{APP_NAME}</text></svg>"
)
THEME_DEFAULT: dict[str, Any] = {
    "algorithm": "default",
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": _LOGO,
        "brandLogoMargin": "18px 0",
        "brandLogoHref": "/",
        "brandLogoHeight": "24px",
        "brandSpinnerUrl": None,
        "brandSpinnerSvg": None,
        "brandIconMaxWidth": 37,
        "colorPrimary": "#1677c8",
        "colorLink": "#1677c8",
        "colorError": "#d93f4c",
        "colorWarning": "#f2a900",
        "colorSuccess": "#2fa36b",
        "colorInfo": "#3f9be0",
        "fontUrls": [],
        "fontFamily": _FONTS,
        "fontFamilyCode": "'Noto Sans Mono CJK SC', 'Courier New', monospace",
        "transitionTiming": 0.3,
        "fontSizeXS": "10",
        "fontSizeXXL": "28",
        "fontWeightNormal": "400",
        "fontWeightLight": "300",
        "fontWeightStrong": "500",
        "fontWeightBold": "700",
        "colorEditorSelection": "#fff5cf",
    },
}
THEME_DARK: dict[str, Any] = {
    "algorithm": "dark",
    "token": {
        **THEME_DEFAULT["token"],
        "colorPrimary": "#3fa7ff",
        "colorLink": "#3fa7ff",
        "colorEditorSelection": "#5c4d1a",
    },
}
ENABLE_UI_THEME_ADMINISTRATION = False

EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "parkBright",
        "description": "亮色，用于深色背景",
        "label": "园区亮色",
        "isDefault": True,
        "colors": [
            *("#3fa7ff", "#f0b429", "#37c871", "#ff8a5c", "#b58cff", "#35d0c8"),
            *("#ff7ab8", "#9fd356", "#7f9cc0", "#ffd978", "#6f8dff", "#e0e7ef"),
        ],
    }
]

# ---- base map
_TILES = os.environ.get("SUPERSET_MAP_TILE_URL", "")
DECKGL_BASE_MAP = [["tile://" + _TILES, "园区底图"]] if _TILES else [["", "园区底图"]]
_TILE_ORIGIN = [f"{urlsplit(_TILES).scheme}://{urlsplit(_TILES).netloc}"] if _TILES else []

# ---- what a page may load: this server, and the tiles
TALISMAN_ENABLED = True
_SECURE = os.environ.get("SUPERSET_SECURE_COOKIES") == "1"
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:", *_TILE_ORIGIN],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'", *_TILE_ORIGIN],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        # Labels of map points are configured by a small function, which the page evaluates.
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": _SECURE,
}
SESSION_COOKIE_SECURE = _SECURE
SESSION_COOKIE_SAMESITE = "Lax"
ENABLE_CORS = False
ENABLE_PROXY_FIX = _SECURE


def _reviewed_pack() -> bytes:
    """Return the Chinese pack that Superset ships, part of which nobody reviewed, with our wording laid over it."""
    shipped = (
        Path(importlib.import_module("superset").__file__ or "").parent / "translations/zh/LC_MESSAGES/messages.json"
    )
    pack = json.loads(shipped.read_text("utf-8"))
    wording = yaml.safe_load((_HERE / "superset" / "wording_zh.yaml").read_text("utf-8"))
    pack["locale_data"]["superset"].update({english: [chinese] for english, chinese in wording.items()})
    return json.dumps(pack, ensure_ascii=False).encode()


def FLASK_APP_MUTATOR(app: Any) -> None:  # noqa: ANN401, N802 - the name and the call are Superset's
    """Send our wording where Superset would send its own file of Chinese words."""
    flask = importlib.import_module("flask")  # exists in Superset's environment only
    words = _reviewed_pack()
    tag = hashlib.sha256(words).hexdigest()[:16]

    @app.after_request  # type: ignore[untyped-decorator]
    def send_reviewed_words(response: Any) -> Any:  # noqa: ANN401
        asked = flask.request
        if asked.endpoint != "Superset.language_pack" or response.status_code != 200:
            return response
        if asked.view_args != {"lang": "zh"}:
            return response
        reviewed = app.response_class(words, mimetype="application/json")
        reviewed.set_etag(tag)
        reviewed.cache_control.no_cache = True
        return reviewed.make_conditional(asked)
