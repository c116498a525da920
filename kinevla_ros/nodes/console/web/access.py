"""Who may use the page: browsers on this computer alone, or, elsewhere, whoever has the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a name or address is this computer's own, and nobody else's way in."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Access:
    """Decides about each request before anything else is done with it.

    A page of another site can make a browser on this computer send requests here, under its own
    origin, or under a name of its own that it lets point to this computer (DNS rebinding).

    Attributes:
        token: what whoever opens the page must have; empty where only this computer gets here.
    """

    token: str = field(repr=False)

    @classmethod
    def at(cls, host: str) -> Access:
        """Access to a page that is served at an address: off loopback there is a new token."""
        return cls("" if is_loopback(host) else secrets.token_urlsafe(24))

    def refusal(self, host: str, origin: str | None, acts: bool, given: str) -> str:
        """Why a request is refused; empty where it is not.

        Args:
            host: the `Host` header.
            origin: the `Origin` header, which browsers send with whatever acts.
            acts: whether the request can set something in motion; then it needs its origin.
            given: the token that comes with the request.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if not self.token and not is_loopback(name):
            return f"this page is served to this computer alone, as localhost, and not as {name!r}"
        if (origin or acts) and origin not in (f"http://{host}", f"https://{host}"):
            return "pages of another origin get nothing here"
        if self.token and not self.admits(given):
            return "open the address that the terminal shows, with its token"
        return ""

    def admits(self, given: str) -> bool:
        """Whether a token is right; takes as long whatever is wrong with it."""
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())
