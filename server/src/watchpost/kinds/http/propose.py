"""What is worth asking of a site by HTTP: its page with a phrase, its twins, the names beside it. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from watchpost.registry.site import Answer, Proposal, Site

_MOST_SIBLINGS = 12
_CLOSED = frozenset({401, 403, 404, 405, 406, 426})  # how an API answers at its root to whoever knows no more
_HEAD = 256 * 1024
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,300})<", re.IGNORECASE)
_SITE_NAME = re.compile(
    r"""<meta[^>]{0,300}og:site_name[^>]{0,100}content=["']([^"'<>]{1,200})""", re.IGNORECASE
)
_HEADING = re.compile(r"<h1[^>]{0,300}>\s*([^<]{1,200})<", re.IGNORECASE)
_SIGN_IN = re.compile(r"/(?:log-?in|sign-?in)/?$", re.IGNORECASE)
_BETWEEN = re.compile(r"\s+[|·•–—»:-]\s+|\s*[|·•»]\s*")
_SAYS_NOTHING = re.compile(
    r"(?:home|homepage|home page|welcome|index|start|untitled|error|login|log in|sign in|loading)\W*",
    re.IGNORECASE,
)


def explore(site: Site) -> tuple[str, ...]:
    """Twins (http, www or not), names on the certificate, and an address of nothing."""
    twins = [site.at(twin) for twin in _twin(site)]
    beside = [site.at(name) for name in site.siblings if name not in _twin(site)][:_MOST_SIBLINGS]
    return (site.nowhere, *_plain(site), *twins, *beside)


def propose(site: Site) -> tuple[Proposal, ...]:
    return (_home(site), *_twins(site), *_siblings(site))


def _plain(site: Site) -> tuple[str, ...]:
    """Where the same site is expected without https: at the usual port, or where somebody asked for it."""
    home = site.home
    if home.asked.startswith("http:"):
        return (home.asked,)
    usual = home.place.scheme == "https" and home.place.port == 443
    return (f"http:{site.beside('/').removeprefix('https:')}",) if usual else ()


def _twin(site: Site) -> tuple[str, ...]:
    """The same site with www or without it."""
    if site.domain is None:
        return ()
    if site.host.startswith("www."):
        return (site.host.removeprefix("www."),)
    return (f"www.{site.host}",) if site.host == site.domain else ()


# ---- the page -----------------------------------------------------------------------------------


def _home(site: Site) -> Proposal:
    home = site.home
    url = home.url if home.is_there else home.asked
    spec: dict[str, Any] = {"name": _name(url), "kind": "http", "url": url}
    if not home.is_there:
        return Proposal(spec, f"It cannot be read just now: {home.failure}. It is watched all the same.")
    why = f"It answers {home.status}"
    if home.leads:
        spec |= {"follow_redirects": False, "expect": {"status": [home.status]}}
        there = urlsplit(home.leads).hostname
        return Proposal(spec, f"It leads to {there}, another domain: add that address, too, if it is yours.")
    if _is_sign_in(home):
        spec |= {"name": _name(home.asked), "url": home.asked}
        why += f" with a page to sign in ({urlsplit(home.url).path}); what lies behind it is not seen"
    if phrase := find_phrase(site):
        spec["expect"] = {"body_contains": [phrase]}
        why += f", and “{phrase}” stands on it: an error page can answer 200, too"
    if home.failure:
        why += f"; visitors are turned away, for {home.failure}"
    return Proposal(spec, why + ".")


def _is_sign_in(home: Answer) -> bool:
    """Led away from a page that only those may see who have signed in, as Django does (``?next=``)."""
    asked, got = urlsplit(home.asked), urlsplit(home.url)
    return asked.path != got.path and ("next=" in got.query or _SIGN_IN.search(got.path) is not None)


def _name(url: str) -> str:
    path = urlsplit(url).path.strip("/")
    return path.replace("/", " ")[:80] or "Home page"


def find_phrase(site: Site) -> str:
    """Words that the page has each time; "" when there are none. The title comes before the heading, which
    may be another tomorrow; but where a page of nothing answers 200, too, words are chosen that it lacks."""
    home = site.home
    if not 200 <= home.status < 300 or home.content_type not in ("text/html", "application/xhtml+xml"):
        return ""
    text = _text(home)
    again = [_text(one) for one in site.answers.values() if one.url == home.url and one.status == home.status]
    nothing = site.answers.get(site.nowhere)
    other = _text(nothing) if nothing and nothing.status < 400 else ""
    good = [one for one in dict.fromkeys(_candidates(text)) if all(one in page for page in (text, *again))]
    return next((one for one in good if one not in other), next(iter(good), ""))


def _text(answer: Answer) -> str:
    charset = re.search(
        r"charset=[\"']?([\w.:-]{1,40})", answer.headers.get("content-type", ""), re.IGNORECASE
    )
    try:
        return answer.body[:_HEAD].decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        return answer.body[:_HEAD].decode("utf-8", "replace")


def _candidates(text: str) -> Iterator[str]:
    titles = [part.strip() for found in _TITLE.findall(text)[:1] for part in _BETWEEN.split(found)]
    others = [found.strip() for pattern in (_SITE_NAME, _HEADING) for found in pattern.findall(text)[:1]]
    for words in (*sorted(titles, key=len, reverse=True), *others):
        # What is escaped, broken over lines or counts something is not the same text tomorrow.
        plain = html.unescape(words) == words and "\n" not in words and not re.search(r"\d", words)
        if plain and 4 <= len(words) <= 60 and not _SAYS_NOTHING.fullmatch(words) and "�" not in words:
            yield words


# ---- what stands beside it ----------------------------------------------------------------------


def _twins(site: Site) -> Iterator[Proposal]:
    home = site.home
    plain = next((site.answers[url] for url in _plain(site) if url in site.answers), None)
    here = (site.host, *_twin(site))
    leads_here = plain and plain.is_there and plain.place.scheme == "https" and plain.place.host in here
    if home.place.scheme == "https" and plain and leads_here:
        spec = {
            "name": f"http://{site.host} goes to https",
            "kind": "http",
            "url": plain.asked,
            "interval": "5m",
        }
        yield Proposal(
            spec | {"expect": {"https": True}},
            "Whoever types the name without https is led there; when that breaks, they see nothing.",
        )
    for twin in _twin(site):
        answer = site.answers.get(site.at(twin))
        if answer and answer.is_there and answer.status < 400:
            leads = "leads to the same site" if answer.place.host == site.host else "answers, too"
            spec = {"name": twin, "kind": "http", "url": answer.asked, "interval": "5m"}
            yield Proposal(spec, f"{twin} {leads}.")


def _siblings(site: Site) -> Iterator[Proposal]:
    for name in site.siblings:
        answer = site.answers.get(site.at(name))
        if name in _twin(site) or answer is None or not answer.is_there:
            continue
        if answer.place.host == site.host:
            yield Proposal(
                {"name": name, "kind": "http", "url": answer.asked, "interval": "5m"},
                f"It stands on the certificate and leads to {site.host}.",
            )
            continue
        spec: dict[str, Any] = {"name": name, "kind": "http", "url": answer.asked}
        if answer.status in _CLOSED:
            spec["expect"] = {"status": [answer.status]}
        turned = f"; visitors are turned away, for {answer.failure}" if answer.failure else ""
        yield Proposal(
            spec, f"It stands on the certificate of {site.host} and answers {answer.status}{turned}."
        )
