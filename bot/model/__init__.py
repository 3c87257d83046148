"""The vocabulary of the bot and the contract of an enricher.

Standard library only (``bot.families``, ``bot.networks``, ``bot.policies`` and ``bot.history.access_key``, too):
enrichers import this package and nothing else of ours, and everybody imports its names from here. Everything in it is
frozen; a stop on the way of an alert takes what earlier stops made and returns something new. Every ``datetime`` is
aware and UTC.
"""

from bot.families import family_is_new, offensive_distribution, offensive_name, offensive_tool, terminal_of
from bot.history.access_key import account_of
from bot.history.access_key import kind_of as key_kind
from bot.model.alert import Alert, Call
from bot.model.case import Case
from bot.model.change import Actor, Change, ChangeState, Decision, Operation, Plan, Refusal, Waiting
from bot.model.enricher import (
    PREVALENCE,
    THIN_BASELINE_DAYS,
    THIN_BASELINE_EVENTS,
    WIDENED_BASELINE,
    Answer,
    Baseline,
    Context,
    Declaration,
    Enricher,
    Enrichment,
    Fact,
    Signal,
    Status,
    Unknown,
)
from bot.model.environment import ApprovedTest, Environment, named_by
from bot.model.event import Activity, AddressClass, Detail, Event, Habit, Outcome, Principal, Use
from bot.model.history import (
    COMMON_PRINCIPALS,
    PREVALENCE_SAMPLE,
    Coverage,
    Foreseen,
    History,
    Prevalence,
    Want,
)
from bot.model.judgement import Assessment, ClassPoints, Gap, Reason, Suggestion, Verdict
from bot.model.observable import Kind, Observable
from bot.model.ports import (
    AddressData,
    AddressOrigin,
    ContactRecord,
    EarlierCase,
    EarlierCases,
    Iam,
    IdentityRecord,
    KeyRecord,
    MailQuarter,
    MailSent,
    Records,
    Registration,
    Registries,
    Statistics,
    Unread,
)
from bot.model.scope import EVIDENCE_CLASSES, Attacker, Evidence, Excluded, RareEvent, Ruling, Scope, Suspicion
from bot.model.times import RECENT, Span, Window, rfc3339
from bot.model.triage import Triage
from bot.model.unanswered import AnswerCut, CannotSearch, HistoryUnavailableError, NotAnswered
from bot.networks import inside, network_of, site_of
from bot.policies import is_containment, is_quarantine

__all__ = (
    "COMMON_PRINCIPALS",
    "EVIDENCE_CLASSES",
    "PREVALENCE",
    "PREVALENCE_SAMPLE",
    "RECENT",
    "THIN_BASELINE_DAYS",
    "THIN_BASELINE_EVENTS",
    "WIDENED_BASELINE",
    "Activity",
    "Actor",
    "AddressClass",
    "AddressData",
    "AddressOrigin",
    "Alert",
    "Answer",
    "AnswerCut",
    "ApprovedTest",
    "Assessment",
    "Attacker",
    "Baseline",
    "Call",
    "CannotSearch",
    "Case",
    "Change",
    "ChangeState",
    "ClassPoints",
    "ContactRecord",
    "Context",
    "Coverage",
    "Decision",
    "Declaration",
    "Detail",
    "EarlierCase",
    "EarlierCases",
    "Enricher",
    "Enrichment",
    "Environment",
    "Event",
    "Evidence",
    "Excluded",
    "Fact",
    "Foreseen",
    "Gap",
    "Habit",
    "History",
    "HistoryUnavailableError",
    "Iam",
    "IdentityRecord",
    "KeyRecord",
    "Kind",
    "MailQuarter",
    "MailSent",
    "NotAnswered",
    "Observable",
    "Operation",
    "Outcome",
    "Plan",
    "Prevalence",
    "Principal",
    "RareEvent",
    "Reason",
    "Records",
    "Refusal",
    "Registration",
    "Registries",
    "Ruling",
    "Scope",
    "Signal",
    "Span",
    "Statistics",
    "Status",
    "Suggestion",
    "Suspicion",
    "Triage",
    "Unknown",
    "Unread",
    "Use",
    "Verdict",
    "Waiting",
    "Want",
    "Window",
    "account_of",
    "family_is_new",
    "inside",
    "is_containment",
    "is_quarantine",
    "key_kind",
    "named_by",
    "network_of",
    "offensive_distribution",
    "offensive_name",
    "offensive_tool",
    "rfc3339",
    "site_of",
    "terminal_of",
)
