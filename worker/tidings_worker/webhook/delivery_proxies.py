"""The proxies that the environment of a worker names, as deliveries take them where a setting allows it."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib import request
from urllib.request import getproxies_environment

from yarl import URL

from tidings.webhook.target_url import Target

_bypasses: Final[Callable[[str, Mapping[str, str]], bool]] = getattr(request, "proxy_bypass_environment")  # noqa: B009
"""Whether `NO_PROXY` names a host; the type stubs of the standard library leave it out."""


class ProxyError(ValueError):
    """A variable names no proxy that deliveries can take."""


class DeliveryProxies:
    """Which proxy a delivery takes; the environment is read once."""

    def __init__(self, named: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            named: scheme → address of the proxy; `no` → hosts that are dialled without one.

        Raises:
            ProxyError: an address is none of a proxy that speaks HTTP. Names the variable, and no password.

        """
        self._named = dict(named)
        self._proxies = {scheme: _address(scheme, named[scheme]) for scheme in ("http", "https") if named.get(scheme)}

    def of(self, target: Target) -> URL | None:
        """Return the proxy for a target; None: the worker dials it itself."""
        found = self._proxies.get(target.scheme)
        if found is None or _bypasses(f"{target.host}:{target.port}", self._named):
            return None
        return found


NO_PROXIES = DeliveryProxies({})


def environment_proxies(*, wanted: bool) -> DeliveryProxies:
    """Return the proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), or none where none are wanted.

    Source: https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies

    Raises:
        ProxyError: see `DeliveryProxies`.

    """
    return DeliveryProxies(getproxies_environment()) if wanted else NO_PROXIES


def _address(scheme: str, text: str) -> URL:
    variable = f"{scheme.upper()}_PROXY"
    try:
        found = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        found = URL()
    if found.scheme not in ("http", "https") or not found.host or found.port is None:
        raise ProxyError(
            f"{variable} is no address of a proxy that deliveries can take; allowed: http://HOST:PORT and "
            "https://HOST:PORT, with USER:PASSWORD@ before the host where the proxy wants one"
        )
    return found
