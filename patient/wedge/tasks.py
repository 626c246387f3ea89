"""Tasks that never end, or take their time, as long as a fault wants it so."""

import time

from celery import shared_task

from patient.wedge.rules import rules


@shared_task
def hang(fault: str) -> None:
    """Waits for an answer that does not come, while ``fault`` is broken."""
    while fault in rules():
        time.sleep(0.2)


@shared_task
def dawdle(fault: str) -> None:
    """Takes five seconds, while ``fault`` is broken."""
    ends = time.monotonic() + 5.0
    while fault in rules() and time.monotonic() < ends:
        time.sleep(0.2)
