"""Names in messages: what a host name is, DNS answers, ClientHellos and name blocks, whole, cut and hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.host_names import dns_names, names_in_block, server_name
from analyzer.model.host_name import HostName as Found
from analyzer.model.host_name import host_name, host_name_of, names_text, shortened
from tests.builders import address
from tests.naming import A, a_record, answer, client_hello, cname, labels, name_block, record
from tests.profiles import examples

WEB = ("198.51.100.20", "2001:db8::20")
HOSTILE = [
    b"\x1b[31mred", b"<script>", b"a b", b"a`b", b"a|b", b"a\nb", b"a\xe2\x80\xaeb", b"under_score", b"-dash", b"dash-",
    b"x" * 64, b"a.b", b"\xff", b"\0", b"*", b"[x](http://evil)", b"@all",
]  # fmt: skip


def test_names_of_hosts() -> None:
    assert host_name_of(b"www.Example.COM.") == "www.example.com"
    assert host_name_of(b"xn--mnchen-3ya.example") == "xn--mnchen-3ya.example"
    assert host_name_of(b"printer") == "printer"
    assert host_name_of(b"3com.com") == "3com.com"
    longest = b".".join([b"x" * 63] * 3 + [b"y" * 61])
    assert host_name_of(longest) == longest.decode()
    for wrong in (b"", b".", b"a..b", longest + b"y", b"192.0.2.1", b"1", "münchen.example".encode(), b"a.b.7"):
        assert host_name_of(wrong) == ""


@pytest.mark.parametrize("label", HOSTILE)
def test_what_is_no_host_name_is_dropped(label: bytes) -> None:
    assert host_name([label, b"example"]) == ""
    if len(label) < 64:
        assert dns_names(answer([label, b"example"], record(labels([label, b"example"]), A, bytes(4)))) == []
    if b"." not in label:
        assert server_name(client_hello(label + b".example")) == ""
        assert list(names_in_block(name_block({WEB[0]: [label + b".example"]})[8:-4], big=False)) == []


def test_answers_name_what_was_asked_for() -> None:
    """Also where CNAMEs lead to the address, by pointers or not; not where nothing leads there."""
    both = answer("www.example", *(a_record("www.example", ip) for ip in WEB))
    assert dns_names(both) == [(address(ip), "www.example") for ip in WEB]
    chain = answer("WWW.example", cname("www.Example", "a.cdn.example"), cname("a.cdn.example", "b.cdn.example"),
                   a_record("b.cdn.example", WEB[0]))  # fmt: skip
    assert dns_names(chain) == [(address(WEB[0]), "www.example")]
    pointer = answer("www.example", record(b"\xc0\x0c", A, address(WEB[0])))
    assert dns_names(pointer) == [(address(WEB[0]), "www.example")]
    assert dns_names(answer("www.example", a_record("bank.example", WEB[0]))) == []
    assert dns_names(answer("www.example", a_record("bank.example", WEB[0]), a_record("www.example", WEB[1]))) == [
        (address(WEB[1]), "www.example")
    ]
    # mDNS answers need no question.
    assert dns_names(answer(None, a_record("printer.local", WEB[0]))) == [(address(WEB[0]), "printer.local")]
    assert dns_names(answer("a.example", record(labels("a.example"), A, bytes(3)))) == []  # no address
    assert dns_names(answer("a.example", record(labels("a.example"), 16, bytes(4)))) == []  # TXT


def test_names_that_lead_round_in_circles_end() -> None:
    assert dns_names(answer("a.example", record(b"\xc0\x1b", A, address(WEB[0])))) == []  # to itself
    forward = answer("a.example", record(b"\xc0\x30", A, address(WEB[0])))
    assert dns_names(forward + labels("b.example")) == []
    many = answer("a.example", *[cname("a.example", "a.example")] * 500)
    assert dns_names(many) == []
    endless = b"".join([bytes([63]) + b"x" * 63] * 5)
    assert dns_names(answer(None)[:6] + b"\0\x01" + bytes(4) + endless + record(b"\0", A, bytes(4))) == []


def test_names_of_servers() -> None:
    assert server_name(client_hello(b"www.Example.com")) == "www.example.com"
    other = b"\x0a\x0a\0\x02ab"
    hello = client_hello(b"www.example.com", before=other)
    assert server_name(hello) == "www.example.com"
    assert server_name(hello + bytes(100)) == "www.example.com"
    for cut in range(len(hello)):
        assert server_name(hello[:cut]) == ""
    assert server_name(client_hello(b"www.example.com", kind=1)) == ""
    assert server_name(client_hello(b"")) == ""
    assert server_name(client_hello(b"192.0.2.1")) == ""


@pytest.mark.parametrize("order", ["little", "big"])
def test_names_in_blocks(order: str) -> None:
    found = name_block({WEB[0]: [b"a.example", b"b"], WEB[1]: [b"c.example"]}, order)  # type: ignore[arg-type]
    body = found[8:-4]
    expected = [(address(WEB[0]), "a.example"), (address(WEB[0]), "b"), (address(WEB[1]), "c.example")]
    assert list(names_in_block(body, big=order == "big")) == expected
    for cut in range(len(body)):
        assert list(names_in_block(body[:cut], big=order == "big")) in (expected[:0], expected[:2], expected)


@examples(500)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    whole = answer("a.example", cname("a.example", "b"), a_record("b", WEB[0]))
    for message in (data, whole[:12] + data, data[:20] + whole[20:], answer(None)[:6] + b"\0\x40\0\0\0\0" + data):
        for _, name in dns_names(message):
            assert host_name_of(name.encode()) == name
    for big in (False, True):
        for _, name in names_in_block(data, big=big):
            assert host_name_of(name.encode()) == name
    name = server_name(client_hello(b"x")[:43] + data)
    assert name == host_name_of(name.encode())


def test_names_beside_an_address_are_short() -> None:
    def found(*names: str) -> str:
        return names_text([Found(name, ("dns",)) for name in names])

    assert found("a.example") == "a.example"
    assert found("a.example", "b.example", "c.example", "d.example") == "a.example, b.example +2"
    long = "x" * 60 + ".owner.example"
    assert shortened(long).endswith("x.owner.example")
    assert len(found(long)) == 48
