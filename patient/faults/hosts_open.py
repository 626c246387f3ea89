"""ALLOWED_HOSTS lets every host in.

Everything works, and links in mails can be made to lead to a stranger's site.
Watchpost names it: settings.allowed_hosts.
"""

from patient.stand import Stand

CODES = ("settings.allowed_hosts",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    shop.change("hosts_open", ALLOWED_HOSTS="*")


def heal(shop: Stand) -> None:
    shop.restore("hosts_open")
