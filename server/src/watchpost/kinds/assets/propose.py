"""Whether a page has files of its own that can go missing while it answers 200. Pure."""

from __future__ import annotations

from collections import Counter

from watchpost.kinds.assets.asset import is_own
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.page import decode, find
from watchpost.registry.site import Proposal, Site

_MOST_READ = 1024 * 1024
_WORDS = {"style": "stylesheet", "script": "script", "module": "script", "image": "image"}


def propose(site: Site) -> tuple[Proposal, ...]:
    home = site.home
    if home.status != 200 or home.content_type not in ("text/html", "application/xhtml+xml"):
        return ()
    config = AssetsConfig.model_validate({"url": home.url})
    text = decode(home.body[:_MOST_READ], home.headers.get("content-type", ""))
    named = find(text, home.url, home.headers.get("content-security-policy", "")).assets
    own = [one for one in named if one.place is not None and is_own(config, home.place, one.place)]
    counts = Counter(_WORDS.get(one.kind, "other file") for one in own)
    if not counts:
        return ()
    what = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts.most_common())
    spec = {"name": "Static files", "kind": "assets", "url": home.url, "interval": "5m"}
    return (Proposal(spec, f"The page loads {what} from its own site; it answers 200 without them, too."),)
