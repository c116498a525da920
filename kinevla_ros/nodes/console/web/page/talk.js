// The instruction box with what can be said, and questions with their choices.

const $ = (id) => document.getElementById(id);
const MOST = 5;

export class Talk {
  constructor(ask) {
    this.send = ask;
    this.sentences = [];
    this.asked = "";
    this.chosen = {};
    const box = $("instruction");
    box.oninput = box.onfocus = () => this.complete();
    $("say").onsubmit = (e) => { e.preventDefault(); this.say(box.value); };
    $("end").onclick = () => this.say("stop");
  }

  know({ sentences, overview, problem }) {
    this.sentences = sentences;
    $("overview").textContent = problem || overview.join("\n");
    if (sentences.length) $("instruction").placeholder = sentences[0];
    this.complete();
  }

  // Sentences that hold most of the words typed so far, or their beginnings.
  complete() {
    const typed = $("instruction").value, words = new Set(typed.toLowerCase().split(/\s+/).filter(Boolean));
    const count = (s) => [...words].filter((w) => s.toLowerCase().split(/\s+/).some((t) => t.startsWith(w))).length;
    const counted = this.sentences.filter((s) => s !== typed).map((s) => [count(s), s]);
    const most = Math.max(1, ...counted.map(([n]) => n));
    const found = counted.filter(([n]) => n === most).slice(0, MOST).map(([, s]) => s);
    $("completions").replaceChildren(...found.map((sentence) => {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = sentence;
      b.onclick = () => { $("instruction").value = sentence; $("instruction").focus(); this.complete(); };
      return b;
    }));
  }

  async say(text) {
    $("instruction").blur();  // the space bar stops again
    $("completions").replaceChildren();
    if (await this.send({ do: "say", text }, $("said"))) $("instruction").value = "";
  }

  ask(question) {
    const key = JSON.stringify([question?.text, question?.missing]);  // and not how old it is
    if (key === this.asked) return;
    this.asked = key;
    this.chosen = {};
    $("question").hidden = !question;
    if (!question) {
      if ($("said").textContent.startsWith("ASKING")) $("said").textContent = "";  // answered elsewhere
      return;
    }
    $("asked").textContent = question.text;
    $("choices").replaceChildren(...question.missing.map((slot) => {
      const row = document.createElement("div");
      row.append(...slot.choices.map((choice) => this.choice(question, slot.name, choice, row)));
      return row;
    }));
  }

  choice(question, slot, choice, row) {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = choice;
    b.onclick = () => {
      this.chosen[slot] = choice;
      for (const other of row.children) other.classList.toggle("chosen", other === b);
      const all = question.missing.map((s) => this.chosen[s.name]);
      if (all.every(Boolean)) this.say(all.join(", "));
    };
    return b;
  }
}
