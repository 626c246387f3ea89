"""The blog's name points to a provider where the account was closed.

Readers find nothing, until somebody else opens an account there and gets them.
Watchpost names it: dns.dangling_cname.
"""

from patient.full import Full
from patient.names import Change

CODES = ("dns.dangling_cname",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_dangling_cname", Change(blog=False))


def heal(shop: Full) -> None:
    shop.names.restore("dns_dangling_cname")
