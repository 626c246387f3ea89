"""The finding codes of DNS records: they are gone, contradict each other, or are not what they were."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_CRITICAL, _ERROR, _WARNING = Severity.CRITICAL, Severity.ERROR, Severity.WARNING

# DNS explains why a site is not reached, so it stands above the symptom. What changed stays until it is
# accepted or undone, and is slow trouble: it has an incident of its own. What is looked at over a grace
# time, or is a date, needs no second look.
CODES: tuple[Code, ...] = (
    Code("dns.nxdomain", _ERROR, "The name does not exist", rank=90),
    Code("dns.no_answer", _ERROR, "No name server answers", rank=88),
    Code("dns.unresolved", _ERROR, "Nobody can say who serves the domain", rank=71),
    Code("dns.refused_by_guard", _ERROR, "Name servers at closed addresses", rank=75, settled=True),
    Code("dns.signature_expired", _CRITICAL, "A DNSSEC signature has expired", rank=87),
    Code("dns.dnssec_broken", _CRITICAL, "DNSSEC does not add up", rank=86),
    Code("dns.cname_loop", _ERROR, "The CNAME runs in a circle", rank=85),
    Code("dns.dangling_cname", _ERROR, "The CNAME points to nothing", rank=84),
    Code("dns.name_servers_changed", _CRITICAL, "Other name servers", rank=83, lasting=True),
    Code("dns.ds_changed", _CRITICAL, "Another DS record", rank=82, lasting=True),
    Code("dns.expectation_failed", _ERROR, "Records are not as expected", rank=81),
    Code("dns.records_gone", _ERROR, "All records of a type are gone", rank=61),
    Code("dns.records_changed", _WARNING, "Records have changed", rank=60, lasting=True),
    Code("dns.name_server_gone", _ERROR, "A name server has no address", rank=58, lasting=True),
    Code("dns.server_silent", _WARNING, "One name server does not answer", rank=50),
    Code("dns.server_lame", _WARNING, "One name server does not know the zone", rank=51),
    Code(
        "dns.servers_disagree", _WARNING, "Name servers contradict each other", rank=55,
        lasting=True, settled=True,
    ),
    Code("dns.soa_drift", _WARNING, "Versions of the zone drift apart", rank=54, lasting=True, settled=True),
    Code(
        "dns.delegation_differs", _WARNING, "Parent and zone name other servers", rank=53,
        lasting=True, settled=True,
    ),
    Code(
        "dns.resolver_disagrees", _WARNING, "Resolvers say something else", rank=52,
        lasting=True, settled=True,
    ),
    Code(
        "dns.signature_expires_soon", _WARNING, "A DNSSEC signature ends soon", rank=56,
        lasting=True, settled=True,
    ),
)  # fmt: skip
