"""One question to one server: what counts as an answer, and what comes of those that are none."""

from __future__ import annotations

from ipaddress import ip_network
from time import monotonic

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from watchpost.outbound import Guard, Outbound, Question, Resolver, Said
from watchpost.outbound.dnsask import ask
from watchpost.outbound.tests.nameserver import Speak, speaking

GUARD = Guard((ip_network("127.0.0.0/8"),))
HERE = "127.0.0.1"
LONG_S = 20.0  # never reached on a machine however slow; what must be waited for is short
SHORT_S = 0.4


def answer(query: dns.message.Message, *texts: str, rcode: int = 0) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.set_rcode(dns.rcode.Rcode(rcode))
    if texts:
        asked = query.question[0]
        reply.answer.append(dns.rrset.from_text(asked.name, 300, "IN", asked.rdtype, *texts))
    return reply


def fine(query: dns.message.Message, tcp: bool) -> list[bytes]:
    return [answer(query, "10 mail.shop.test.").to_wire()]


async def put(speak: Speak, timeout_s: float = LONG_S, with_tcp: bool = True, **more: object) -> Said:
    async with speaking({HERE: speak}, with_tcp) as port:
        return await ask(GUARD, Question("shop.test", "MX", HERE, port, timeout_s=timeout_s)._replace(**more))  # type: ignore[arg-type]


async def test_an_answer_is_read() -> None:
    said = await put(fine)
    assert said.message is not None
    assert str(said.message.answer[0][0]) == "10 mail.shop.test."
    assert (said.failure, said.tcp) == (None, False)
    assert said.ms > 0


async def test_it_asks_as_it_is_told() -> None:
    heard: list[dns.message.Message] = []

    def listen(query: dns.message.Message, tcp: bool) -> list[bytes]:
        heard.append(query)
        return fine(query, tcp)

    await put(listen)
    await put(listen, recursion=True, dnssec=True, checking=False)
    plain, full = heard
    assert (plain.flags, plain.ednsflags, plain.payload) == (0, 0, 1232)
    assert full.flags == dns.flags.RD | dns.flags.CD
    assert full.ednsflags == dns.flags.DO


async def test_what_is_cut_off_is_asked_for_by_tcp() -> None:
    long = [f"{number} {'mail' * 12}{number}.shop.test." for number in range(200)]

    def cut(query: dns.message.Message, tcp: bool) -> list[bytes]:
        if tcp:
            return [answer(query, *long).to_wire(max_size=65_535)]
        reply = answer(query)
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    said = await put(cut)
    assert said.message is not None
    assert (len(said.message.answer[0]), said.tcp) == (200, True)


async def test_one_cut_in_the_middle_of_a_record_as_well() -> None:
    def cut(query: dns.message.Message, tcp: bool) -> list[bytes]:
        if tcp:
            return fine(query, tcp)
        reply = answer(query, "10 mail.shop.test.")
        reply.flags |= dns.flags.TC
        return [reply.to_wire()[:-7]]

    said = await put(cut)
    assert said.message is not None
    assert said.tcp


async def test_cut_off_and_no_tcp_is_told() -> None:
    def cut(query: dns.message.Message, tcp: bool) -> list[bytes]:
        reply = answer(query)
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    said = await put(cut, with_tcp=False)
    assert said.failure is not None
    assert said.failure.kind == "truncated"
    assert "by TCP there is none: the connection was refused" in said.failure.sentence


async def test_one_lost_packet_is_no_silence() -> None:
    asked = []

    def second_time(query: dns.message.Message, tcp: bool) -> list[bytes]:
        asked.append(query.id)
        return fine(query, tcp) if len(asked) > 1 else []

    said = await put(second_time, timeout_s=3.0)
    assert said.message is not None
    assert len(set(asked)) == 1


async def test_silence_costs_the_deadline_and_no_more() -> None:
    began = monotonic()
    said = await put(lambda query, tcp: [], timeout_s=SHORT_S)
    assert said.failure is not None
    assert said.failure.kind == "timeout"
    assert "0.4 s" in said.failure.sentence
    assert SHORT_S <= monotonic() - began < 10


async def test_foreign_numbers_do_not_count() -> None:
    def guess(query: dns.message.Message, tcp: bool) -> list[bytes]:
        forged = answer(query, "10 evil.test.")
        forged.id = query.id ^ 1
        return [b"", b"\x00" * 5, forged.to_wire(), *fine(query, tcp)]

    said = await put(guess)
    assert said.message is not None
    assert str(said.message.answer[0][0]) == "10 mail.shop.test."


async def test_an_answer_to_another_question_is_none() -> None:
    def other(query: dns.message.Message, tcp: bool) -> list[bytes]:
        wrong = dns.message.make_query("evil.test", "MX", id=query.id)
        return [answer(wrong, "10 evil.test.").to_wire()]

    said = await put(other)
    assert said.failure is not None
    assert said.failure.kind == "mismatched"
    assert "evil.test. MX" in said.failure.sentence


@pytest.mark.parametrize("junk", [b"\xff" * 40, bytes.fromhex("8400 0001 0001 0000 0000 c00c 000f 0001")])
async def test_what_cannot_be_read_is_told(junk: bytes) -> None:
    said = await put(lambda query, tcp: [query.id.to_bytes(2, "big") + b"\x84" + junk[1:]])
    assert said.failure is not None
    assert said.failure.kind in ("malformed", "truncated")
    assert said.message is None


async def test_who_is_older_than_edns_is_asked_without() -> None:
    def old(query: dns.message.Message, tcp: bool) -> list[bytes]:
        if query.edns < 0:
            return fine(query, tcp)
        plain = dns.message.make_query("shop.test", "MX", id=query.id)
        return [answer(plain, rcode=dns.rcode.FORMERR).to_wire()]

    said = await put(old)
    assert said.message is not None
    assert said.message.rcode() == dns.rcode.NOERROR


async def test_closed_addresses_and_ports_are_values() -> None:
    refused = await ask(GUARD, Question("shop.test", "A", "10.1.2.3"))
    async with speaking({HERE: fine}) as port:
        pass
    nobody = await ask(GUARD, Question("shop.test", "A", HERE, port))
    strange = await ask(GUARD, Question(f"{'a' * 70}.test", "A", HERE, port))
    kinds = [one.failure.kind for one in (refused, nobody, strange) if one.failure]
    assert kinds == ["refused_by_guard", "refused", "malformed"]


async def test_resolvers_are_asked_with_recursion_and_are_not_guarded() -> None:
    heard: list[dns.message.Message] = []

    def listen(query: dns.message.Message, tcp: bool) -> list[bytes]:
        heard.append(query)
        return fine(query, tcp)

    async with speaking({HERE: listen}) as port:
        outbound = Outbound(Guard(()), Resolver([f"{HERE}:{port}"]))
        said = await outbound.ask_resolver(Question("shop.test", "MX", "", timeout_s=LONG_S))
        guarded = await outbound.ask(Question("shop.test", "MX", HERE, port))
        assert outbound.open_sockets == 0
        await outbound.close()
    assert (said.address, said.port) == (HERE, port)
    assert said.message is not None
    assert heard[0].flags & dns.flags.RD
    assert guarded.failure is not None
    assert guarded.failure.kind == "refused_by_guard"


@pytest.mark.parametrize(
    ("named", "is_at"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
    ],
)
def test_where_a_resolver_is(named: str, is_at: tuple[str, int]) -> None:
    assert Resolver([named]).servers(0) == (is_at,)
