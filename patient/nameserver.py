"""The name servers of the stand's little internet: ``python -m patient.nameserver PORT FOLDER``.

FOLDER has a folder for each address, named after it, with the zones that are served there (``<zone>.zone``,
read again whenever they change). An empty folder refuses; one that is gone is a machine that is silent. At
127.0.0.1 there is a resolver: it asks its way through the same files, from the root, and remembers nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from patient.names import REGISTRY, RESOLVER

_MOST_STEPS = 12  # from the root to a name, and along CNAMEs
_TCP_PATIENCE_S = 10.0


class Silent(Exception):
    """Nobody is there."""


@lru_cache(maxsize=64)
def _read(file: Path, changed_ns: int) -> dns.zone.Zone:
    origin = dns.name.from_text(file.stem if file.stem != "root" else ".")
    return dns.zone.from_file(str(file), origin, relativize=False, check_origin=False)


def _zones(folder: Path) -> list[dns.zone.Zone]:
    """The longest name first. Raises Silent."""
    if not folder.is_dir():
        raise Silent
    found = [_read(file, file.stat().st_mtime_ns) for file in folder.glob("*.zone")]
    return sorted(found, key=lambda zone: -len(zone.origin or ()))


def serve(folder: Path, query: dns.message.Message) -> dns.message.Message:
    """What the authoritative server of this folder says (RFC 1034, 4.3.2). Raises Silent."""
    reply, asked = dns.message.make_response(query), query.question[0]
    zone = next((one for one in _zones(folder) if asked.name.is_subdomain(one.origin)), None)
    if zone is None:
        reply.set_rcode(dns.rcode.REFUSED)
        return reply
    cut = _cut(zone, asked.name)
    if cut is not None and not (cut.name == asked.name and asked.rdtype == dns.rdatatype.DS):
        reply.authority.append(cut)
        reply.additional.extend(_glue(zone, cut))
        return reply
    reply.flags |= dns.flags.AA
    found = _found(zone, asked.name, asked.rdtype)
    reply.answer.extend(found)
    if not found:
        exists = any(name.is_subdomain(asked.name) for name in zone)
        reply.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
        reply.authority.extend(_found(zone, zone.origin, dns.rdatatype.SOA))
    return reply


def _found(zone: dns.zone.Zone, name: dns.name.Name, rdtype: int) -> list[dns.rrset.RRset]:
    return [found for one in (rdtype, dns.rdatatype.CNAME) if (found := zone.get_rrset(name, one))][:1]


def _cut(zone: dns.zone.Zone, name: dns.name.Name) -> dns.rrset.RRset | None:
    """The delegation below the zone's own name that ``name`` lies in."""
    below = [name.split(count)[1] for count in range(len(zone.origin or ()) + 1, len(name) + 1)]
    return next((cut for one in below if (cut := zone.get_rrset(one, dns.rdatatype.NS))), None)


def _glue(zone: dns.zone.Zone, cut: dns.rrset.RRset) -> Iterable[dns.rrset.RRset]:
    for server in cut:
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            if found := zone.get_rrset(server.target, rdtype):
                yield found


def resolve(folder: Path, query: dns.message.Message) -> dns.message.Message:
    """What a resolver says that asks from the root down. SERVFAIL when nobody on the way can tell."""
    reply, asked = dns.message.make_response(query), query.question[0]
    reply.flags |= dns.flags.RA
    name, servers = asked.name, [REGISTRY]
    for _ in range(_MOST_STEPS):
        said = _ask(folder, servers, name, asked.rdtype)
        if said is None:
            break
        if not said.flags & dns.flags.AA:  # a referral
            servers = _servers(folder, said)
            continue
        reply.answer.extend(said.answer)
        target = _target(said, asked.rdtype)
        if target is None:
            reply.set_rcode(said.rcode())
            reply.authority.extend(said.authority)
            return reply
        name, servers = target, [REGISTRY]
    reply.answer.clear()
    reply.set_rcode(dns.rcode.SERVFAIL)
    return reply


def _target(said: dns.message.Message, rdtype: int) -> dns.name.Name | None:
    """Where a CNAME leads that was answered in place of what was asked for."""
    [found] = said.answer or [None]
    if found is None or found.rdtype != dns.rdatatype.CNAME or rdtype == dns.rdatatype.CNAME:
        return None
    return found[0].target


def _ask(
    folder: Path, servers: list[str], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.message.Message | None:
    """The first of them that serves the zone."""
    for server in servers:
        with suppress(Silent):
            said = serve(folder / server, dns.message.make_query(name, rdtype))
            if said.rcode() != dns.rcode.REFUSED:
                return said
    return None


def _servers(folder: Path, referral: dns.message.Message) -> list[str]:
    """The addresses of those that a zone is delegated to: as they came along, else looked up."""
    found = [rdata.address for one in referral.additional for rdata in one]
    for server in referral.authority[0]:
        if not any(one.name == server.target for one in referral.additional):
            said = resolve(folder, dns.message.make_query(server.target, dns.rdatatype.A))
            found += [rdata.address for one in said.answer for rdata in one if hasattr(rdata, "address")]
    return found


# ---- the wire --------------------------------------------------------------------------------------


def _respond(folder: Path, address: str, wire: bytes) -> bytes | None:
    """None: no answer."""
    try:
        query = dns.message.from_wire(wire)
        said = resolve(folder, query) if address == RESOLVER else serve(folder / address, query)
    except (Silent, dns.exception.DNSException, IndexError):
        return None
    return said.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, folder: Path, address: str) -> None:
        self._folder, self._address = folder, address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = _respond(self._folder, self._address, data)
        if answer is not None:
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]


async def _stream(
    folder: Path, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        while True:
            async with asyncio.timeout(_TCP_PATIENCE_S):
                [length] = struct.unpack("!H", await reader.readexactly(2))
                answer = _respond(folder, address, await reader.readexactly(length))
            if answer is None:
                break
            writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()
    writer.close()


async def _listen(port: int, folder: Path, addresses: Iterable[str]) -> None:
    loop = asyncio.get_running_loop()
    for address in addresses:
        await loop.create_datagram_endpoint(
            lambda address=address: _Datagrams(folder, address), local_addr=(address, port)
        )
        await asyncio.start_server(
            lambda r, w, address=address: _stream(folder, address, r, w), address, port
        )
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("addresses", nargs="+")
    args = parser.parse_args()
    asyncio.run(_listen(args.port, args.folder, args.addresses))


if __name__ == "__main__":
    main()
