"""`park hj212 FILE`, `park jt808 FILE`: what stands in a file of frames, one JSON line per frame."""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from methods import hj212 as hj
from methods import jt808 as jt

Line = dict[str, Any]
CHUNK_BYTES = 1 << 16
LOOKED_AT = 50  # lines that tell what a file is
BROKEN_LINE = "broken_line"
STDIN = "-"
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OWN_ID = re.compile(r'"(?:id|case)"\s*:\s*"([^"\\]*)"')
_HEX_LINE = re.compile(rb"\s*(?:[0-9A-Fa-f]{2}[\s:,]*)+")
_ENCODINGS = ("utf-8", "gb18030", "latin-1")

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="文件，可为 .gz；- 表示标准输入")]
DialectOption = Annotated[
    list[str] | None,
    typer.Option("--dialect", metavar="MN=算法", help="该设备的校验算法：swapped、modbus 或 modbus_swapped；可写多次"),
]
KeyOption = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="设备密钥文件，JSON：设备编号 → 十六进制 SM4 密钥的列表")
]


def hj212(file: FileArgument, dialect: DialectOption = None, keys: KeyOption = None) -> None:
    """解析 HJ 212 报文：每帧输出一行 JSON，说明是否接收、原因与内容；输入为 JSON 行或原始字节流。"""
    devices = hj.Devices(_dialects(dialect or []), _decrypt_blocks(keys))
    with _opened(file) as (head, chunks):
        if _is_json(head):
            _print(_hj212_of_record(*record, devices) for record in _records(head, chunks, "frame"))
        else:
            splitter = hj.FrameSplitter(devices)
            fed = (piece for chunk in chunks for piece in splitter.feed(chunk))
            pieces = itertools.chain(fed, _closing(splitter))
            _print(_hj212_line(number, piece) for number, piece in enumerate(pieces, start=1))


def jt808(file: FileArgument) -> None:
    """解析 JT/T 808 报文：每帧输出一行 JSON；输入为 JSON、每行一帧的十六进制文本或原始字节流。"""
    with _opened(file) as (head, chunks):
        if _is_json(head):
            _print(_jt808_of_record(*record) for record in _records(head, chunks, "hex"))
        elif _is_hex(head):
            lines = enumerate(_lines(chunks), start=1)
            _print(_jt808_of_record(number, line.decode("latin-1")) for number, line in lines if line.strip())
        else:
            splitter = jt.FrameSplitter()
            fed = (piece for chunk in chunks for piece in splitter.feed(chunk))
            pieces = itertools.chain(fed, _closing(splitter))
            _print(_jt808_line(number, piece) for number, piece in enumerate(pieces, start=1))


def _hj212_of_record(record_id: object, text: str | None, devices: hj.Devices) -> Line:
    if text is None:
        return _hj212_shape(record_id, "reject", BROKEN_LINE, crc_ok=False, content=hj.Content({}, {}, {}))
    # Length and checksum are of bytes, and the text does not say which bytes its Chinese was: the first that fit.
    candidates = dict.fromkeys(encoded for name in _ENCODINGS if (encoded := _encoded(text, name)) is not None)
    decoded = [hj.decode_one(candidate, devices) for candidate in candidates]
    good = (piece for piece in decoded if isinstance(piece, hj.Frame))
    return _hj212_line(record_id, next(good, decoded[0]))


def _hj212_line(piece_id: object, piece: hj.Frame | hj.BadPiece) -> Line:
    if isinstance(piece, hj.Frame):
        crc_ok = piece.dialect is hj.Dialect.STANDARD
        return _hj212_shape(piece_id, "accept", None, crc_ok=crc_ok, content=piece.content)
    return _hj212_shape(piece_id, "reject", piece.reason.value, crc_ok=piece.crc_ok, content=piece.content)


def _hj212_shape(piece_id: object, verdict: str, reason: str | None, *, crc_ok: bool, content: hj.Content) -> Line:
    return {
        "id": piece_id,
        "verdict": verdict,
        "reason": reason,
        "crc_ok": crc_ok,
        "header": content.header,
        "cp": content.cp,
        "factors": content.factors,
    }


def _jt808_of_record(record_id: object, text: str | None) -> Line:
    try:
        data = bytes.fromhex(re.sub(r"0[xX]|[\s:,]", "", text or ""))
    except ValueError:
        data = b""
    if not data:
        return _jt808_shape(record_id, "reject", BROKEN_LINE, xor_ok=False, len_ok=False, header=None)
    return _jt808_line(record_id, jt.decode_one(data))


def _jt808_line(piece_id: object, piece: jt.Frame | jt.BadPiece) -> Line:
    is_good = isinstance(piece, jt.Frame)
    xor_ok, len_ok = (True, True) if isinstance(piece, jt.Frame) else (piece.xor_ok, piece.len_ok)
    reason = None if isinstance(piece, jt.Frame) else piece.reason.value
    fields: Line = {}
    if piece.header is not None:
        try:
            fields = jt.decoded_body(piece.header, piece.body)
        except jt.MalformedBodyError:
            fields = {"body_hex": piece.body.hex()}
            reason = reason or jt.Reason.BODY_MALFORMED.value
    verdict = "accept" if is_good and reason is None else "reject"
    return _jt808_shape(piece_id, verdict, reason, xor_ok=xor_ok, len_ok=len_ok, header=piece.header) | fields


