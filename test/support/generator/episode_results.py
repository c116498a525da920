"""Results of episodes, without a simulation."""

from __future__ import annotations

from shipped_tasks import goal_text, kinematics_text

from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup

SIX_CODES = (1, 2, 9, 3, 4, 9), (1, 5, 9, 3, 4, 9), (1, 2, 9, 3, 127, 9)


def result(
    episode: EpisodeSetup, kept: bool = True, codes: tuple[tuple[int, ...], ...] = SIX_CODES
) -> EpisodeResult:
    """What a run might have given; no simulation."""
    names = [n for n in episode.command.slots() if n != "object"]
    return EpisodeResult(
        episode=episode,
        instruction=episode.instruction,
        goal=True,
        constraints={**dict.fromkeys(names, kept), "order": True},
        measures={},
        executed=episode.command.slots() if kept else dict.fromkeys(names),
        worded=None,
        as_worded=False,
        seconds=5.0,
        model_times=(0.05, 0.01, 0.012),
        warm=(False, True, True),
        texts=((goal_text(episode.command), kinematics_text(episode.command)),) * 3,
        codes=codes,
        path=((0.25, 0.0, 0.2),) * 3,
        reasoning_correct=3,
        no_motion={},
        refused_chunks=0,
        fault=None,
    )
