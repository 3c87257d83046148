"""Lists as publishers write them, in small."""

from __future__ import annotations

import json
from typing import Any


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


AWS = as_json(
    {
        "createDate": "2026-11-20-14-03-11",
        "prefixes": [
            {"ip_prefix": "3.5.140.0/22", "service": "AMAZON", "region": "ap-northeast-2"},
            {"ip_prefix": "13.32.0.0/15", "service": "CLOUDFRONT", "region": "GLOBAL"},
        ],
        "ipv6_prefixes": [{"ipv6_prefix": "2600:1f18::/33", "service": "EC2"}],
    }
)
GOOGLE = as_json(
    {
        "creationTime": "2026-11-21T04:00:00.000000",
        "prefixes": [{"ipv4Prefix": "34.80.0.0/12"}, {"ipv6Prefix": "2600:1900::/28"}],
    }
)
ORACLE = as_json(
    {
        "last_updated_timestamp": "2026-11-19T10:00:00.000000",
        "regions": [{"region": "eu-frankfurt-1", "cidrs": [{"cidr": "130.61.0.0/16", "tags": ["OCI"]}]}],
    }
)
CLOUDFLARE = as_json({"result": {"ipv4_cidrs": ["104.16.0.0/13"], "ipv6_cidrs": ["2606:4700::/32"]}, "success": True})
FASTLY = as_json({"addresses": ["151.101.0.0/16"], "ipv6_addresses": ["2a04:4e40::/32"]})
GITHUB = as_json(
    {
        "verifiable_password_authentication": False,
        "ssh_keys": ["ssh-ed25519 AAAA"],
        "domains": {"website": ["*.github.com"]},
        "hooks": ["192.30.252.0/22", "2a0a:a440::/29"],
        "actions": ["4.148.0.0/16"],
    }
)
TOR = b"185.220.101.1\n185.220.101.2\n"
GEOFEED = b"# a geofeed\r\nprefix,country\r\n159.89.0.0/20,DE,DE-HE,Frankfurt,\r\n2a03:b0c0::/48,NL\r\n"
ASNS = b"AS14061 # DigitalOcean\n24940\n"
BAD_ASNS = b'ASN,Entity\n198375,"INULOGIC SARL, FR"\n"20248","Take 2 Hosting, Inc."\n'
HTML = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
