"""Where addresses come from: from shipped lists, and from the user's own ``.mmdb`` files where there are any."""

from bot.ipdata.origin import LocalAddressData

__all__ = ["LocalAddressData"]
