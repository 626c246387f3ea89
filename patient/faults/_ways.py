"""A long way between the shop and one of its servers."""

import sys

from patient.child import answers, free_port
from patient.full import Full


def lengthen(shop: Full, server: str, ms: float) -> str:
    """From now on there is a way to ``server`` that takes ``ms`` longer; its address."""
    name = f"way_to_{server}"
    port = shop.kept.setdefault(name, free_port())
    command = (sys.executable, "-m", "patient.long_way", str(port), str(shop.ports[server]), "--ms", str(ms))
    shop.run(name, *command, is_ready=lambda: answers(port))
    return f"127.0.0.1:{port}"


def close(shop: Full, server: str) -> None:
    name = f"way_to_{server}"
    if name in shop.children:
        shop.stop(name)