def _jt808_shape(
    piece_id: object, verdict: str, reason: str | None, *, xor_ok: bool, len_ok: bool, header: jt.Header | None
) -> Line:
    own: Line = {} if header is None else {"msg_id": header.msg_id, "phone": header.phone}
    shown: Line = {}
    if header is not None:
        shown = {
            "version": 2019 if header.is_2019 else 2013,
            "body_length": header.body_length,
            "encryption": header.encryption,
            "serial": header.serial,
            "package_count": header.package_count,
            "package_number": header.package_number,
        }
    line: Line = {"id": piece_id, "verdict": verdict, "reason": reason, "xor_ok": xor_ok, "len_ok": len_ok}
    return {**line, "msg_id": None, "header": shown, **own}


def _print(lines: Iterable[Line]) -> None:
    """Write one line per frame in UTF-8, whatever the terminal's encoding is."""
    out = typer.get_binary_stream("stdout")
    for line in lines:
        out.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    out.flush()


@contextmanager
def _opened(file: str) -> Iterator[tuple[bytes, Iterator[bytes]]]:
    """Yield the first bytes of an input, which tell what it is, and all of them in chunks."""
    with ExitStack() as stack:
        if file == STDIN:
            stream = typer.get_binary_stream("stdin")
        else:
            try:
                stream = stack.enter_context(Path(file).open("rb"))
            except OSError as error:
                typer.echo(f"无法读取 {file}：{error.strerror}。请核对路径与权限。", err=True)
                raise typer.Exit(2) from error
        chunks = iter(lambda: stream.read(CHUNK_BYTES), b"")
        first = next(chunks, b"")
        chunks = itertools.chain([first], chunks)
        if first.startswith(_GZIP):
            chunks = _unpacked(chunks)
            first = next(chunks, b"")
            chunks = itertools.chain([first], chunks)
        if first.startswith(_BYTE_ORDER_MARK):
            first = first.removeprefix(_BYTE_ORDER_MARK)
            chunks = itertools.chain([first], itertools.islice(chunks, 1, None))
        yield first, chunks


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a .gz holds; one that breaks off gives what can still be read, and a note beside it."""
    packed = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for chunk in chunks:
        left = chunk
        while left:
            if packed.eof:  # another member follows
                packed = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                data = packed.decompress(left)
            except zlib.error as error:
                typer.echo(f"压缩文件已损坏（{error}），只输出其前可读的部分。", err=True)
                return
            if data:
                yield data
            left = packed.unused_data
    if not packed.eof:
        typer.echo("压缩文件不完整，只输出可读的部分。", err=True)


def _closing(splitter: hj.FrameSplitter | jt.FrameSplitter) -> Iterator[Any]:
    yield from splitter.close()


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of the input; only a line feed ends one, and blank lines at the end are none."""
    rest = b""
    blank = 0
    for chunk in itertools.chain(chunks, [b"\n"]):
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            if not line.strip():
                blank += 1
                continue
            yield from itertools.repeat(b"", blank)
            blank = 0
            yield line


def _is_json(head: bytes) -> bool:
    if head.lstrip().startswith((b"[", b"{")) and b'"' in head:
        return True
    lines = (line for line in head.split(b"\n", LOOKED_AT) if line.strip())
    return any(isinstance(_parsed(line), dict) for line in itertools.islice(lines, LOOKED_AT))


def _is_hex(head: bytes) -> bool:
    first = next((line for line in head.split(b"\n", LOOKED_AT) if line.strip()), b"")
    return _HEX_LINE.fullmatch(first.replace(b"0x", b"").replace(b"0X", b"")) is not None


def _records(head: bytes, chunks: Iterator[bytes], field: str) -> Iterator[tuple[object, str | None]]:
    """Yield id and text of each record: of a JSON array, or of JSON lines, where a broken line yields None as text."""
    if head.lstrip().startswith(b"["):
        content = b"".join(chunks)
        array = _parsed(content)
        if isinstance(array, list):
            yield from (_record(item, "", field) for item in array)
            return
        lines = iter(content.rstrip().split(b"\n"))
    else:
        lines = _lines(chunks)
    for line in lines:
        yield _record(_parsed(line), hj.decoded(line), field)


def _record(item: object, line: str, field: str) -> tuple[object, str | None]:
    if not isinstance(item, dict):
        found = _OWN_ID.search(line)
        return (found[1] if found else None), None
    text = item.get(field)
    return item.get("id", item.get("case")), text if isinstance(text, str) else None


def _parsed(data: bytes) -> object:
    try:
        return cast("object", json.loads(hj.decoded(data)))
    except (ValueError, RecursionError):
        return None


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
    except UnicodeEncodeError:
        return None


def _dialects(pairs: list[str]) -> dict[str, hj.Dialect]:
    dialects = {}
    for pair in pairs:
        device, sign, name = pair.rpartition("=")
        if not sign or name not in {dialect.value for dialect in hj.Dialect}:
            known = "、".join(dialect.value for dialect in hj.Dialect)
            raise typer.BadParameter(f"{pair!r} 应写作 MN=算法，算法为 {known} 之一。", param_hint="--dialect")
        dialects[device] = hj.Dialect(name)
    return dialects


def _decrypt_blocks(file: Path | None) -> dict[str, list[Any]]:
    if file is None:
        return {}
    from ingestion.readers.device_keys import DeviceKeysError, decrypt_blocks  # noqa: PLC0415 - for encrypted frames only

    try:
        return decrypt_blocks(file)
    except DeviceKeysError as error:
        message = f"{file} 无法用作密钥文件：应为 JSON，设备编号 → 十六进制 SM4 密钥的列表，新密钥在前。"
        raise typer.BadParameter(message, param_hint="--keys") from error
