"""The Memcached of the pages is full and may throw nothing away (-M).

Everything works, slower: what is not in it yet is never kept.
Watchpost names it: cache.full.
"""

from patient.full import Full

CODES = ("cache.full",)
SYMPTOMS = ("site.error_status",)
RUNS = ("full",)
_IN_A_ROW = 300  # refused: one alone is not the end, the server makes room here and there
_SIZES = (18, 24, 30)  # of what small values are called; each size of item has memory of its own


def break_(shop: Full) -> None:
    shop.kept["memcached_options"] = ("-M", "-m", "2")
    shop.restart("memcached")
    for size in _SIZES:
        _fill(shop.ports["memcached"], size)


def heal(shop: Full) -> None:
    shop.kept.pop("memcached_options", None)
    shop.restart("memcached")


def _fill(port: int, size: int) -> None:
    from pymemcache import Client, MemcacheError

    client, refused = Client(("127.0.0.1", port), timeout=3), 0
    for number in range(200_000):
        try:
            client.set(f":1:{'a' * size}-{number:016x}", "0123456789abcdef", noreply=False)
            refused = 0
        except MemcacheError:
            refused += 1
        if refused == _IN_A_ROW:
            break
    client.close()
