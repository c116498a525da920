"""What may be other in the cell than usual: camera, light, clutter, the time a chunk takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco

from kinevla_ros.sim.cell.scene import scene_xml

Shape = tuple[str, tuple[float, float], tuple[float, float, float], tuple[float, float, float, int]]

# Place on the table (m), half sizes (m), colour; beyond where bread and gripper go.
_DISTRACTORS: tuple[Shape, ...] = (
    ("box", (0.47, -0.20), (0.018, 0.018, 0.018), (0.1, 0.3, 0.8, 1)),
    ("cylinder", (0.45, -0.08), (0.016, 0.022, 0.0), (0.8, 0.1, 0.15, 1)),
    ("ellipsoid", (0.48, 0.03), (0.030, 0.014, 0.014), (0.9, 0.75, 0.1, 1)),
    ("box", (0.45, 0.14), (0.030, 0.010, 0.012), (0.15, 0.55, 0.25, 1)),
    ("cylinder", (0.48, 0.24), (0.022, 0.010, 0.0), (0.5, 0.2, 0.6, 1)),
    ("ellipsoid", (0.44, -0.29), (0.014, 0.026, 0.014), (0.95, 0.5, 0.1, 1)),
)


@dataclass(frozen=True)
class VariationKind:
    """A kind of variation.

    Attributes:
        meaning: format of a sentence that takes the strength.
        default: strength where none is asked for.
        plain: strength that changes nothing.
        lowest, highest: bounds of the strength.
        whole: whether the strength is a count.
    """

    meaning: str
    default: float
    plain: float
    lowest: float
    highest: float
    whole: bool = False


ALL = "all"
KINDS: Mapping[str, VariationKind] = {
    "camera": VariationKind(
        "the front camera moves aside by {:.0%} of its distance from the table", 0.1, 0.0, 0.0, 0.3
    ),
    "lights": VariationKind("every light is {:.0%} as bright", 0.5, 1.0, 0.1, 3.0),
    "distractors": VariationKind(
        "{:.0f} unknown objects lie on the table, in view and out of the arm's way",
        5, 0, 0, len(_DISTRACTORS), True,
    ),
    "latency": VariationKind(
        "chunks come {:g} s after their pictures, as from a slower computer", 0.2, 0.1, 0.05, 0.5
    ),
    ALL: VariationKind(
        "all of these at once, each by {:.0%} of the way to its usual strength", 1.0, 0.0, 0.0, 1.0
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Variation:
    """One kind at one strength.

    Attributes:
        kind: one of `KINDS`.
        strength: of the camera's distance, of the light, a number of objects, or s.

    Raises:
        ValueError: there is no such kind, or the strength is out of its bounds.
    """

    kind: str
    strength: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no variation {self.kind!r}; there is {', '.join(KINDS)}")
        kind = KINDS[self.kind]
        # Not a number is out of every bound.
        if not kind.lowest <= self.strength <= kind.highest:
            bounds = f"{kind.lowest:g} to {kind.highest:g}"
            raise ValueError(f"{self.kind}: {self.strength:g} is not in {bounds}")
        if kind.whole and self.strength != round(self.strength):
            raise ValueError(f"{self.kind}: {self.strength:g} is not a whole number")

    @property
    def name(self) -> str:
        """Such as camera, and with another strength than the default camera 0.05."""
        usual = self.strength == KINDS[self.kind].default
        return self.kind if usual else f"{self.kind} {self.strength:g}"

    @property
    def meaning(self) -> str:
        """What is other than usual."""
        return KINDS[self.kind].meaning.format(self.strength)

    def of(self, kind: str) -> float:
        """The strength of a kind of its own: another's is that which changes nothing."""
        own = KINDS[kind]
        if self.kind != ALL:
            return self.strength if kind == self.kind else own.plain
        found = own.plain + self.strength * (own.default - own.plain)
        return round(found) if own.whole else found


def read_variations(text: str) -> list[Variation]:
    """Variations as a user writes them: `camera`, or `camera=0.05,0.1,0.2`.

    Raises:
        ValueError: see `Variation`; or a strength is no number.
    """
    kind, given, strengths = text.partition("=")
    if not given:
        default = KINDS[kind].default if kind in KINDS else 0.0
        return [Variation(kind, default)]
    try:
        numbers = [float(strength) for strength in strengths.split(",")]
    except ValueError:
        raise ValueError(f"{text}: strengths are numbers, as in {kind}=0.1,0.2") from None
    return [Variation(kind, number) for number in numbers]


def cell_model(variation: Variation | None = None) -> mujoco.MjModel:
    """The cell's compiled world; plain without a variation."""
    spec = mujoco.MjSpec.from_string(scene_xml())
    if variation is not None:
        _shift_camera(spec, variation.of("camera"))
        _dim(spec, variation.of("lights"))
        _clutter(spec, round(variation.of("distractors")))
    return spec.compile()


def _shift_camera(spec: mujoco.MjSpec, share: float) -> None:
    """Aside in the image, to the right (+y)."""
    camera = spec.camera("front")
    x, y, z = camera.pos
    # It looks down at 45 degrees.
    camera.pos = (x, y + share * z * math.sqrt(2), z)


def _dim(spec: mujoco.MjSpec, share: float) -> None:
    head = spec.visual.headlight
    for light in (*spec.lights, head):
        light.ambient, light.diffuse, light.specular = (
            [share * part for part in colour]
            for colour in (light.ambient, light.diffuse, light.specular)
        )


def _clutter(spec: mujoco.MjSpec, count: int) -> None:
    shapes = {
        "box": mujoco.mjtGeom.mjGEOM_BOX,
        "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
        "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    }
    for number, (shape, (x, y), size, colour) in enumerate(_DISTRACTORS[:count]):
        height = size[1] if shape == "cylinder" else size[2]
        spec.worldbody.add_geom(
            name=f"distractor_{number}",
            type=shapes[shape],
            pos=(x, y, height),
            size=size,
            rgba=colour,
            contype=2,
            conaffinity=3,
        )
