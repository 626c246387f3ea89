"""The mail server of the domain is another one.

Mails to the shop arrive, at somebody else's.
Watchpost names it: dns.records_changed.
"""

from patient.full import Full
from patient.names import Change

CODES = ("dns.records_changed",)
RUNS = ("full",)


def break_(shop: Full) -> None:
    shop.names.change("dns_mail_changed", Change({("@", "MX"): ("10 mail.parking.test.",)}))


def heal(shop: Full) -> None:
    shop.names.restore("dns_mail_changed")
