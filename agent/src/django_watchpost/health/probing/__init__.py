"""What checks share: how they look at something, and how they say why it does not work.

Knows the contract of a check and nothing of who runs it.
"""
