// Shows what the console sends, and asks it for what is pressed. Holds no state of the arm of its own.

import { ArmView, colour } from "./arm.js";
import { Link } from "./link.js";
import { Talk } from "./talk.js";

const $ = (id) => document.getElementById(id);
const STOP_PATIENCE = 300;  // Then the second way is taken as well, ms.
const DANGEROUS = 1000;     // A stop without an answer for so long is cried out, ms.
const CAMERAS = ["front", "wrist"];

let state = null, came = 0, fresh = {}, dragging = false;
const ages = {};      // part: [age when it came, when that was], s and ms
const view = new ArmView($("view"));
const link = new Link(heard, picture, watched);
const talk = new Talk(ask);

function heard(message) {
  if (message.hello) {
    fresh = message.hello.fresh;
    $("name").textContent = message.hello.name;
  }
  if (message.known) talk.know(message.known);
  if (message.log) log(message.log);
  if (!message.state) return;
  state = message.state;
  came = performance.now();
  for (const part of ["arm", "joints", "scene", "reasoning"]) ages[part] = [state[part]?.age ?? Infinity, came];
  show();
}

function age(part) {
  const [then, at] = ages[part] ?? [Infinity, 0];
  return then + (performance.now() - at) / 1000;
}

function stated(seconds) {
  if (!Number.isFinite(seconds)) return "never seen";
  if (seconds < 10) return `${seconds.toFixed(1)} s old`;
  return seconds < 86400 ? `${Math.round(seconds)} s old` : "stamped by another clock";
}

// Called all the time, also when nothing comes: this is what notices.
function watched(silence, lost) {
  document.body.classList.toggle("lost", lost);
  if (lost) $("lost").textContent = `NOTHING HEARD FROM THE CONSOLE FOR ${Number.isFinite(silence) ? (silence / 1000).toFixed(1) : "…"} s. What you see is old, and buttons may do nothing. The arm's emergency button works.`;
  if (lost) $("link").textContent = "no link";
  for (const place of document.querySelectorAll("[data-part]")) {
    const part = place.dataset.part, old = age(part) > (fresh[CAMERAS.includes(part) ? "pictures" : part] ?? 1);
    place.classList.toggle("old", old);
    const shown = place.querySelector(".age"), problem = state?.problems?.[part];
    if (shown) shown.textContent = problem ? `${stated(age(part))}: ${problem}` : stated(age(part));
  }
  for (const place of document.querySelectorAll("[data-age]")) {
    place.textContent = stated(age(place.dataset.age));
    place.classList.toggle("old", age(place.dataset.age) > (fresh[place.dataset.age] ?? 1));
  }
}

function picture(number, old, blob) {
  const name = CAMERAS[number], image = $(name), before = image.src;
  ages[name] = [old, performance.now()];
  image.src = URL.createObjectURL(blob);
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

function show() {
  const { arm, joints, reasoning, there } = state;
  const scene = state.scene && state.scene.age < (fresh.scene ?? 1) ? state.scene : null;
  if (arm && arm.state !== "FAULTED" && $("state").textContent === "FAULTED") $("stop-said").textContent = "";
  $("state").textContent = arm?.state ?? "NO ARM";
  $("state").className = `pill ${arm?.state ?? ""}`;
  list($("obstacles"), state.obstacles, ([text, wanted]) => [text, ...(wanted ? [button(wanted)] : [])]);
  view.show(joints?.lines, scene);
  $("tool").textContent = joints ? `gripper ${(1000 * joints.gripper).toFixed(0)} mm` : "no joint states";
  $("a-fault").textContent = arm ? (arm.fault === "NONE" ? "none" : `${arm.fault}: ${arm.reason}`) : "unknown";
  $("a-margin").textContent = arm?.margin == null ? "no limit is concerned" : `${arm.margin} ${arm.joint}`;
  $("a-room").textContent = scene?.room == null ? "no chunk is carried out" : `least room ${Math.round(100 * scene.room)} % (0: at a limit)`;
  $("a-room").style.color = scene?.room == null ? "" : `color-mix(in srgb, ${colour(scene.room)} 70%, currentColor)`;
  $("a-speed").textContent = arm?.speed == null ? "?" : `${Math.round(arm.speed)} % in force`;
  if (!dragging && arm?.speed) $("speed").value = arm.speed;
  footer(arm, there);
  reason(reasoning);
  talk.ask(state.question);
  $("record").classList.toggle("gone", !there.record);
  $("cell").classList.toggle("gone", !there.cell);
  const recorder = state.nodes.filter((n) => n.name.includes("/record"));
  list($("recorded"), recorder, (n) => [`${n.text}${n.figures.map((f) => `, ${f.join(": ")}`).join("")}`], (n) => n.level);
  list($("nodes"), state.nodes, (n) => [bold(n.name), ` ${n.text}${n.age > (fresh.nodes ?? 3) ? ` (${stated(n.age)})` : ""}`], (n) => `${n.level} ${n.age > (fresh.nodes ?? 3) ? "old" : ""}`, (n) => n.figures.map((f) => f.join(": ")).join("\n"));
}

function footer(arm, there) {
  const enabled = arm && !["DISABLED", "FAULTED"].includes(arm.state), paused = enabled && arm.speed === 0;
  $("enable").textContent = enabled ? "Disable" : "Enable";
  $("pause").textContent = paused ? "Go on" : "Pause";
  $("enable").classList.toggle("next", arm?.state === "DISABLED");
  $("pause").classList.toggle("next", Boolean(paused));
  $("reset").classList.toggle("next", arm?.state === "FAULTED");
  for (const id of ["enable", "pause", "reset"]) $(id).disabled = !there.arm;
}

function reason(r) {
  const ok = r?.status === "OK", words = r?.status === "ACCEPTED" ? "understood; the first chunk is under way" : r?.status;
  $("r-status").textContent = r ? `${words}${r.detail ? `: ${r.detail}` : ""}${ok ? `, chunk ${r.sequence}, ${r.kept ? "words kept" : "new words"}, model ${r.model_ms?.toFixed(0)} ms` : ""}` : "none yet";
  $("r-instruction").textContent = r?.instruction ?? "";
  for (const level of ["goal", "kinematics"]) {
    $(`r-${level}`).textContent = (r?.[level] ?? "") + (r?.overridden ? " (operator's words)" : "");
    $(`r-${level}-codes`).textContent = r?.[`${level}_codes`]?.length ? `[${r[`${level}_codes`].join(" ")}]` : "";
  }
  $("r-consistency").textContent = r?.consistency == null ? "not measured" : r.consistency.toFixed(2);
  $("r-doubt").textContent = r?.doubt == null ? "not known" : `${r.doubt.toFixed(2)}${r.doubt > 1 ? ", unsure" : ""}`;
  $("r-meter").hidden = r?.consistency == null;
  $("r-meter").value = r?.consistency ?? 0;
}

function log(lines) {
  for (const [, time, text] of lines) {
    const at = document.createElement("time"), line = document.createElement("li");
    at.textContent = time;
    line.append(at, text);
    $("log").prepend(line);
  }
  while ($("log").children.length > 60) $("log").lastChild.remove();
}

// Changes only what is different, so that a button does not vanish under a finger.
function list(place, items, content, style = () => "", hint = () => "") {
  const key = JSON.stringify(items.map((i) => [content(i).map((c) => c.textContent ?? c), style(i)]));
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    line.className = style(item);
    line.title = hint(item);
    line.append(...content(item));
    return line;
  }));
}

