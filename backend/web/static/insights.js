// <insight-chart>: draws the table inside it (uPlot), in the design's colours, and says below what the pointer is on.
// A column's `data-drawn` is how and in which colour: "bar accent", "line warn", "stack good", "range accent". Without
// script the table is all there is; who can't see the picture has the sentence above it and the table.

const GRID = { line: "--line", quiet: "--quiet" };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(GRID[name] ?? `--${name}`).trim();
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6];
const FONT = "12px system-ui, sans-serif";

class InsightChart extends HTMLElement {
  connectedCallback() {
    this.plot = this.querySelector(".plot");
    this.read();
    new ResizeObserver(() => this.fit()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  read() {
    const [, ...heads] = this.querySelectorAll("thead th");
    const rows = [...this.querySelectorAll("tbody tr")];
    this.labels = rows.map((row) => row.firstElementChild.textContent);
    this.columns = heads.map((head, n) => {
      const cells = rows.map((row) => row.children[n + 1]);
      const [kind, tone] = head.dataset.drawn.split(" ");
      return {
        kind, tone, label: head.textContent, texts: cells.map((cell) => cell.textContent),
        figures: cells.map(({ dataset }) => (dataset.n === "" ? null : Number(dataset.n))),
      };
    });
    this.drawn = this.columns.filter(({ kind }) => kind);
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width) return;
    if (this.chart) this.chart.setSize({ width, height });
    else this.draw();
  }

  draw() {
    this.chart?.destroy();
    const lying = this.hasAttribute("lying");
    const series = this.drawn.map((column, n) => this.series(column, n));
    if (this.drawn[0].kind === "stack") series.reverse(); // the whole first, its parts over it
    const data = series.map(({ figures }) => figures);
    const options = {
      width: this.plot.clientWidth, height: this.plot.clientHeight, legend: { show: false }, padding: [8, 8, 0, 0],
      cursor: { y: false, x: !lying, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, ori: lying ? 1 : 0, dir: lying ? -1 : 1, range: (_, from, to) => [from - 0.6, to + 0.6] },
        y: { ori: lying ? 0 : 1, range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] },
      },
      axes: [this.names(lying), this.amounts(lying)],
      series: [{}, ...series],
      hooks: { setCursor: [({ cursor }) => this.say(cursor.idx)], draw: [(chart) => this.ranges(chart)] },
    };
    this.chart = new uPlot(options, [this.labels.map((_, n) => n), ...data], this.plot);
    this.say(null);
  }

  series({ kind, tone, figures, label }, n) {
    const ink = colour(tone);
    const bars = this.drawn.filter((one) => one.kind === "bar").length;
    const side = bars === 2 ? (n === 0 ? -1 : 1) : 0;
    const paths = {
      bar: () => uPlot.paths.bars({ size: [bars === 2 ? 0.36 : 0.6, 36], align: side, radius: 0.15 }),
      stack: () => uPlot.paths.bars({ size: [0.6, 36] }),
    }[kind]?.();
    const shown = { label, figures, stroke: ink, fill: kind === "line" ? undefined : ink, points: { show: false } };
    if (kind === "line") return { ...shown, width: 2.5, dash: tone === "quiet" ? [5, 4] : undefined, points: { show: figures.length < 2, fill: ink } };
    if (kind === "stack") shown.figures = figures.map((_, row) => this.drawn.slice(0, n + 1).reduce((sum, one) => sum + one.figures[row], 0));
    return paths ? { ...shown, width: 0, paths } : { ...shown, width: 0, paths: () => null };
  }

  names(lying) {
    const every = lying ? 1 : Math.ceil(this.labels.length / Math.max(2, this.plot.clientWidth / 72));
    return {
      side: lying ? 3 : 2, size: lying ? 112 : 30, font: FONT, stroke: colour("quiet"), grid: { show: false }, ticks: { show: false },
      splits: () => this.labels.map((_, n) => n).filter((n) => n % every === 0),
      values: (_, splits) => splits.map((n) => shortened(this.labels[n] ?? "", lying ? 16 : 12)),
    };
  }

  amounts(lying) {
    const line = { stroke: colour("line"), width: 1 };
    const whole = this.drawn.every(({ figures }) => figures.every((one) => Number.isInteger(one ?? 0)));
    return {
      side: lying ? 2 : 3, size: lying ? 30 : 44, font: FONT, stroke: colour("quiet"), grid: line, ticks: { show: false },
      incrs: this.hasAttribute("hours") ? STEPS.map((one) => one * 30) : whole ? STEPS : undefined,
      values: this.hasAttribute("hours") ? (_, splits) => splits.map((minutes) => `${minutes / 60} h`) : undefined,
    };
  }

  // From the lowest to the highest price a line, on it a dot for each average.
  ranges(chart) {
    const [low, high] = this.drawn.filter(({ kind }) => kind === "range");
    if (!low) return;
    const dots = this.drawn.filter(({ kind }) => kind === "dot");
    const { ctx } = chart;
    const at = (figure) => chart.valToPos(figure, "y", true);
    ctx.save();
    ctx.lineCap = "round";
    ctx.strokeStyle = colour(low.tone);
    this.labels.forEach((_, n) => {
      const y = chart.valToPos(n, "x", true);
      if (low.figures[n] !== null) {
        ctx.globalAlpha = 0.35;
        ctx.lineWidth = 10 * devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(at(low.figures[n]), y);
        ctx.lineTo(at(high.figures[n]), y);
        ctx.stroke();
      }
      ctx.globalAlpha = 1;
      for (const { tone, figures } of dots.filter((one) => one.figures[n] !== null)) {
        ctx.fillStyle = colour(tone);
        ctx.beginPath();
        ctx.arc(at(figures[n]), y, 5 * devicePixelRatio, 0, 7);
        ctx.fill();
      }
    });
    ctx.restore();
  }

  // The legend, with the figures of where the pointer is.
  say(n) {
    const here = n === null || n === undefined ? null : n;
    const parts = this.drawn.map(({ kind, tone, label, texts }) => {
      const part = document.createElement("span");
      part.className = `tone-${tone} as-${kind}`;
      const word = document.createElement("i");
      word.textContent = label;
      part.append(word, here === null ? "" : bold(` ${texts[here]}`));
      return part;
    });
    this.querySelector(".plot-said").replaceChildren(...(here === null ? [] : [bold(this.labels[here])]), ...parts);
  }
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function bold(text) {
  const made = document.createElement("b");
  made.textContent = text;
  return made;
}

customElements.define("insight-chart", InsightChart);
