"""The nightly job does not run any more, and nothing says so.

Pages are fine, Beat ticks, workers work, and no log has a word of it: its messages get lost on their way.
In the demonstration the night comes every twenty seconds, and the heartbeat that was made of Beat's entry
allows a minute and one more: the incident opens within two.
Watchpost names it: heartbeat.missed.
"""

from patient.stand import Stand

CODES = ("heartbeat.missed",)
RUNS = ("light", "full")
WITHIN_S = 130.0  # a minute of period, one of grace, and a look
_ENTRY = "tidy up at night"


def break_(shop: Stand) -> None:
    shop.wedge("nightly_job_silent", does="lose_entry", entry=_ENTRY)


def heal(shop: Stand) -> None:
    shop.unwedge("nightly_job_silent")
