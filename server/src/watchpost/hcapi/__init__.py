"""The management API of Healthchecks (``/api/v1/`` to ``/api/v3/``), its badges and its Prometheus metrics.

Addresses, answers and words are those of Healthchecks, so that its clients work by changing their host; the
checks are monitors of the kind heartbeat. See ``docs/reference/healthchecks-api.md``.
"""
