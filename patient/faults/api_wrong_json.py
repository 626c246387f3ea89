"""The API answers 200 and says that nothing is for sale.

Whoever builds on it shows an empty shop.
Watchpost names it: site.wrong_json.
"""

from patient.stand import Stand

CODES = ("site.wrong_json",)
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    body = '{"shop": "Teapot & Sons", "products": 0, "in_stock": 0}'
    shop.wedge("api_wrong_json", path="/api/", body=body, type="application/json")


def heal(shop: Stand) -> None:
    shop.unwedge("api_wrong_json")
