"""define.html: everything escaped, every link leads somewhere, nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

from cdiscway.define.build import build_define
from cdiscway.define.html import define_html, write_html
from cdiscway.define.input import Document
from cdiscway.define.read import read_define

EXAMPLES = Path(__file__).parents[2] / ".." / "shared" / "define-examples"


@pytest.fixture(params=["built", "defineV21-SDTM.xml", "defineV21-ADaM.xml"])
def page(request, package):
    if request.param == "built":
        return define_html(build_define(package))
    if not (EXAMPLES / request.param).is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    return define_html(read_define(EXAMPLES / request.param))


def test_every_link_inside_the_page_leads_to_a_place(page):
    tree = html.fromstring(page)
    places = tree.xpath("//@id")
    assert len(places) == len(set(places))
    targets = {href[1:] for href in tree.xpath("//a/@href") if href.startswith("#")}
    assert targets <= set(places)


def test_nothing_is_loaded_from_elsewhere(page):
    tree = html.fromstring(page)
    assert tree.xpath("//link | //img | //iframe | //object | //script[@src]") == []
    assert "@import" not in page
    assert "url(" not in page
    assert "default-src 'none'" in tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]


def test_every_cell_of_a_narrow_screen_names_its_column(page):
    assert html.fromstring(page).xpath("//table[contains(@class, 'cards')]/tbody/tr/td[not(@data-label)]") == []


def test_every_variable_codelist_and_method_is_there(package):
    define = build_define(package)
    places = set(html.fromstring(define_html(define)).xpath("//@id"))
    for dataset in define.metadata.datasets:
        assert {f"{dataset.oid}.{ref.item_oid}" for ref in dataset.items} <= places
    assert {item.oid for item in (*define.metadata.codelists, *define.metadata.methods)} <= places
    assert {f"IG.LB.{ref.item_oid}" for ref in define.metadata.value_lists[0].items} <= places


def test_text_of_the_study_is_escaped(package):
    bad = '<script>alert(1)</script> & "quotes"'
    page = define_html(build_define(replace(package, study_name=bad, comments={"LB.LBORRES": bad})))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", "//example.org/x", "file:///etc/passwd"])
def test_an_address_that_could_do_harm_is_text(href, package):
    page = define_html(build_define(replace(package, documents=(Document("x", href, "A document"),))))
    assert "A document" in page
    assert not any(found == href for found in html.fromstring(page).xpath("//@href"))


def test_pages_of_the_annotated_crf_are_links(package):
    assert html.fromstring(define_html(build_define(package))).xpath("//a[@href='acrf.pdf#page=12']")


def test_the_same_define_gives_the_same_page(package, tmp_path):
    for name in ("a.html", "b.html"):
        write_html(build_define(package), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert not re.search(r"\{\{|\{%", (tmp_path / "a.html").read_text())
