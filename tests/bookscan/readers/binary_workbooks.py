"""Small .xls, .xlsb and .ods workbooks, which no library of the project writes."""

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Cells = Sequence[Sequence[str | float]]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def write_xls(path: Path, rows: Cells, *, date_1904: bool = False, dates: int = -1) -> Path:
    """Write one sheet; the numbers of column `dates` have the format of a date."""

    def record(number: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", number, len(content)) + content

    def text(value: str, length: str) -> bytes:
        return struct.pack(length, len(value)) + b"\x01" + value.encode("utf-16-le")

    formats = [
        record(0xE0, struct.pack("<HH16x", 0, code))
        for code in (0, 14)  # 14: d/m/yyyy
    ]
    start = record(0x809, struct.pack("<HHHH8x", 0x600, 5, 0, 0))
    start += record(0x22, struct.pack("<H", date_1904)) + b"".join(formats)
    sheet_at = len(start) + 4 + 6 + len(text("F", "<B")) + 4
    stream = start + record(0x85, struct.pack("<IH", sheet_at, 0) + text("F", "<B")) + record(0x0A)
    stream += record(0x809, struct.pack("<HHHH8x", 0x600, 0x10, 0, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            place = struct.pack("<HHH", row, column, column == dates)
            if isinstance(cell, str):
                stream += record(0x204, place + text(cell, "<H"))
            else:
                stream += record(0x203, place + struct.pack("<d", cell))
    path.write_bytes(_compound_file(stream + record(0x0A)))
    return path


def _compound_file(stream: bytes) -> bytes:
    """Put the stream `Workbook` into an OLE container of sectors of 512 bytes."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    chain = [_FAT, _END, *range(3, 2 + count), _END]
    header = OLE + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        encoded = (name + "\0").encode("utf-16-le")
        links = struct.pack("<HBBIII", len(encoded), kind, 1, _FREE, _FREE, child)
        return encoded.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IIxxxx", start, size)

    directory = entry("Root Entry", 5, 1, _END, 0) + entry("Workbook", 2, _FREE, 2, len(stream))
    return header + fat + directory.ljust(512, b"\0") + stream


def write_xlsb(path: Path, rows: Cells, *, date_1904: bool = False) -> Path:
    """Write one sheet."""

    def record(number: int, content: bytes = b"") -> bytes:
        head = bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
        return head + bytes([len(content)]) + content

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    book = record(131) + record(153, struct.pack("<III", date_1904, 0, 0)) + record(143)
    book += record(156, struct.pack("<II", 0, 1) + text("rId1") + text("F"))
    book += record(144) + record(132)
    sheet = record(129) + record(148, struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1))
    sheet += record(145)
    for row, cells in enumerate(rows):
        sheet += record(0, struct.pack("<I13x", row))
        for column, cell in enumerate(cells):
            place = struct.pack("<II", column, 0)
            if isinstance(cell, str):
                sheet += record(6, place + text(cell))
            else:
                sheet += record(5, place + struct.pack("<d", cell))
    sheet += record(146) + record(130)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", book)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.bin"/>'
            "</Relationships>",
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return path


def write_ods(path: Path, rows: Cells, *, date_1904: bool = False, repeated: int = 1) -> Path:
    """Write one sheet; its last row is repeated."""

    def cell(value: str | float) -> str:
        shown = f"<text:p>{escape(str(value))}</text:p>"
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string">{shown}</table:table-cell>'
        kind = f'office:value-type="float" office:value="{value}"'
        return f"<table:table-cell {kind}>{shown}</table:table-cell>"

    def row(cells: Sequence[str | float], times: int) -> str:
        content = "".join(map(cell, cells))
        times_text = f'table:number-rows-repeated="{times}"' if times > 1 else ""
        return f"<table:table-row {times_text}>{content}</table:table-row>"

    lines = "".join(row(cells, 1) for cells in rows[:-1]) + row(rows[-1], repeated)
    null = '<table:null-date table:date-value="1904-01-01"/>' if date_1904 else ""
    kind = "urn:oasis:names:tc:opendocument:xmlns"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{kind}:manifest:1.0"/>'
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{kind}:office:1.0" '
            f'xmlns:table="{kind}:table:1.0" xmlns:text="{kind}:text:1.0"><office:body>'
            f"<office:spreadsheet><table:calculation-settings>{null}</table:calculation-settings>"
            f'<table:table table:name="F">{lines}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return path
