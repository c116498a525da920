"""What the page's buttons do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any

from rclpy.publisher import Publisher
from std_msgs.msg import Float64, String

from kinevla_ros.nodes.console.calls import Calls, NoAnswer
from kinevla_ros.nodes.console.seen import Seen
from kinevla_ros.nodes.console.shown import in_words
from kinevla_ros.nodes.console.web.requests import OverrideRequest, Request, Say, Speed, Switch
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.srv import OverrideReasoning

REACTION = 3.0
"""By then the policy has said what it makes of a sentence, s."""

POLL = 0.02
SWITCHES = {
    "enable": ("enable", "disable"),
    "pause": ("pause", "go on"),
    "record_stop": ("keep the episode as a success", "keep the episode as a failure"),
}
"""What a switch is called when it is on, and when it is not."""

TAKEN = ("OK", "ACCEPTED")
"""Statuses of an instruction that is in force."""

WORDS = OverrideReasoning.Request
Outcome = tuple[bool, str]


class Actions:
    """Each is noted in the log that all pages show, with who asked for it and what came of it.

    Args:
        calls: of services.
        seen: what the policy makes of a sentence, and the log.
        instructions: publisher of those.
        speed: publisher of the speed scaling.
    """

    def __init__(self, calls: Calls, seen: Seen, instructions: Publisher, speed: Publisher) -> None:
        self._calls, self._seen = calls, seen
        self._instructions, self._speed = instructions, speed

    async def do(self, request: Request, who: str) -> Outcome:
        """Do what is asked for: whether it is done, and in words; raises nothing."""
        if request.do == "stop":
            return await self.stop(who)
        return await self._noted(self._done(request), who, _described(request))

    async def stop(self, who: str) -> Outcome:
        """Stop the arm."""
        return await self._noted(self._call("stop"), who, "stop")

    async def _noted(self, action: Awaitable[Outcome], who: str, what: str) -> Outcome:
        try:
            done, text = await action
        except NoAnswer as problem:
            done, text = False, str(problem)
        except Exception as problem:  # whatever it is, the page gets an answer
            done, text = False, f"{type(problem).__name__}: {bounded(str(problem))}"
        self._seen.note(f"{who}: {what} {'→' if done else '✗'} {text}")
        return done, text

    async def _done(self, request: Request) -> Outcome:
        if isinstance(request, Say):
            return await self._say(request.text)
        if isinstance(request, Speed):
            return self._set_speed(request.percent)
        if isinstance(request, Switch):
            return await self._call(request.do, data=request.on)
        if isinstance(request, OverrideRequest):
            words = {"goal": request.goal, "kinematics": request.kinematics}
            return await self._call("override", action=WORDS.REPLACE, **words)
        if request.do in ("veto", "release"):
            action = WORDS.VETO if request.do == "veto" else WORDS.RELEASE
            return await self._call("override", action=action)
        done, text = await self._call(request.do)
        return (done, _verdict(text)) if done and request.do == "judge" else (done, text)

    async def _call(self, name: str, **fields: Any) -> Outcome:
        response = await self._calls.call(name, **fields)
        return response.success, response.message

    async def _say(self, text: str) -> Outcome:
        """Say it, and wait for what the policy makes of it."""
        if not self._instructions.get_subscription_count():
            return False, "nobody listens to the instruction: is the policy node up?"
        said, (_, asked) = bounded(text.strip(), TEXT), self._seen.get("question")
        began = time.monotonic()
        self._instructions.publish(String(data=text))
        while time.monotonic() - began < REACTION:
            await asyncio.sleep(POLL)
            age, reasoning = self._seen.get("reasoning")
            if age > time.monotonic() - began:
                continue
            # While a question is open nothing moves, so a motion is what the answer began.
            status = reasoning["status"]
            if reasoning["instruction"] == said or (asked and status in TAKEN):
                ok = status in (*TAKEN, "ASKING") or said.lower() in ("", "stop")
                return ok, in_words(reasoning)
        return False, f"the policy has not reacted within {REACTION:.0f} s: is it active?"

    def _set_speed(self, percent: float) -> Outcome:
        if not self._speed.get_subscription_count():
            return False, "nobody listens to the speed: is the arm node up?"
        self._speed.publish(Float64(data=percent))
        return True, f"{percent:.0f} % asked for"


def _described(request: Request) -> str:
    """A request for the log."""
    if isinstance(request, Say):
        return f'"{request.text}"'
    if isinstance(request, Speed):
        return f"speed {request.percent:.0f} %"
    if isinstance(request, Switch):
        return SWITCHES[request.do][not request.on]
    return request.do.replace("_", " ")


def _verdict(text: str) -> str:
    """The judge's verdict in a line."""
    verdict = json.loads(text)
    kept = verdict["constraints"] | {"goal": verdict["goal"]}
    words = ", ".join(f"{name} {'yes' if value else 'no'}" for name, value in kept.items())
    success = "success" if verdict["kinematic"] else "not (yet) done as said"
    return f'{success}: {words} ("{verdict["instruction"]}")'
