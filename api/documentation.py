"""`/docs`: the operations on one plain page in Chinese, which loads nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

ROUTER = APIRouter(include_in_schema=False)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.7 "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: "Noto Sans Mono", Consolas, monospace; font-size: 13px; }
pre { padding: .7rem 1rem; overflow-x: auto; border: 1px solid #8884; border-radius: 4px; }
article { border-top: 1px solid #8884; padding: .6rem 0; }
h3 { margin: .2rem 0; font-size: 1rem; } h3 code { font-size: 14px; }
.method { display: inline-block; min-width: 3.2rem; font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { border-bottom: 1px solid #8883; padding: .2rem .6rem .2rem 0; text-align: left; vertical-align: top; }
td:first-child { white-space: nowrap; }
.quiet { opacity: .7; }
"""


@ROUTER.get("/")
def front_page() -> RedirectResponse:
    """Lead to the documentation."""
    return RedirectResponse("/docs")


@ROUTER.get("/docs")
def documentation(request: Request) -> HTMLResponse:
    """Show every operation."""
    page = render(request.app.openapi(), str(request.base_url))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def render(document: dict[str, Any], address: str) -> str:
    """Return the page for an OpenAPI document; `address` is where the API was found, with a slash at the end."""
    info = document["info"]
    lines = [
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>",
        f'<h1>{escape(info["title"])} <small class="quiet">{escape(info["version"])}</small></h1>',
        *(f"<p>{escape(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
        f"<pre>curl -H &quot;Authorization: Bearer 令牌&quot; {escape(address)}v1/marts</pre>",
        '<p>机器可读的接口说明：<a href="/openapi.json">/openapi.json</a>（OpenAPI 3.1）。</p>',
    ]
    for tag in document["tags"]:
        lines.append(f'<h2>{escape(tag["name"])}</h2><p class="quiet">{escape(tag["description"])}</p>')
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation.get("tags", ()):
                    lines += _operation(path, method, operation)
    return "\n".join([*lines, "</body></html>"])


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    lock = "" if operation.get("security") else ' <span class="quiet">（无需令牌）</span>'
    yield (
        f'<article id="{escape(operation["operationId"])}"><h3><span class="method">{method.upper()}</span>'
        f" <code>{escape(path)}</code> {escape(operation['summary'])}{lock}</h3>"
    )
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", ())
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(each['name'])}</code></td><td>{'必填' if each.get('required') else '可选'}</td>"
            f"<td>{escape(each.get('description') or '')}</td></tr>"
            for each in parameters
        )
        yield f"<table><tr><th>参数</th><th></th><th>说明</th></tr>{rows}</table>"
    yield "</article>"
