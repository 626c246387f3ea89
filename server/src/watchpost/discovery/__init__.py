"""From one address to everything of a site that is worth watching.

``scout`` asks (under the guard, within ten seconds), ``offer`` turns the answers into proposals beside what
is watched already, ``make`` creates what somebody chose. Which kinds there are, only the registry knows.
"""
