"""The incident as signed JSON, posted to an address of yours."""

from watchpost.channels.webhook.channel import CHANNEL

__all__ = ["CHANNEL"]
