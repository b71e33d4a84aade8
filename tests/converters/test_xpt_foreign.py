"""Files as other SAS versions and systems write them, put together byte by byte (SAS paper TS-140).

Each is read and written again with its own metadata: the same bytes, or a refusal that says why.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cdiscway.converters.readers.xpt import count_records, read, read_metadata
from cdiscway.converters.writers.xpt import write
from cdiscway.converters.xpt_mistakes import XptError


def header(name: bytes, tail: bytes = b"0" * 30 + b"  ") -> bytes:
    return b"HEADER RECORD*******" + name.ljust(8) + b"HEADER RECORD!!!!!!!" + tail


def padded(data: bytes, fill: bytes = b" ") -> bytes:
    return data + fill * (-len(data) % 80)


@dataclass(frozen=True)
class Var:
    """One NAMESTR, field by field as the paper names them."""

    nname: bytes = b"TXT"
    ntype: int = 2
    nlng: int = 4
    nlabel: bytes = b"Text"
    nform: bytes = b""
    nfl: int = 0
    nfd: int = 0
    nfj: int = 0
    nfill: bytes = b"\0\0"
    niform: bytes = b""
    nifl: int = 0
    nifd: int = 0
    nhfun: int = 0
    rest: bytes = b"\0" * 52
    number: int | None = None

    def packed(self, number: int, position: int, size: int) -> bytes:
        given = self.number or number
        head = struct.pack(">hhhh", self.ntype, self.nhfun, self.nlng, given)
        texts = self.nname.ljust(8) + self.nlabel.ljust(40) + self.nform.ljust(8)
        formats = struct.pack(">hhh", self.nfl, self.nfd, self.nfj) + self.nfill + self.niform.ljust(8)
        return (head + texts + formats + struct.pack(">hhl", self.nifl, self.nifd, position) + self.rest)[:size]


@dataclass(frozen=True)
class File:
    """A transport file; every field is one that some SAS writes in another way."""

    variables: tuple[Var, ...] = (Var(), Var(b"NUM", 1, 8, b"Number"))
    records: bytes = b"abcd" + bytes.fromhex("4110000000000000") + b"e   " + bytes.fromhex("2e00000000000000")
    version: bytes = b"9.4"
    system: bytes = b"X64_10PR"
    created: bytes = b"16FEB24:13:22:02"
    modified: bytes = b"16FEB24:13:22:02"
    library_created: bytes = b"16FEB24:13:22:02"
    name: bytes = b"AE"
    label: bytes = b"Adverse Events"
    type: bytes = b""
    size: int = 140
    fill: bytes = b" "
    end: bytes = b" "
    library: bytes = b"SASLIB"

    def bytes(self) -> bytes:
        first = b"SAS     SAS     " + self.library.ljust(8) + self.version.ljust(8) + self.system.ljust(8) + b" " * 24
        member = b"SAS     " + self.name.ljust(8) + b"SASDATA " + self.version.ljust(8) + self.system.ljust(8)
        return b"".join(
            [
                header(b"LIBRARY"),
                first + self.library_created.ljust(16),
                self.modified.ljust(80),
                header(b"MEMBER", b"0" * 16 + b"01600000000" + b"%03d  " % self.size),
                header(b"DSCRPTR"),
                member + b" " * 24 + self.created.ljust(16),
                self.modified.ljust(32) + self.label.ljust(40) + self.type.ljust(8),
                header(b"NAMESTR", b"000000%04d" % len(self.variables) + b"0" * 20 + b"  "),
                padded(self.namestrs(), self.fill),
                header(b"OBS"),
                padded(self.records, self.end),
            ]
        )

    def namestrs(self) -> bytes:
        position, found = 0, b""
        for number, variable in enumerate(self.variables, 1):
            found += variable.packed(number, position, self.size)
            position += variable.nlng
        return found


def number(hexadecimal: str, length: int) -> bytes:
    return bytes.fromhex(hexadecimal)[:length]


ONE = Var(b"NUM", 1, 8, b"Number")
SAME: dict[str, tuple[File, dict[str, Any]]] = {
    "SAS 9.4 on Windows": (File(), {}),
    "SAS 6.06 on a VAX, 136-byte descriptors": (File(version=b"6.06", system=b"VAX/VMS", size=136), {}),
    "SAS 6.06 bsd4.2": (File(version=b"6.06", system=b"bsd4.2"), {}),
    "SAS 9.3 XP_PRO": (File(version=b"9.3", system=b"XP_PRO"), {}),
    "SAS 9.2 on z/OS": (File(version=b"9.2", system=b"z/OS"), {}),
    "no version, no system": (File(version=b"", system=b""), {}),
    "a year of the last century": (File(created=b"01DEC97:00:00:59", library_created=b"31DEC60:23:59:59"), {}),
    "blank times": (File(created=b"", modified=b"", library_created=b""), {}),
    "one blank time": (File(modified=b""), {}),
    "months in small letters": (File(created=b"16Feb24:13:22:02"), {}),
    "NULs behind the descriptors": (File(fill=b"\0"), {}),
    "NULs behind names and labels": (
        File((Var(b"TXT".ljust(8, b"\0"), nlabel=b"Text".ljust(40, b"\0")), ONE)),
        {},
    ),
    "formats set right": (File((Var(nfj=1), replace(ONE, nfj=1))), {}),
    "blanks in nfill": (File((Var(nfill=b"  "), ONE)), {}),
    "blanks in the rest of a descriptor": (File((Var(rest=b" " * 52), ONE)), {}),
    "a hash of the name": (File((Var(nhfun=77), ONE)), {}),
    "numbers of variables with a gap": (File((Var(number=3), replace(ONE, number=9))), {}),
    "a library of another name": (File(library=b"SASDATA"), {}),
    "a dataset type": (File(type=b"DATA"), {}),
    "formats and informats": (
        File(
            (
                Var(nform=b"$CHAR", nfl=4, niform=b"$CHAR", nifl=4),
                replace(ONE, nform=b"DATE", nfl=9, niform=b"DDMMYY", nifl=10),
            )
        ),
        {},
    ),
    "a format without a name": (File((Var(), replace(ONE, nfl=8, nfd=2))), {}),
    "a format without a width": (File((Var(nform=b"$YN"), replace(ONE, nform=b"BEST", nfd=2))), {}),
    "a format whose name ends in a digit": (File((Var(), replace(ONE, nform=b"GRP1", nfl=3))), {}),
    "a label of 40 bytes": (File((Var(nlabel=b"x" * 40), ONE), label=b"y" * 40), {}),
    "no labels": (File((Var(nlabel=b""), replace(ONE, nlabel=b"")), label=b""), {}),
    "a label in cp1252": (File((Var(nlabel=b"Subject\x92s \xb5g"), ONE), label=b"Donn\xe9es"), {"encoding": "cp1252"}),
    "values in cp1252": (File(records=b"a\x92\xe9z" + bytes(8)), {"encoding": "cp1252"}),
    "bytes of no code page": (File(records=b"a\x81\x8dz" + bytes(8)), {"encoding": "latin-1"}),
    "values in UTF-8": (File(records="é≥".encode()[:4].ljust(4)[:2] + b"  " + bytes(8)), {"encoding": "utf-8"}),
    "leading blanks, blanks alone": (File(records=b"  ab" + bytes(8) + b"    " + number("4110000000000000", 8)), {}),
    "special missing values": (
        File((ONE,), b"".join(bytes([tag]) + bytes(7) for tag in b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
        {},
    ),
    "numbers at the ends of the range": (
        File(
            (ONE,),
            bytes.fromhex(
                "0010000000000000" + "7FFFFFFFFFFFFFF8" + "80100000000000 00".replace(" ", "") + "FFFFFFFFFFFFFFF8"
            ),
        ),
        {},
    ),
    **{
        f"numbers of {length} bytes": (
            File((replace(ONE, nlng=length), Var(nlng=80)), (number("41199999999999A0", length) + b"x" * 80) * 3),
            {},
        )
        for length in range(2, 9)
    },
    "one number of 3 bytes alone": (File((replace(ONE, nlng=3),), number("C2640000", 3) * 5), {}),
    "no records": (File(records=b""), {"allow_empty": True}),
    "trailing blank rows of a short record": (File((Var(nlng=8),), b"a       " + b" " * 8), {}),
    "trailing blank rows of a long record": (File((Var(nlng=100),), b"a" * 100 + b" " * 100), {}),
    "records that end with the file": (File((Var(nlng=80),), b"a" * 160), {}),
    "200 bytes": (File((Var(nlng=200),), b"x" * 200 + b"y".ljust(200)), {}),
    "a tabulator and a line end": (File(records=b"a\tb\n" + bytes(8)), {"control_characters": "keep"}),
    "NULs in a value and at its end": (File(records=b"a\0b\0" + bytes(8)), {"control_characters": "keep"}),
    "a control character in a label": (File((Var(nlabel=b"Text\rmore"), ONE)), {"control_characters": "keep"}),
    "cp1252 and a line end": (
        File(records=b"\x93\r\n\x94" + bytes(8)),
        {"encoding": "cp1252", "control_characters": "keep"},
    ),
}


@pytest.mark.parametrize(("file", "options"), SAME.values(), ids=SAME)
def test_what_sas_writes_comes_back_byte_for_byte(file: File, options: dict[str, Any], tmp_path: Path) -> None:
    source, target = tmp_path / "source.xpt", tmp_path / "target.xpt"
    source.write_bytes(file.bytes())
    encoding = {"encoding": options["encoding"]} if "encoding" in options else {}
    frame, metadata = read(source, **encoding)
    assert metadata == read_metadata(source, **encoding)
    assert len(frame) == count_records(source)
    write(frame, metadata, target, **options)
    assert target.read_bytes() == source.read_bytes()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "several members": (lambda: File().bytes() + File(name=b"CM").bytes()[240:], "holds several datasets (AE, CM)"),
    "the V8 layout": (lambda: File().bytes().replace(b"LIBRARY ", b"LIBV8   "), "of version 8"),
    "PROC CPORT": (lambda: b"**COMPRESSED** **COMPRESSED** ".ljust(880), "PROC CPORT"),
    "padding cut away": (lambda: File().bytes().rstrip(b" "), "is cut off: 1,064 bytes are no multiple of 80"),
    "padding of NULs": (lambda: File(records=b"x" * 12, end=b"\0").bytes(), "ends in"),
    "garbage behind the records": (lambda: File(records=b"x" * 78).bytes(), "bytes at the end are no record of 12"),
    "a record too many, cut": (lambda: File((Var(nlng=100),), b"x" * 310).bytes(), "are no record of 100"),
    "a number of 9 bytes": (lambda: File((Var(ntype=1, nlng=9),)).bytes(), "TXT has 9 bytes"),
    "no time": (lambda: File(created=b"yesterday").bytes(), "'yesterday' is not a time such as 04APR12:22:16:21"),
    "two variables of a name": (lambda: File((Var(), Var())).bytes(), "several variables have the same name"),
    "a label that is not ASCII": (lambda: File(label=b"\xe9").bytes(), "give the encoding, for example cp1252"),
    "a SAS dataset": (lambda: (bytes(12) + b"\xc2\xea\x81\x60").ljust(880, b"\0"), "is not a SAS transport file"),
}


@pytest.mark.parametrize(("made", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(made: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    source = tmp_path / "source.xpt"
    source.write_bytes(made())
    with pytest.raises(XptError) as caught:
        read(source)
    assert says in str(caught.value)


NOT_WRITTEN: dict[str, tuple[File, str]] = {
    "a name in small letters": (
        File((Var(b"aeTerm"), ONE)),
        "'aeTerm' is not a letter followed by A-Z, 0-9 and _ (write AETERM)",
    ),
    "a name with a blank": (File((Var(b"AE TERM"), ONE)), "'AE TERM' is not a letter followed"),
    "a tabulator": (File(records=b"a\tb " + bytes(8)), "holds the control character U+0009"),
    "a NUL": (File(records=b"a\0b " + bytes(8)), "holds the control character U+0000"),
    "a line end in a label": (File((Var(nlabel=b"a\nb"), ONE)), "holds a control character"),
    "a format that is none": (File((Var(), replace(ONE, nform=b"A B", nfl=3))), "is not a SAS format"),
    "text of 300 bytes": (File((Var(nlng=300),), b"x" * 300), "length 300 is not in 1 to 200"),
    "no records": (File(records=b""), "has no records"),
}


@pytest.mark.parametrize(("file", "says"), NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_what_is_read_but_may_not_be_submitted_is_refused_on_writing(file: File, says: str, tmp_path: Path) -> None:
    source = tmp_path / "source.xpt"
    source.write_bytes(file.bytes())
    frame, metadata = read(source)
    with pytest.raises(XptError) as caught:
        write(frame, metadata, tmp_path / "target.xpt")
    assert says in str(caught.value)
    assert not (tmp_path / "target.xpt").exists()


def test_blank_times_are_the_first_of_all_and_changed_metadata_have_headers_of_their_own(tmp_path: Path) -> None:
    source, target = tmp_path / "source.xpt", tmp_path / "target.xpt"
    source.write_bytes(File(created=b"", modified=b"", library_created=b"").bytes())
    frame, metadata = read(source)
    assert metadata.created == datetime(1960, 1, 1)
    write(frame, replace(metadata, label="Changed"), target)
    assert read_metadata(target).label == "Changed"
    assert b"01JAN60:00:00:00" in target.read_bytes()
    write(frame[["NUM"]], replace(metadata, variables=metadata.variables[1:]), target)
    assert [variable.name for variable in read_metadata(target).variables] == ["NUM"]


def test_fields_in_another_order_than_their_descriptors_are_read(tmp_path: Path) -> None:
    """npos says where a value stands; the writer puts the fields in the order of their descriptors."""
    text, number_first = Var(), replace(ONE)
    moved = File((text, number_first), bytes.fromhex("4110000000000000") + b"abcd")
    data = moved.bytes().replace(text.packed(1, 0, 140), text.packed(1, 8, 140))
    data = data.replace(number_first.packed(2, 4, 140), number_first.packed(2, 0, 140))
    (tmp_path / "source.xpt").write_bytes(data)
    frame, metadata = read(tmp_path / "source.xpt")
    assert frame.to_dict("list") == {"TXT": ["abcd"], "NUM": [1.0]}
    write(frame, metadata, tmp_path / "target.xpt")
    again, _ = read(tmp_path / "target.xpt")
    assert again.equals(frame)


def test_how_control_characters_are_taken_must_be_known(tmp_path: Path) -> None:
    (tmp_path / "source.xpt").write_bytes(File().bytes())
    frame, metadata = read(tmp_path / "source.xpt")
    with pytest.raises(ValueError, match="'refuse' or 'keep', not 'drop'"):
        write(frame, metadata, tmp_path / "target.xpt", control_characters="drop")  # type: ignore[arg-type]
