"""Files: what is judged while a folder of transport files is read."""

from __future__ import annotations

from .base import announce

READ = announce(
    "CDW-FILE-READ",
    "error",
    citation="SAS technical paper TS-140",
    fix_in="tool",
    text="""A file is a whole SAS transport file of version 5 with one dataset.
    A file that is cut off or holds something else cannot be checked; what could be read of it is not used.""",
)
ENCODING = announce(
    "CDW-FILE-ENCODING",
    "error",
    citation="FDA Study Data Technical Conformance Guide",
    fix_in="raw",
    text="""The text of a transport file is ASCII.
    Other bytes are read as UTF-8 where they are that, else as Windows-1252, and each such value is a finding too.""",
)
NAME = announce(
    "CDW-FILE-NAME",
    "error",
    citation="FDA Study Data Technical Conformance Guide",
    fix_in="tool",
    text="A file is named as its dataset, in lower case: lb.xpt holds LB.",
)
TWICE = announce(
    "CDW-FILE-TWICE",
    "error",
    citation="SDTMIG 3.4 section 3.2",
    fix_in="tool",
    text="""A dataset is in one file.
    Of several files with the same dataset the first is checked, by the order of their paths.""",
)
SIZE = announce(
    "CDW-FILE-SIZE",
    "error",
    citation="FB2401",
    fix_in="tool",
    text="""A file has at most 5 GB.
    A larger dataset is split: the whole, and beside it in the folder split its parts of at most 5 GB.""",
)
SPLIT = announce(
    "CDW-FILE-SPLIT",
    "error",
    citation="FDA Study Data Technical Conformance Guide",
    fix_in="tool",
    text="""The parts of a split dataset are together the dataset.
    Each record of the whole is in one part, with the same variables: --SEQ is as unique over the parts as in the whole.""",
)
