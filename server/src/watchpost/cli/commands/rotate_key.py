"""``watchpost rotate-key``: encrypts every stored secret with the present key."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out


def configure(parser: ArgumentParser) -> None:  # it has no options
    pass


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from django.conf import settings

    from watchpost.monitors.sealed import rotate

    done = rotate()
    out.show({"encrypted": done.secrets, "left": done.left}, _lines(done.secrets, done.left))
    if settings.SECRET_KEY_FALLBACKS and not done.left:
        out.note(
            "Old keys still keep people signed in and links in messages good. "
            "Take them out of SECRET_KEY_FALLBACKS when that no longer matters."
        )
    return 1 if done.left else 0


def _lines(count: int, left: list[str]) -> list[str]:
    lines = [f"{count} stored secret{'s are' if count != 1 else ' is'} encrypted with the present key."]
    lines += [f"{name}: cannot be read with any key" for name in left]
    if left:
        lines.append("Put their old key into SECRET_KEY_FALLBACKS and run this again, or enter them again.")
    return lines


COMMAND = Command(
    "rotate-key",
    "encrypt every stored secret with the present SECRET_KEY; old ones are read by SECRET_KEY_FALLBACKS",
    configure,
    run,
)
