// The connection to the console, watched from this side: what stands still is found out here.

const LOST = 1000;       // Nothing heard for so long, and everything shown is old, ms.
const GIVEN_UP = 3000;   // A connection silent for so long is made again, ms.
const RETRY = 700;       // ms
const ANSWER = 6000;     // A request without an answer for so long has failed, ms.

export class Link {
  // heard(message), picture(camera, age, blob) and watched(silence) are called as things come.
  constructor(heard, picture, watched) {
    Object.assign(this, { heard, picture, watched });
    this.waiting = new Map();
    this.number = 0;
    this.at = -Infinity;
    setInterval(() => this.watch(), 100);
    this.open();
  }

  open() {
    this.began = performance.now();
    const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => socket === this.socket && this.take(event.data);
    socket.onclose = () => { if (socket === this.socket) setTimeout(() => this.open(), RETRY); };
    this.socket = socket;
  }

  get silence() { return performance.now() - this.at; }

  watch() {
    const now = performance.now();
    for (const [id, { due, settle }] of this.waiting) {
      if (now > due) { this.waiting.delete(id); settle({ ok: false, text: "the console does not answer", silent: true }); }
    }
    this.watched(this.silence, this.silence > LOST);
    if (this.silence > GIVEN_UP && now - this.began > GIVEN_UP) { this.socket.close(); this.open(); }
  }

  take(data) {
    this.at = performance.now();
    if (typeof data !== "string") {
      const header = new DataView(data);
      this.picture(header.getUint8(0), header.getUint32(4, true) / 1000, new Blob([data.slice(8)], { type: "image/jpeg" }));
      return;
    }
    const message = JSON.parse(data);
    if (message.answer) {
      const asked = this.waiting.get(message.answer.id);
      this.waiting.delete(message.answer.id);
      if (asked) asked.settle({ ...message.answer, took: performance.now() - asked.sent });
    } else {
      this.heard(message);
    }
  }

  // Resolves with {ok, text, took}; never rejects.
  ask(request, patience = ANSWER) {
    const id = ++this.number, sent = performance.now();
    return new Promise((settle) => {
      this.waiting.set(id, { settle, sent, due: sent + patience });
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ ...request, id }));
    });
  }
}
