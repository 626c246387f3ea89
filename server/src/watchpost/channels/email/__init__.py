"""The incident as a calm mail, in plain text and HTML."""

from watchpost.channels.email.channel import CHANNEL

__all__ = ["CHANNEL"]
