"""Who works at ParcelHub, a parcel service that does not exist: its people, machines and addresses, as data."""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT = "111122223333"
HOME_REGION = "eu-central-1"
REGIONS = ("eu-central-1", "us-east-1", "eu-west-1", "us-west-2")
OFFICE = ("217.91.32.18", "217.91.32.19")
"""The two addresses everyone in the office shares."""
NAT_GATEWAYS = ("18.184.77.21", "18.184.203.140")
"""The organisation's own exits in AWS: its machines outside Lambda call from there."""
RENTED_SERVER = "65.108.94.31"
CI_NETWORKS = ("20.55", "20.75", "20.98", "52.150", "13.82")
HOME_NETWORKS = ("87.144", "87.145", "91.14", "79.202", "88.67", "84.57")
THIEF_ADDRESSES = ("128.199.98.47", "45.32.117.206")
"""Two rented servers of two hosting providers."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an IAM user or, with ``sso``, a permission set of IAM Identity Center."""

    name: str
    job: str
    clients: tuple[str, ...] = ()
    console: str | None = None
    """The browser of someone who works in the console too, or only there."""
    sso: bool = False
    rented_server: bool = False
    admin: bool = False
    """Assumes the role ``engineer-admin`` now and then."""
    refused: bool = False
    """Meets a missing permission now and then, as people do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A program with an IAM user's key (``user``), a role (``role``) or a service's own role (``linked``)."""

    name: str
    shape: str
    job: str
    client: str
    minutes: int
    """How often it wakes up."""
    calls: int = 3
    service: str = ""
    """The service that runs it, for roles."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LAPTOPS = (
    ("cli2 macos", "boto3 macos"),
    ("cli2 macos",),
    ("cli2 ubuntu",),
    ("cli2 old macos", "boto3 macos"),
    ("cli2 windows",),
    ("cli2 ubuntu", "boto3 linux"),
)
_DEVELOPERS = _names("""
anna.brandt ben.schuster carla.wolf david.lorenz elif.demir felix.arnold greta.heinrich hakan.yildiz ida.sommer
jan.peters katja.busch leon.franke maria.santos nils.berger olga.petrova paul.winter rieke.otto samuel.graf
theresa.vogel umut.kaya vera.simon wanda.nowak yannick.roth zoe.becker amir.haddad britta.lang cem.acar
doris.held enno.voss flora.beck gero.pfeil hilke.dorn
""")
_DATA = _names("clara.engel dirk.maier emre.sahin frieda.kuhn georg.pohl hanna.keil")
_PLATFORM = _names("ingo.stark jule.horn kai.ritter lars.thiel mona.beyer noah.hahn")
_SECURITY = _names("olaf.kern petra.zeller")
_OFFICE_PEOPLE = _names("""
quirin.bauer rosa.lindner stefan.jung tanja.ernst uwe.seidel viola.haas willi.kraft xenia.moser
""")
_FINANCE = _names("yvonne.krause zeno.albrecht")
_SSO = _names("agnes.fuchs bruno.weiss celine.martin dennis.scholz eva.lehmann fabian.huber")
STOLEN_USERS = tuple(f"parcelhub-api-{name}" for name in _names("mira jonas lena oskar tilda rafael yusuf"))
"""The owners of the stolen keys; the first is the lead. They share a name pattern, as keys leaked together do."""


def _with_laptops(names: tuple[str, ...], job: str, *, refused: bool = False) -> tuple[Person, ...]:
    return tuple(
        Person(name, job, _LAPTOPS[n % len(_LAPTOPS)], refused=refused and n % 3 == 0) for n, name in enumerate(names)
    )


API_TEAM = tuple(Person(name, "api", ("cli2 macos", "boto3 macos"), "browser macos") for name in STOLEN_USERS)
PEOPLE = (
    *_with_laptops(_DEVELOPERS, "developer", refused=True),
    *_with_laptops(_DATA, "data"),
    *(Person(name, "platform", ("cli2 macos", "terraform macos"), "browser macos", admin=True) for name in _PLATFORM),
    *(Person(name, "security", ("cli2 ubuntu",), "browser windows") for name in _SECURITY),
    *(Person(name, "console", console="browser windows") for name in _OFFICE_PEOPLE),
    *(Person(name, "finance", console="browser windows") for name in _FINANCE),
    *(Person(name, "console", console="browser macos", sso=True) for name in _SSO),
    Person("tobias.keller", "mail", ("cli2 macos",)),
    Person("ext-marek.dvorak", "contractor", ("cli2 ubuntu",), rented_server=True),
)
QUOTA_REPORTER = "svc-mail-quota"
GUARDED = "svc-backup"
MACHINES = (
    Machine(QUOTA_REPORTER, "user", "quota report", "boto3 linux", 24 * 60, calls=1),
    Machine(GUARDED, "user", "backup", "boto3 linux", 6 * 60, calls=8),
    Machine("svc-inventory", "user", "inventory", "boto3 linux", 12 * 60, calls=12),
    Machine("svc-dns", "user", "dns", "go linux", 4 * 60),
    Machine("svc-billing-export", "user", "billing", "boto3 linux", 24 * 60, calls=4),
    Machine("svc-metrics", "user", "metrics", "go linux", 3 * 60),
    Machine("svc-image-scan", "user", "scan", "go linux", 4 * 60, calls=6),
    Machine("svc-terraform-drift", "user", "platform", "terraform linux", 12 * 60, calls=16),
    Machine("svc-artifact-sync", "user", "backup", "java linux", 3 * 60, calls=4),
    Machine("svc-certbot", "user", "dns", "boto3 linux", 12 * 60, calls=4),
    *(
        Machine(f"worker-{n}", "role", "worker", "java linux", 240, service="ecs-tasks")
        for n in ("orders", "labels", "tracking", "invoices", "routing", "customs")
    ),
    *(
        Machine(f"app-{n}", "role", "instance", "ssm agent", 240, service="ec2")
        for n in ("web", "api", "admin", "batch", "search", "bastion")
    ),
    *(
        Machine(f"fn-{n}", "role", "function", ("node lambda", "python lambda")[i % 2], 180, calls=2, service="lambda")
        for i, n in enumerate(
            _names("track notify price scan geo label refund audit report resize webhook cleanup sync export")
        )
    ),
    Machine("AWSServiceRoleForAutoScaling", "linked", "scaling", "", 180, service="autoscaling"),
    Machine("AWSServiceRoleForConfig", "linked", "recorder", "", 240, calls=4, service="config"),
    Machine("AWSServiceRoleForECS", "linked", "scaling", "", 180, service="ecs"),
    Machine("AWSServiceRoleForRDS", "linked", "metrics", "", 360, service="rds"),
)
CI_ROLE = "github-deploy"
CI_REPOSITORIES = ("repo:parcelhub/api:ref:refs/heads/main", "repo:parcelhub/web:ref:refs/heads/main")
CI_USER = "ci-legacy-build"
ADMIN_ROLE = "engineer-admin"
SSO_ROLE = "AWSReservedSSO_PowerUserAccess_4f1c2d3e5a6b7c8d"
