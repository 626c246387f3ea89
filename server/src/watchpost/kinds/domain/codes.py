"""The finding codes of a watched registration. Dates and statuses are the registry's own words, told in the
same way at the next look: no second look is needed (settled)."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_CRITICAL, _ERROR, _WARNING, _INFO = Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO

# not_registered is looked at once more: a registry's own trouble may look like it.
CODES: tuple[Code, ...] = (
    Code("domain.pending_delete", _CRITICAL, "The domain is about to be deleted", rank=80, settled=True),
    Code("domain.redemption", _CRITICAL, "The domain is in redemption", rank=79, settled=True),
    Code("domain.not_registered", _CRITICAL, "The domain is not registered", rank=78),
    Code("domain.expired", _CRITICAL, "The registration has ended", rank=77, settled=True),
    Code("domain.on_hold", _CRITICAL, "The domain is on hold", rank=76, settled=True),
    Code("domain.expires_soon", _WARNING, "The registration ends soon", 48, lasting=True, settled=True),
    Code("domain.auto_renew_period", _WARNING, "Renewed by the registry, perhaps not paid", 47,
         lasting=True, settled=True),
    Code("domain.registrar_changed", _WARNING, "Another registrar", 46, lasting=True, settled=True),
    Code("domain.transfer_lock_gone", _WARNING, "The transfer lock is gone", 45, lasting=True, settled=True),
    Code("domain.date_differs", _WARNING, "The date given is later than the registry's", 44,
         lasting=True, settled=True),
    Code("domain.not_published", _INFO, "No date is published", 10, settled=True),
    Code("domain.no_list", _INFO, "The list of registries cannot be fetched", 8, settled=True),
    Code("domain.no_service", _INFO, "The registry cannot be asked", 9, settled=True),
)  # fmt: skip
