// The arm as lines with a thickness on a plain canvas: no graphics card is needed.

const FOCAL = 2.6, CENTRE = [0.2, 0, 0.33];

export class ArmView {
  constructor(canvas) {
    Object.assign(this, { canvas, yaw: -1.2, pitch: 0.3, away: 2 });
    const fingers = new Map();
    canvas.onpointerdown = (e) => { canvas.setPointerCapture(e.pointerId); fingers.set(e.pointerId, e); };
    canvas.onpointerup = canvas.onpointercancel = (e) => fingers.delete(e.pointerId);
    canvas.onpointermove = (e) => {
      const last = fingers.get(e.pointerId);
      if (!last) return;
      if (fingers.size === 1) this.turn(e.clientX - last.clientX, e.clientY - last.clientY);
      else this.zoom((last.clientY - e.clientY) * 3);
      fingers.set(e.pointerId, e);
    };
    canvas.onwheel = (e) => { e.preventDefault(); this.zoom(e.deltaY); };
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  turn(dx, dy) {
    this.yaw -= dx / 150;
    this.pitch = Math.min(1.5, Math.max(-0.2, this.pitch + dy / 150));
    this.draw();
  }

  zoom(by) {
    this.away = Math.min(5, Math.max(1, this.away * Math.exp(by / 800)));
    this.draw();
  }

  show(lines, scene) { this.lines = lines; this.scene = scene; this.draw(); }

  // Pixel x and y, pixels per metre there, distance from the camera.
  project(p, size) {
    const [x, y, z] = [p[0] - CENTRE[0], p[1] - CENTRE[1], p[2] - CENTRE[2]];
    const right = x * Math.sin(this.yaw) * -1 + y * Math.cos(this.yaw);
    const ahead = -(x * Math.cos(this.yaw) + y * Math.sin(this.yaw));
    const up = z * Math.cos(this.pitch) + ahead * Math.sin(this.pitch);
    const depth = this.away + ahead * Math.cos(this.pitch) - z * Math.sin(this.pitch);
    const scale = FOCAL / Math.max(depth, 0.2) * size.unit;
    return [size.w / 2 + right * scale, size.h / 2 - up * scale, scale, depth];
  }

  draw() {
    const { canvas } = this, ratio = Math.min(devicePixelRatio || 1, 2);
    const w = canvas.clientWidth, h = canvas.clientHeight;
    if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
    if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
    const pen = canvas.getContext("2d"), size = { w, h, unit: Math.min(w, 1.25 * h) / 1.5 };
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    pen.lineCap = "round";
    this.table(pen, size);
    for (const e of this.scene?.edges ?? []) this.thin(pen, size, e, "#8888", 1);
    // Far ones first; in pieces, since a long line is near and far at once.
    const pieces = [
      ...pieced(this.lines ?? [], "arm"),
      ...pieced(this.scene?.ghost ?? [], "ghost"),
    ].map((piece) => ({ ...piece, depth: this.project(piece.middle, size)[3] })).sort((a, b) => b.depth - a.depth);
    for (const kind of ["ghost", "arm"]) for (const piece of pieces) if (piece.kind === kind) this.thick(pen, size, piece);
    const path = this.scene?.path ?? [];
    for (let i = 1; i < path.length; i++) this.thin(pen, size, [...path[i - 1].slice(0, 3), ...path[i].slice(0, 3)], colour(path[i][3]), 4);
  }

  table(pen, size) {
    for (let i = -4; i <= 8; i++) this.thin(pen, size, [i / 10, -0.6, 0, i / 10, 0.6, 0], "#8884", 1);
    for (let i = -6; i <= 6; i++) this.thin(pen, size, [-0.4, i / 10, 0, 0.8, i / 10, 0], "#8884", 1);
  }

  thin(pen, size, line, colour, width) {
    const a = this.project(line.slice(0, 3), size), b = this.project(line.slice(3, 6), size);
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath(); pen.moveTo(a[0], a[1]); pen.lineTo(b[0], b[1]); pen.stroke();
  }

  thick(pen, size, { a, b, radius, kind }) {
    const from = this.project(a, size), to = this.project(b, size), width = radius * (from[2] + to[2]);
    const layers = kind === "ghost" ? [["#2f80ee30", 1]] : [["#39424c", 1], ["#a9b4be", 0.86], ["#dfe5ea", 0.35]];
    for (const [tone, share] of layers) {
      const shift = share < 0.5 ? -width * 0.16 : 0;
      pen.strokeStyle = tone;
      pen.lineWidth = Math.max(1, width * share);
      pen.beginPath(); pen.moveTo(from[0] + shift, from[1] + shift); pen.lineTo(to[0] + shift, to[1] + shift); pen.stroke();
    }
  }
}

function pieced(lines, kind) {
  return lines.flatMap((l) => {
    const count = kind === "ghost" ? 1 : Math.max(1, Math.round(Math.hypot(l[3] - l[0], l[4] - l[1], l[5] - l[2]) / 0.06));
    return Array.from({ length: count }, (_, i) => {
      const at = (share) => [0, 1, 2].map((k) => l[k] + (l[k + 3] - l[k]) * share);
      return { kind, radius: l[6], a: at(i / count), b: at((i + 1) / count), middle: at((i + 0.5) / count) };
    });
  });
}

// Red at a limit, yellow half way, green far from all; as in RViz.
export function colour(room) {
  const share = Math.min(1, Math.max(0, room));
  return `rgb(${Math.round(255 * Math.min(2 - 2 * share, 1))} ${Math.round(230 * Math.min(2 * share, 1))} 0)`;
}
