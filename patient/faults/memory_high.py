"""Memory runs out (the agent's limit is moved; nothing is used up).

Everything works until the kernel kills the largest process.
Watchpost names it: memory.limit_near in a container with a limit, else memory.high.
"""

from patient.stand import Stand

CODES = ("memory.limit_near", "memory.high")
RUNS = ("light", "full")


def break_(shop: Stand) -> None:
    limits = {"degraded_from": 0.0}
    shop.change("memory_high", settings={"WATCHPOST.HEALTH_OVERRIDES": {"memory": limits}})


def heal(shop: Stand) -> None:
    shop.restore("memory_high")
