"""Visitors: pages asked for a few times a second, an order now and then.

``python -m patient.traffic URL [--ca FILE]``
"""

from __future__ import annotations

import argparse
import http.cookiejar
import random
import re
import ssl
import time
import urllib.parse
import urllib.request

_PAUSE_S = 0.3
_ORDER_EVERY = 30  # requests
_TIMEOUT_S = 5
_PATHS = ("/", "/", "/?page=2", "/category/tea/", "/basket/", "/api/products/", "/api/")
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, url: str, ca: str | None) -> None:
        self._url = url.rstrip("/")
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        self._opener = urllib.request.build_opener(jar, tls)

    def get(self, path: str) -> str:
        with self._opener.open(f"{self._url}{path}", timeout=_TIMEOUT_S) as answer:
            return str(answer.read().decode())

    def send_form(self, path: str, page: str, **fields: str) -> str:
        found = _TOKEN.search(page)
        form = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": found[1] if found else ""}).encode()
        request = urllib.request.Request(f"{self._url}{path}", form, {"Referer": f"{self._url}/"})
        with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
            return str(answer.read().decode())


def look_around(visitor: Visitor) -> None:
    page = visitor.get(random.choice(_PATHS))
    products = re.findall(r'href="(/product/[^"]+)"', page)
    if products:
        time.sleep(_PAUSE_S)
        visitor.get(random.choice(products))


def place_order(visitor: Visitor) -> None:
    """From the product to the confirmation."""
    product = random.choice(re.findall(r'href="(/product/[^"]+)"', visitor.get("/")))
    slug = product.split("/")[2]
    visitor.send_form(f"/basket/add/{slug}/", visitor.get(product))
    form = visitor.get("/checkout/")
    visitor.send_form("/checkout/", form, name="Ana", email="ana@example.com", address="Rua Nova 1, Porto")


def visit_forever(url: str, ca: str | None) -> None:
    for number in range(10**12):
        try:
            if number % _ORDER_EVERY == 1:
                place_order(Visitor(url, ca))
            else:
                look_around(Visitor(url, ca))
        except (OSError, ValueError, IndexError) as problem:
            print(f"{type(problem).__name__}: {problem}", flush=True)
        time.sleep(_PAUSE_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--ca", help="certificate authority to trust")
    args = parser.parse_args()
    visit_forever(args.url, args.ca)


if __name__ == "__main__":
    main()
