"""The sentences of the assets kind: what is wrong and what to do, for somebody who is tired. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from watchpost.core.types import Finding, Severity
from watchpost.kinds.assets.asset import NOT_MEANT
from watchpost.kinds.assets.config import MB, AssetsConfig
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]
_COLLECT = "`python manage.py collectstatic`"
_PAGE_OK = "; the page itself answers 200"

NAMES = {"heavy": "stylesheets and scripts", "light": "images and fonts", "small": "icons and manifests"}
_ONE = {"heavy": "stylesheet or script", "light": "image or font", "small": "icon or manifest"}
_SEVERITY = {"heavy": None, "light": Severity.WARNING, "small": Severity.INFO}
_HTML = ("text/html", "application/xhtml+xml")
_MILD = frozenset(("empty", "blocked"))  # no errors, or only as told below; info for light ones

# what -> (one file, several, what follows, fix)
_SAYINGS: dict[str, tuple[str, str, str, str]] = {
    "missing": (
        "is missing ({status})",
        "are missing ({status})",
        _PAGE_OK,
        f"Run {_COLLECT} and compare the name in the template with the file under STATIC_ROOT; "
        "nginx needs `alias` with a slash at the end. Uploads lie under MEDIA_ROOT and need a "
        "location of their own.",
    ),
    "forbidden": (
        "may not be read ({status})",
        "may not be read ({status})",
        _PAGE_OK,
        "nginx's error log says which it is. A rule of its own (deny): lift it for the static folder. "
        "Permission denied: let its user read the files and enter all folders above; `namei -l` with the "
        "file's path shows where it stops. With S3 check the bucket policy.",
    ),
    "wrong_type": (
        "is served as {why}",
        "are served as {why}",
        "; browsers refuse that",
        "Include mime.types in the web server (nginx: `include mime.types;`); in a bucket, upload the file "
        "with its Content-Type. Where it is HTML, a catch-all route, a fallback "
        "(`try_files ... /index.html`) or a login page answers in the place of the file: give the static "
        f"folder a location of its own, and run {_COLLECT}.",
    ),
    "html": (
        "answers {status} with an HTML page ({why}) in its place",
        "answer {status} with an HTML page ({why}) in their place",
        "; browsers refuse that",
        "The file itself is missing, and something else answers for it: a fallback of the web server (nginx: "
        "`try_files ... /index.html`), a catch-all among Django's URL patterns, or a login page. Give the "
        "static folder a location of its own that says 404 (`try_files $uri =404;`), "
        f"run {_COLLECT}, and restart the processes if the page names an old file.",
    ),
    "mixed_content": (
        "is named by http://, which browsers do not load on an https page",
        "are named by http://, which browsers do not load on an https page",
        "",
        "Write https:// or a path: check STATIC_URL, MEDIA_URL, the redirects of the files, and "
        "SECURE_PROXY_SSL_HEADER if Django builds the address.",
    ),
    "integrity": (
        "does not have the hash that its integrity attribute names",
        "do not have the hashes that their integrity attributes name",
        "; browsers refuse that",
        "If you changed the file, write its new hash into the tag. If nobody did, find out what "
        "changes it on the "
        "way: a minifying proxy, a CDN's newer version, or an intruder.",
    ),
    "emptied": (
        "is empty, which is not what its integrity attribute names",
        "are empty, which is not what their integrity attributes name",
        "; browsers refuse that",
        f"Check free space (`df -h`), build again and run {_COLLECT}; at a CDN, load the file there anew.",
    ),
    "error_status": (
        "answers {status}",
        "answer {status}",
        _PAGE_OK,
        "Look into the web server's error log for this path; serve static files from the web server "
        "or WhiteNoise, "
        "not through a view or a process that may be down.",
    ),
    "unreachable": (
        "cannot be loaded ({why})",
        "cannot be loaded ({why})",
        _PAGE_OK,
        "Check the host of the file: its DNS record, certificate, firewall and load. An answer that "
        "breaks off "
        "behind nginx is often a full disk or wrong permissions of proxy_temp_path.",
    ),
    "refused_by_guard": (
        "leads to a closed address ({why})",
        "lead to closed addresses ({why})",
        "",
        "Correct STATIC_URL, the template or the redirect that leads there; if the address is yours "
        "and meant to be "
        "watched, add its network to WATCHPOST_ALLOW_NETWORKS.",
    ),
    "bad_redirect": (
        "redirects {why}",
        "redirect {why}",
        _PAGE_OK,
        "Write the final address into the page, and compare the redirects of proxy and application.",
    ),
    "blocked": (
        "was not given to our look ({status}: too many requests)",
        "were not given to our look ({status}: too many requests)",
        "; visitors may get them all the same",
        "Exempt the static folder or Watchpost's address from the rate limit, look less often, or "
        "lower `most`.",
    ),
    "empty": (
        "is empty",
        "are empty",
        "",
        f"Check free space (`df -h`), build again and run {_COLLECT}; what is empty on purpose goes "
        "under `ignore`.",
    ),
}  # fmt: skip
_CODES = {
    "missing": "static.missing",
    "forbidden": "static.forbidden",
    "wrong_type": "static.wrong_type",
    "mixed_content": "static.mixed_content",
    "integrity": "static.integrity",
    "error_status": "static.error_status",
    "unreachable": "static.unreachable",
    "refused_by_guard": "static.refused_by_guard",
    "bad_redirect": "static.bad_redirect",
    "blocked": "static.blocked",
    "empty": "static.empty",
}


def broken(
    config: AssetsConfig, facts: Facts, what: str, name: str, count: int, candidates: list[Facts]
) -> Finding:
    """``count`` files of class ``name`` share one trouble. The subject is the class: hashed names change
    with every deploy, and the incident must not."""
    rows = [row for row in candidates if row["class"] == name]
    statuses = sorted({_status(row["status"], what) for row in rows if "status" in row})
    whys = list(dict.fromkeys(row["why"] for row in rows if "why" in row))
    one, several, after, fix = _SAYINGS[_closer(what, whys)]
    saying = (one if count == 1 else several).format(
        status=" and ".join(statuses[:2]) or "no status", why=" or ".join(whys[:2]) or "something else"
    )
    of = (
        f"{count} of {facts['looked'][name]} {NAMES[name]}"
        if facts["looked"][name] > 1
        else f"The only {_ONE[name]}"
    )
    severity = Severity.INFO if what in _MILD and name != "heavy" else _SEVERITY[name]
    if what == "empty" and NOT_MEANT in whys:
        severity = Severity.ERROR
    sentence = f"{of} of {_page(config, facts)} {saying}: {_list(config, facts, rows, count)}{after}."
    return Finding(_CODES[what], NAMES[name], sentence, fix, severity)


def _closer(what: str, whys: list[str]) -> str:
    """The same trouble, where more is known of it."""
    if what == "wrong_type" and whys and all(why.startswith(_HTML) for why in whys):
        return "html"
    return "emptied" if what == "integrity" and whys else what


def not_collected(config: AssetsConfig, facts: Facts, folder: Facts, classes: Mapping[str, int]) -> Finding:
    count, where = sum(classes.values()), shown(folder["url"])
    hashed = (
        " with a hash in their name"
        if count < folder["missing"] or folder["files"] > folder["missing"]
        else ""
    )
    total = folder["hashed"] if hashed else folder["files"]
    all_hashed = folder["hashed"] == folder["hashed_missing"] > 0
    return Finding(
        "static.not_collected",
        where,
        f"{_page(config, facts)} answers 200, but {count} of {total} files{hashed} under {where} "
        "are missing, such as "
        f"{_name(config, facts, folder['example'])}: the static files were not collected, "
        f"{'the' if all_hashed else 'or the'} web server looks in the wrong folder"
        f"{', or the application holds the manifest of an earlier collectstatic' if all_hashed else ''}.",
        f"Run {_COLLECT} with production's settings as part of every deploy; nginx: `location "
        f"/static/ {{ alias "
        "STATIC_ROOT/; }` with both slashes; WhiteNoise and ManifestStaticFilesStorage: restart the "
        "processes.",
        _SEVERITY[next(iter(classes))],
    )


def stale(config: AssetsConfig, facts: Facts, folder: Facts) -> Finding:
    count, where = folder["hashed_missing"], shown(folder["url"])
    return Finding(
        "static.stale",
        where,
        f"{_page(config, facts)} names files of another version: {count} of {folder['hashed']} "
        "files with a hash in "
        f"their name under {where} {'is' if count == 1 else 'are'} missing, such as "
        f"{_name(config, facts, folder['example'])}.",
        f"Restart all processes after {_COLLECT}: ManifestStaticFilesStorage reads its manifest "
        "once. If the "
        "application is the newer one, collect or upload again; purge a cached page.",
        _SEVERITY[next(iter(folder["hashed_classes"]))],
    )


def page_failed(config: AssetsConfig, facts: Facts) -> Finding:
    url = _page(config, facts)
    if "failure" in facts:
        why = f"{url} cannot be read: {facts['failure']['sentence']}"
    elif "astray" in facts:
        why = f"{url} redirects {facts['astray']}"
    else:
        why = f"{url} answers {_status(facts['status'], 'page')}"
    return Finding(
        "static.page_failed",
        "page",
        f"The files could not be looked at, for the page that names them does not come: {why}.",
        "Repair the page first; a monitor of kind http on it says more. If it wants a login, give "
        "this monitor "
        "cookies or basic_auth.",
    )


def none(config: AssetsConfig, facts: Facts) -> Finding:
    others = facts.get("elsewhere", 0)
    left_out = f" ({others} on other sites {'was' if others == 1 else 'were'} left out)" if others else ""
    return Finding(
        "static.none",
        "page",
        f"{_page(config, facts)} answers 200, but names no stylesheet, script or image to look at{left_out}.",
        "Watch a page that visitors see; name the host of your files under `also`, or set `hosts` to `all`.",
    )


def unfinished(config: AssetsConfig, facts: Facts) -> Finding:
    looked = sum(facts["looked"].values())
    return Finding(
        "static.unfinished",
        "page",
        f"Only {looked} of {looked + facts['unasked']} files of {_page(config, facts)} could be "
        "looked at in the "
        "time allowed.",
        "If the files are slow for visitors, too, serve them from the web server or a CDN instead "
        "of Django; "
        "otherwise raise the timeout or lower `most`.",
    )


def too_large(config: AssetsConfig, facts: Facts) -> Finding:
    count, looked = facts["too_large"]["count"], sum(facts["looked"].values())
    does = "is larger than {} and was" if count == 1 else "are larger than {} and were"
    return Finding(
        "static.too_large",
        "page",
        f"{count} of {looked} files of {_page(config, facts)} {does.format(_size(config.max_body))} "
        "only read in part: "
        f"{_name(config, facts, facts['too_large']['url'])}{_more(count - 1)}.",
        "Split what is so large: visitors wait for it. Raise max_body if it is meant to be so.",
    )


def not_cached(config: AssetsConfig, facts: Facts) -> Finding:
    seen = facts["not_cached"]
    return Finding(
        "static.not_cached",
        "page",
        f"{seen['count']} of {seen['of']} files with a hash in their name on {_page(config, facts)} "
        "may be kept for "
        f"less than a week: {_name(config, facts, seen['url'])}{_more(seen['count'] - 1)}.",
        'nginx: `expires max; add_header Cache-Control "public, immutable";` for hashed files; '
        "WhiteNoise does it "
        "by itself with the manifest storage.",
    )


def too_many(config: AssetsConfig, facts: Facts) -> Finding:
    return Finding(
        "static.too_many",
        "page",
        f"{_page(config, facts)} refers to {facts['found']} files; {config.most} of them are looked "
        "at, stylesheets "
        "and scripts first.",
        "Raise `most` (500 at most), or leave out with `ignore` what does not matter.",
    )


def _page(config: AssetsConfig, facts: Facts) -> str:
    return shown(facts.get("final", config.place.url))


def _list(config: AssetsConfig, facts: Facts, rows: list[Facts], count: int) -> str:
    names = [_name(config, facts, row["url"]) for row in rows[:3]]
    return ", ".join(names) + _more(count - len(names)) if names else f"{count} in all"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _name(config: AssetsConfig, facts: Facts, url: str) -> str:
    """The path of a file on the page's own origin, else its whole address; never the values of a query."""
    told, page = shown(url, 100), urlsplit(facts.get("final", config.place.url))
    try:
        file = urlsplit(url)
    except ValueError:
        return told
    if (page.scheme, page.netloc) == (file.scheme, file.netloc):
        return told.removeprefix(f"{file.scheme}://{file.netloc}")
    return told


def _status(status: int, what: str) -> str:
    if what in ("missing", "forbidden", "blocked"):
        return str(status)
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _size(count: int) -> str:
    return f"{count / MB:.3g} MB" if count >= MB else f"{count} bytes"
