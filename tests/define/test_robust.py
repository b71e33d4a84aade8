"""Whatever stands in a file: reading, checking, showing and writing end with findings or mistakes, never with a crash."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import pytest
from lxml import etree

from cdiscway.define.against_data import check_against_data
from cdiscway.define.build import build_define
from cdiscway.define.check import check_content
from cdiscway.define.excel import unheld
from cdiscway.define.html import define_html
from cdiscway.define.index import Index
from cdiscway.define.read import parse_define
from cdiscway.define.specs import specs_of
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

WORDS = ("", "x", "-1", "99999999999", "Yes", 'é<>&"', "IT.LB.LBORRES", "1.5", " 3 ")
TAGS = (
    "{urn:vendor}Note",
    *(f"{{http://www.cdisc.org/ns/odm/v1.3}}{name}" for name in ("ItemDef", "Alias", "Description")),
)


def mutate(root: etree._Element, chance: random.Random) -> None:
    """Change one thing: drop, double, rename or move an element; drop or change an attribute; change a text."""
    nodes = [node for node in root.iter() if isinstance(node.tag, str) and node.getparent() is not None]
    if not nodes:
        return
    node = chance.choice(nodes)
    names = list(node.attrib)
    kind = chance.randrange(7)
    if kind == 0:
        node.getparent().remove(node)
    elif kind == 1 and names:
        del node.attrib[chance.choice(names)]
    elif kind == 2 and names:
        node.attrib[chance.choice(names)] = chance.choice(WORDS)
    elif kind == 3:
        node.addnext(copy.deepcopy(node))
    elif kind == 4:
        node.tag = chance.choice(TAGS)
    elif kind == 5:
        node.text = chance.choice(("", "text", "  "))
    elif len(node) > 1:
        node.append(node[0])


@pytest.mark.parametrize("seed", range(20))
def test_no_mutation_crashes_anything(seed, package):
    chance = random.Random(seed)
    root = etree.fromstring(define_bytes(build_define(package)))
    for _ in range(4):
        mutate(root, chance)
    try:
        define = parse_define(etree.tostring(root))
    except MistakesError:
        return
    check_content(define, root)
    check_against_data(Index(define), {item.name: (item.frame, item.metadata) for item in package.datasets})
    define_html(define)
    specs_of(define)
    unheld(define)
    assert parse_define(define_bytes(define)) == define


@pytest.mark.parametrize("seed", range(20))
def test_no_broken_byte_crashes_the_reader(seed, package):
    chance = random.Random(seed)
    data = bytearray(define_bytes(build_define(package)))
    for _ in range(3):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        define = parse_define(bytes(data))
    except MistakesError:
        return
    assert parse_define(define_bytes(define)) == define


def test_a_character_xml_cannot_hold_is_named_with_its_place(package):
    define = build_define(replace(package, comments={"LB": "a\x01b"}))
    with pytest.raises(MistakesError, match=r"COM.LB.*U\+0001, which XML cannot hold"):
        define_bytes(define)
