"""What is worth asking of a site by HTTP: its page with a phrase, its twins, the names beside it, its health.

Pure. A site that answers 200 to everything is taken for what it is: nothing is there that is not.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from watchpost.registry.site import Answer, Proposal, Site

_MOST_SIBLINGS = 12
# Where Django projects and their packages put it (django-health-check, watchman, probes of orchestrators).
_HEALTH = (
    "/health/", "/health/ready/", "/health/live/", "/health", "/healthz", "/healthz/", "/ht/", "/readyz",
    "/livez", "/api/health/", "/api/health", "/-/health/", "/watchman/", "/up", "/ping/", "/status/",
)  # fmt: skip
_FINE = frozenset({"ok", "up", "pass", "passing", "healthy", "working", "alive"})
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
    """Twins (http, www or not), names on the certificate, the usual paths of health, and one of nothing."""
    twins = [site.at(twin) for twin in _twin(site)]
    beside = [site.at(name) for name in site.siblings if name not in _twin(site)][:_MOST_SIBLINGS]
    return (site.nowhere, *_plain(site), *twins, *beside, *(site.beside(path) for path in _HEALTH))


def propose(site: Site) -> tuple[Proposal, ...]:
    return (_home(site), *_twins(site), *_siblings(site), *_health(site))


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


# ---- health -------------------------------------------------------------------------------------


def _health(site: Site) -> Iterator[Proposal]:
    """Each endpoint once: a path with and without its slash is the same one."""
    taken: set[str] = {site.home.url}
    for path in _HEALTH:
        answer = site.answers.get(site.beside(path))
        if answer is None or answer.url in taken or not _is_health(site, answer):
            continue
        taken.add(answer.url)
        spec: dict[str, Any] = {
            "name": f"Health {urlsplit(answer.url).path}"[:100],
            "kind": "http",
            "url": answer.url,
        }
        status = _status_in(answer)
        if status and status[1].lower() in _FINE:
            spec["expect"] = {"json": [{"path": status[0], "value": status[1]}]}
        says = f"says {status[0]} “{status[1]}”" if status else f"answers {answer.status}"
        yield Proposal(spec, f"The application {says} of itself at {urlsplit(answer.url).path}.")


def _is_health(site: Site, answer: Answer) -> bool:
    """Not what the site says to everything, not a page to sign in, and short enough to be no page at all."""
    nothing = site.answers.get(site.nowhere)
    if answer.status not in (200, 500, 503) or answer.place.host != site.host:
        return False
    if nothing is not None and (nothing.status, nothing.url) == (answer.status, answer.url):
        return False
    if nothing is not None and nothing.status == answer.status and nothing.body == answer.body:
        return False
    if _status_in(answer) or _lists_checks(answer):
        return True
    if answer.status != 200:
        return False
    if answer.content_type == "text/html":  # django-health-check shows people a page
        return bool(re.search(r"<title>[^<]{0,40}(?:health|system status)", _text(answer), re.IGNORECASE))
    words = _text(answer).strip().strip("\"'.!").lower()
    return words in _FINE | {"pong"}


def _status_in(answer: Answer) -> tuple[str, str] | None:
    """The key and the word of a status that JSON carries, whatever it is."""
    read = _json(answer)
    found = ((key, read[key]) for key in ("status", "state") if isinstance(read.get(key), str))
    return next((pair for pair in found if len(pair[1]) <= 40), None)


def _lists_checks(answer: Answer) -> bool:
    """``{"DatabaseBackend": "working", ...}``, as django-health-check answers."""
    words = [value.lower() for value in _json(answer).values() if isinstance(value, str)]
    return bool(words) and any(word in _FINE for word in words)


def _json(answer: Answer) -> dict[str, Any]:
    if "json" not in answer.content_type:
        return {}
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