function bold(text) { const b = document.createElement("b"); b.textContent = text; return b; }

const WAYS = { reset: ["Reset", { do: "reset" }], enable: ["Enable", { do: "enable", on: true }], resume: ["Go on", { do: "pause", on: false }], release: ["Release", { do: "release" }] };

function button(wanted) {
  const [text, request] = WAYS[wanted], b = document.createElement("button");
  b.textContent = text;
  b.className = "next";
  b.onclick = () => ask(request, $("done"));
  return b;
}

async function ask(request, place = $("done")) {
  place.className = "answer";
  place.textContent = "…";
  const { ok, text } = await link.ask(request);
  place.className = `answer ${ok ? "yes" : "no"}`;
  place.textContent = text;
  return ok;
}

async function stop() {
  const began = performance.now(), said = $("stop-said");
  said.textContent = "stopping …";
  const cry = setTimeout(() => { $("stop").classList.add("silent"); said.textContent = "NO ANSWER: PRESS THE EMERGENCY BUTTON"; }, DANGEROUS);
  const done = (answer) => answer.ok ? answer : Promise.reject(answer);
  const first = link.ask({ do: "stop" }).then(done);
  const late = new Promise((go, no) => { setTimeout(go, STOP_PATIENCE); first.then(no, go); });
  const best = await Promise.any([first, late.then(post).then(done)]).catch((all) => all.errors[0]);
  clearTimeout(cry);
  $("stop").classList.toggle("silent", !best.ok);
  said.textContent = best.ok ? `${best.text} (answered in ${Math.round(performance.now() - began)} ms)` : `NOT STOPPED BY THIS PAGE: ${best.text}`;
}

async function post() {
  try {
    const answer = await fetch("/stop", { method: "POST", signal: AbortSignal.timeout(4000) });
    return { ok: answer.ok, text: await answer.text() };
  } catch (problem) {
    return { ok: false, text: `the console does not answer (${problem.name}); press the emergency button` };
  }
}

const typing = () => document.activeElement?.matches("input:not([type=range]), textarea");
const stops = (e) => e.code === "Escape" || (e.code === "Space" && !typing());

// Before any button with the focus gets it.
addEventListener("keydown", (e) => { if (stops(e)) { e.preventDefault(); if (!e.repeat) stop(); } }, true);
addEventListener("keyup", (e) => { if (e.code === "Space" && !typing()) e.preventDefault(); }, true);
for (const kind of ["focusin", "focusout"]) addEventListener(kind, () => setTimeout(() => { $("stop-key").textContent = typing() ? "Esc" : "space bar or Esc"; }));

$("stop").onpointerdown = stop;
$("stop").onclick = (e) => { if (e.detail === 0) stop(); };  // by the Enter key
$("enable").onclick = () => ask({ do: "enable", on: $("enable").textContent === "Enable" });
$("pause").onclick = () => ask({ do: "pause", on: $("pause").textContent === "Pause" });
$("reset").onclick = () => ask({ do: "reset" });
for (const b of document.querySelectorAll("main [data-do]")) b.onclick = () => ask({ do: b.dataset.do, ...(b.dataset.on && { on: b.dataset.on === "true" }) }, b.dataset.do === "judge" ? $("verdict") : $("done"));
$("speed").onpointerdown = () => { dragging = true; };
$("speed").onchange = () => { dragging = false; ask({ do: "speed", percent: Number($("speed").value) }); };
$("words").onsubmit = (e) => { e.preventDefault(); ask({ do: "override", goal: $("o-goal").value, kinematics: $("o-kinematics").value }); };

setInterval(async () => {
  const { ok, took } = await link.ask({ do: "ping" }, 2000);
  if (ok) $("link").textContent = `link ${took.toFixed(0)} ms, ${state?.pages ?? 1} page${state?.pages > 1 ? "s" : ""}`;
}, 1000);
