"""The patient: a real Django shop that is run, watched and broken on purpose.

``shop`` is the application, written as any other. ``stand`` runs it (``light``: Python alone, ``full``:
nginx, PostgreSQL, Redis, Memcached), ``faults`` break and heal one thing each, ``wedge`` lets them inside.
"""
