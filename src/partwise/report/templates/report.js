"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const root = document.documentElement;
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- theme: the system's until the reader chooses
  const button = find("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  let repaint = () => {};
  const themeChanged = () => {
    button.title = isDark() ? "Switch to the light theme" : "Switch to the dark theme";
    button.setAttribute("aria-label", button.title);
    repaint();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    themeChanged();
  });
  systemDark.addEventListener("change", themeChanged);
  let screenTheme;
  addEventListener("beforeprint", () => {
    screenTheme = root.dataset.theme;
    root.dataset.theme = "light";
    themeChanged();
  });
  addEventListener("afterprint", () => {
    if (screenTheme) root.dataset.theme = screenTheme;
    else delete root.dataset.theme;
    themeChanged();
  });
  themeChanged();

  const source = find("remix-data");
  if (!source) return;

  // ---- data: stored number × scale
  const data = JSON.parse(source.textContent);
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // What is missing is NaN.
  const decode = ({ scale, data: text, gap }) => {
    const bytes = bytesOf(text);
    const numbers = data.look === "image" ? bytes : new Float32Array(bytes.buffer);
    return Float32Array.from(numbers, (value) => (value === gap ? NaN : value * scale));
  };
  const parts = data.parts.map(decode);
  const k = parts.length;
  const originals = data.samples.map(() => null);
  const original = (index) => (originals[index] ??= decode(data.samples[index].values));

  let chosen = 0;
  let weights = [];

  const mixed = (given) => {
    const total = new Float32Array(parts[0].length);
    given.forEach((weight, part) => {
      if (weight === 0) return;
      const values = parts[part];
      for (let i = 0; i < total.length; i++) total[i] += weight * values[i];
    });
    return total;
  };
  // A row with missing or weighted entries brings the products of the parts over its own.
  data.samples.forEach((sample) => {
    const own = sample.gram && new Float32Array(bytesOf(sample.gram).buffer);
    sample.product = own
      ? (i, j) => own[i < j ? (j * (j + 1)) / 2 + i : (i * (i + 1)) / 2 + j]
      : (i, j) => data.gram[i][j];
  });
  const errorOf = (sample, given) => {
    let lost = sample.size;
    for (let i = 0; i < k; i++) {
      if (given[i] === 0) continue;
      lost -= 2 * given[i] * sample.cross[i];
      for (let j = 0; j < k; j++) lost += given[i] * given[j] * sample.product(i, j);
    }
    return sample.size > 0 ? Math.sqrt(Math.max(lost, 0) / sample.size) : NaN;
  };
  const threeDigits = (value) => {
    const decimals = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
    return value.toFixed(Math.min(decimals, 8));
  };
  const percent = (share) => (Number.isFinite(share) ? `${threeDigits(100 * share)}\u00a0%` : "–");
  const short = (value) => threeDigits(value).replace("-", "−");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const rgb = (name) => [1, 3, 5].map((at) => parseInt(colour(name).slice(at, at + 2), 16));
  const largest = (values) => values.reduce((top, value) => Math.max(top, Math.abs(value) || 0), 0);
  const missing = (value) => Number.isNaN(value);

  // ---- three ways to show values: picture, named bars, profile
  const canvasIn = (id, label) => {
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
    find(id).replaceChildren(canvas);
    return canvas;
  };
  const paintPixels = (canvas, pixel) => {
    const [height, width] = data.shape;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const shades = pixel(i);
      if (!shades.some(missing)) image.data.set([...shades, 255], 4 * i); // else the hatched ground shows
    }
    context.putImageData(image, 0, 0);
  };
  const pictureLook = () => {
    const canvases = ["original", "mix", "residual"].map((id) => canvasIn(id, `${id} as a picture`));
    const channels = data.shape[2] || 1;
    const shade = (values) => (i) =>
      [0, 1, 2].map((c) => (255 * values[i * channels + (channels === 3 ? c : 0)]) / data.top);
    return (x, mix, limit) => {
      const [zero, over, under] = ["--surface", "--contrast", "--accent"].map(rgb);
      paintPixels(canvases[0], shade(x));
      paintPixels(canvases[1], shade(mix));
      paintPixels(canvases[2], (i) => {
        let gap = 0;
        for (let c = 0; c < channels; c++) gap += (x[i * channels + c] - mix[i * channels + c]) / channels;
        const strength = Math.min(1, Math.abs(gap) / limit);
        const end = gap > 0 ? over : under;
        return zero.map((from, c) => from + strength * (end[c] - from));
      });
    };
  };

  const missingRow = (name) => {
    const track = make("span", { className: "track missing" });
    track.setAttribute("aria-hidden", "true");
    const figure = make("span", { className: "figure", textContent: "missing" });
    return make("li", {}, make("span", { className: "name", textContent: name, title: name }), figure, track);
  };
  const barRow = (name, text, share, signed, filled) => {
    const fill = make("i", { className: filled ? "filled" : "" });
    const track = make("span", { className: signed ? "track signed" : "track" }, fill);
    track.setAttribute("aria-hidden", "true");
    const width = Math.min(1, Math.abs(share)) * (signed ? 50 : 100);
    fill.style.width = `${width}%`;
    if (signed) {
      fill.style.left = `${share < 0 ? 50 - width : 50}%`;
      if (share > 0) fill.className = "over";
    }
    return make(
      "li",
      {},
      make("span", { className: "name", textContent: name, title: name }),
      make("span", { className: "figure", textContent: text }),
      track,
    );
  };
  const barsLook = () => {
    const lists = ["original", "mix", "residual"].map((id) => {
      const list = make("ul", { className: "bars" });
      find(id).replaceChildren(list);
      return list;
    });
    const every = data.names.map((_, column) => column);
    const top = (values) => every.filter((i) => values[i]).sort((i, j) => Math.abs(values[j]) - Math.abs(values[i])).slice(0, 14);
    return (x, mix, limit, fitted) => {
      const gap = x.map((value, i) => value - mix[i]);
      const common = Math.max(largest(x), largest(fitted)) || 1;
      [x, mix, gap].forEach((values, panel) => {
        const columns = data.tops ? every : top(values);
        const rows = columns.map((i) => {
          const scale = data.tops ? data.tops[i] || 1 : common;
          if (missing(values[i])) return missingRow(data.names[i]);
          return barRow(data.names[i], short(values[i]), values[i] / scale, panel === 2, missing(x[i]));
        });
        lists[panel].replaceChildren(...rows);
      });
    };
  };

  const runs = (values, wanted) => {
    const found = [];
    values.forEach((value, i) => {
      if (!wanted(value)) return;
      if (i > 0 && wanted(values[i - 1])) found.at(-1).end = i + 1;
      else found.push({ start: i, end: i + 1 });
    });
    return found;
  };
  const hatched = (context, ratio) => {
    const size = 6 * ratio;
    const tile = make("canvas", { width: size, height: size });
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour("--muted");
    pen.lineWidth = ratio / 2;
    [-size, 0, size].forEach((shift) => {
      pen.moveTo(shift, size);
      pen.lineTo(shift + size, 0);
    });
    pen.stroke();
    return context.createPattern(tile, "repeat");
  };
  const paintProfile = (canvas, low, high, lines) => {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const context = canvas.getContext("2d");
    const pad = 8 * ratio;
    const y = (value) => canvas.height - pad - ((value - low) / (high - low || 1)) * (canvas.height - 2 * pad);
    const x = (i, count) => pad + ((i + 0.5) / count) * (canvas.width - 2 * pad);
    context.strokeStyle = colour("--rule");
    context.lineWidth = ratio;
    context.strokeRect(pad, y(0), canvas.width - 2 * pad, 0);
    lines.forEach(({ values, stroke, filled, gaps }) => {
      const count = values.length;
      context.fillStyle = gaps ? hatched(context, ratio) : "";
      (gaps ? runs(values, missing) : []).forEach(({ start, end }) => {
        const left = x(start - 0.5, count);
        context.fillRect(left, pad, x(end - 0.5, count) - left, canvas.height - 2 * pad);
      });
      context.strokeStyle = context.fillStyle = colour(stroke);
      context.lineWidth = 1.5 * ratio;
      runs(values, (value) => !missing(value)).forEach(({ start, end }) => {
        context.beginPath();
        for (let i = start; i < end; i++) context.lineTo(x(i, count), y(values[i]));
        if (end === start + 1) context.lineTo(x(start, count) + context.lineWidth, y(values[start])); // a dot
        context.stroke();
        if (!filled) return;
        context.lineTo(x(end - 1, count), y(0));
        context.lineTo(x(start, count), y(0));
        context.globalAlpha = 0.16;
        context.fill();
        context.globalAlpha = 1;
      });
    });
  };
  const profileLook = () => {
    const [first, second, third] = ["original", "mix", "residual"].map((id) => canvasIn(id, `${id} along the columns`));
    return (x, mix, limit, fitted) => {
      const top = 1.05 * Math.max(largest(x), largest(fitted)) || 1;
      paintProfile(first, 0, top, [{ values: x, stroke: "--ink", gaps: true }]);
      paintProfile(second, 0, top, [
        { values: mix, stroke: "--accent", filled: true },
        { values: x, stroke: "--ink" },
      ]);
      const gap = x.map((value, i) => value - mix[i]);
      paintProfile(third, -limit, limit, [{ values: gap, stroke: "--contrast", filled: true, gaps: true }]);
    };
  };

  // ---- the pictures of the gallery, small, wherever a part is named
  const thumbnail = (part) => {
    const picture = document.querySelector(`#part-${part} > img:not(.strip)`);
    return picture ? [make("img", { src: picture.src, alt: "" })] : [];
  };
  document.querySelectorAll(".sizes li").forEach((item) => item.prepend(...thumbnail(item.value)));

  // ---- the desk
  find("remix").hidden = false;
  const show = { image: pictureLook, names: barsLook, values: profileLook }[data.look]();
  let fitted;
  let limit;
  const paint = () => {
    const sample = data.samples[chosen];
    show(original(chosen), mixed(weights), limit, fitted);
    find("mix-error").textContent = percent(errorOf(sample, weights));
  };
  let waiting = false;
  const paintSoon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };
  repaint = paint; // at once: paper does not wait for the next frame

  const AT_FIRST = 12;
  const sliders = find("sliders");
  const more = find("more");
  const label = (part) => `Part ${part}${data.labels[part] ? ` · ${data.labels[part]}` : ""}`;
  const amount = (part, weight) => weight * data.sums[part];
  const slider = (part, top, total) => {
    const input = make("input", { type: "range", id: `slider-${part}`, min: 0, max: 1000, step: 1 });
    input.dataset.part = part;
    const figure = make("span", { className: "figure" });
    const tell = () => {
      figure.textContent = percent(total > 0 ? amount(part, weights[part]) / total : 0);
      input.setAttribute("aria-valuetext", figure.textContent);
    };
    input.value = top > 0 ? (1000 * weights[part]) / top : 0;
    tell();
    input.addEventListener("input", () => {
      weights[part] = (input.value / 1000) * top;
      tell();
      paintSoon();
    });
    return make("li", {}, ...thumbnail(part), make("label", { htmlFor: input.id, textContent: label(part), title: label(part) }), figure, input);
  };
  const fold = (open) => {
    [...sliders.children].forEach((item, place) => (item.hidden = !open && place >= AT_FIRST));
    more.hidden = k <= AT_FIRST;
    more.textContent = open ? "Show the largest only" : `Show all ${k} parts`;
    more.setAttribute("aria-expanded", String(open));
  };
  const buildSliders = () => {
    const sample = data.samples[chosen];
    const amounts = sample.weights.map((weight, part) => amount(part, weight));
    const total = amounts.reduce((sum, value) => sum + value, 0);
    const highest = largest(amounts) || data.top;
    const order = amounts.map((_, part) => part).sort((i, j) => amounts[j] - amounts[i] || i - j);
    const tops = data.sums.map((sum) => (sum > 0 ? (1.5 * highest) / sum : 0));
    sliders.replaceChildren(...order.map((part) => slider(part, tops[part], total)));
    fold(more.getAttribute("aria-expanded") === "true");
  };
  const setWeights = (given) => {
    weights = [...given];
    buildSliders();
    paintSoon();
  };
  const choose = (index) => {
    chosen = (index + data.samples.length) % data.samples.length;
    const sample = data.samples[chosen];
    find("sample").value = String(chosen);
    fitted = mixed(sample.weights);
    const x = original(chosen);
    limit = Math.max(largest(x.map((value, i) => value - fitted[i])), 0.02 * largest(x)) || 1;
    find("fit-error").textContent = percent(errorOf(sample, sample.weights));
    const columns = data.look === "image" ? "pixel values" : "columns";
    find("observed").textContent =
      sample.observed === null ? "" : `, over ${sample.observed} of ${data.columns} ${columns}; the others are missing`;
    setWeights(sample.weights);
  };

  const groups = new Map();
  data.samples.forEach((sample, index) => {
    if (!groups.has(sample.group)) groups.set(sample.group, make("optgroup", { label: sample.group }));
    const told = sample.told === null ? `error ${percent(errorOf(sample, sample.weights))}` : sample.told;
    const text = `${sample.name} (${told})`;
    groups.get(sample.group).append(make("option", { value: String(index), textContent: text }));
  });
  find("sample").append(...groups.values());
  find("sample").addEventListener("change", (event) => choose(Number(event.target.value)));
  find("previous").addEventListener("click", () => choose(chosen - 1));
  find("next").addEventListener("click", () => choose(chosen + 1));
  find("reset").addEventListener("click", () => setWeights(data.samples[chosen].weights));
  find("silence").addEventListener("click", () => setWeights(weights.map(() => 0)));
  more.addEventListener("click", () => fold(more.getAttribute("aria-expanded") !== "true"));
  document.querySelectorAll("[data-sample]").forEach((link) =>
    link.addEventListener("click", () => choose(Number(link.dataset.sample))),
  );
  addEventListener("resize", paintSoon);
  choose(0);
})();
