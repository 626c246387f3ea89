"""The smallest Django project, for ``health``: bare, with the agent, or with django-health-check (``SHOP``)."""
