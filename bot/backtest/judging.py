"""The triage of an alert of the past: the same questions as ever, but to nobody who knows only today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.backtest.laid import Laid
from bot.backtest.trial import Judge
from bot.model import Alert, Observable, Triage, Window
from bot.scope.ground import Known
from bot.scope.hands import Hands
from bot.scope.whole import Whole
from bot.triage import TriageWorld, triage


def judge_of(world: TriageWorld, known: Known, window: Callable[[datetime], Window]) -> Judge:
    """``window`` is that of an alert's time. What services outside would say today is not asked."""

    def judge(laid: Laid, observable: Observable, alert: Alert) -> Triage:
        over = replace(world, history=laid, scoper=Hands(Whole(laid), known))
        return triage(observable, window(alert.at), world=over, alerts=(alert,))

    return judge
