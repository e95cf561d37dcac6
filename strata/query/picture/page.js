"use strict";
// Pan, zoom, find and follow. The picture is complete without; this only adds to it.
(() => {
  const main = document.querySelector("main");
  const svg = main.querySelector("svg");
  const field = document.getElementById("find");
  const said = document.getElementById("said");
  const tip = document.getElementById("tip");
  const nodes = [...svg.querySelectorAll(".node")];
  const edges = [...svg.querySelectorAll(".edge")];
  const full = svg.viewBox.baseVal;
  const whole = { width: full.width, height: full.height };
  let view = { x: 0, y: 0, scale: 1 }; // scale: pixels of the screen for one of the picture
  let chosen = null;

  // What hovers: the texts are in <title> elements, which would show a second time.
  const texts = new Map();
  for (const item of [...svg.querySelectorAll("g")]) {
    const title = item.querySelector(":scope > title");
    if (title) {
      texts.set(item, title.textContent);
      title.remove();
    }
  }
  const above = new Map(nodes.map((node) => [node, []]));
  const below = new Map(nodes.map((node) => [node, []]));
  for (const edge of edges) {
    const from = document.getElementById(edge.dataset.from);
    const to = document.getElementById(edge.dataset.to);
    below.get(from).push([to, edge]);
    above.get(to).push([from, edge]);
  }
  for (const node of nodes) {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-pressed", "false");
    node.setAttribute("aria-label", texts.get(node).replaceAll("\n", "; "));
  }
  const frames = svg.querySelectorAll(".frame");
  for (const [place, heading] of svg.querySelectorAll(".heading").entries()) {
    const fits = 15 * frames[place].width.baseVal.value / heading.getComputedTextLength();
    heading.style.setProperty("--most", `${Math.max(15, 0.97 * fits)}px`);
  }
  const arrow = svg.querySelector("#arrow").cloneNode(true);
  arrow.id = "arrow-on";
  svg.querySelector("defs").append(arrow);

  function show() {
    const { width, height } = main.getBoundingClientRect();
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${width / view.scale} ${height / view.scale}`);
    // From afar only the names of notebooks can be read: they keep their size on the screen.
    main.classList.toggle("far", view.scale < 0.4);
    svg.style.setProperty("--heading", `${Math.min(220, 12 / view.scale)}px`);
  }
  function zoom(factor, at) {
    const box = main.getBoundingClientRect();
    const [x, y] = at || [box.width / 2, box.height / 2];
    const scale = Math.min(4, Math.max(0.01, view.scale * factor));
    view.x += x / view.scale - x / scale;
    view.y += y / view.scale - y / scale;
    view.scale = scale;
    show();
  }
  function fit() {
    const box = main.getBoundingClientRect();
    const scale = Math.min(1.25, box.width / whole.width, box.height / whole.height);
    view = { scale, x: (whole.width - box.width / scale) / 2, y: (whole.height - box.height / scale) / 2 };
    show();
  }
  function begin() {
    // Readable at first: a picture that would be tiny as a whole begins at its top.
    fit();
    if (view.scale < 0.45) {
      const box = main.getBoundingClientRect();
      view.scale = Math.min(0.8, Math.max(0.45, box.width / whole.width));
      view.x = whole.width * view.scale > box.width ? 0 : (whole.width - box.width / view.scale) / 2;
      view.y = 0;
      show();
    }
  }
  function reveal(node) {
    const box = main.getBoundingClientRect();
    const at = node.getBoundingClientRect();
    const outside = at.left < box.left || at.right > box.right || at.top < box.top || at.bottom > box.bottom;
    if (!outside && view.scale > 0.3) return;
    view.scale = Math.max(view.scale, 0.8);
    const place = node.transform.baseVal.consolidate().matrix;
    const parent = node.parentNode.transform.baseVal.consolidate().matrix;
    view.x = place.e + parent.e + 90 - box.width / view.scale / 2;
    view.y = place.f + parent.f + 26 - box.height / view.scale / 2;
    show();
  }

  function light(items) {
    for (const item of svg.querySelectorAll(".on")) item.classList.remove("on");
    svg.classList.toggle("dim", items !== null);
    for (const item of items || []) item.classList.add("on");
  }
  function reach(start, near) {
    const found = new Set([start]);
    for (const node of found) {
      if (!near.has(node)) continue; // an edge
      for (const [other, edge] of near.get(node)) found.add(other).add(edge);
    }
    return found;
  }
  function count(found) {
    return [...found].filter((item) => above.has(item)).length - 1;
  }
  function choose(node) {
    if (chosen) {
      chosen.classList.remove("chosen");
      chosen.setAttribute("aria-pressed", "false");
    }
    chosen = node === chosen ? null : node;
    said.textContent = "";
    if (!chosen) return light(null);
    chosen.classList.add("chosen");
    chosen.setAttribute("aria-pressed", "true");
    const needs = reach(chosen, above);
    const needed = reach(chosen, below);
    said.textContent = `needs ${count(needs)}, needed by ${count(needed)}`;
    return light([...needs, ...needed]);
  }

  function find(step) {
    const wanted = field.value.trim().toLowerCase();
    if (chosen) choose(null);
    if (!wanted) {
      said.textContent = "";
      return light(null);
    }
    const found = nodes.filter((node) => texts.get(node).toLowerCase().includes(wanted));
    const before = found.indexOf(find.at);
    find.at = found[step ? (before + step + found.length) % found.length : 0];
    said.textContent = found.length ? `${found.indexOf(find.at) + 1} of ${found.length}` : "not found";
    light(found);
    if (find.at) reveal(find.at);
  }

  function tell(item, x, y) {
    const [first, ...rest] = texts.get(item).split("\n");
    const head = document.createElement("b");
    head.textContent = first;
    tip.replaceChildren(head, rest.join("\n"));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 16, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height < innerHeight ? y + 18 : Math.max(4, y - height - 12)}px`;
  }
  function told(target) {
    for (let item = target; item && item !== main; item = item.parentNode) if (texts.has(item)) return item;
    return null;
  }

  let held = null;
  main.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { x: event.clientX, y: event.clientY, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (held && event.buttons) {
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      if (!held.moved && Math.hypot(dx, dy) < 4) return;
      view.x -= dx / view.scale;
      view.y -= dy / view.scale;
      held = { x: event.clientX, y: event.clientY, moved: true };
      main.classList.add("dragged");
      tip.hidden = true;
      return show();
    }
    const item = told(event.target);
    if (item) tell(item, event.clientX, event.clientY);
    else tip.hidden = true;
  });
  addEventListener("pointerup", () => main.classList.remove("dragged"));
  main.addEventListener("click", (event) => {
    const moved = held && held.moved;
    held = null;
    if (moved) return;
    const node = event.target.closest(".node");
    if (node) choose(node);
    else if (chosen) choose(chosen);
  });
  main.addEventListener("wheel", (event) => {
    event.preventDefault();
    tip.hidden = true;
    const box = main.getBoundingClientRect();
    const lines = event.deltaMode ? 16 : 1;
    if (event.ctrlKey || !event.shiftKey) {
      zoom(Math.exp(-event.deltaY * lines * 0.0016), [event.clientX - box.left, event.clientY - box.top]);
    } else {
      view.x += (event.deltaX + event.deltaY) * lines / view.scale;
      show();
    }
  }, { passive: false });

  main.addEventListener("focusin", (event) => {
    if (!event.target.matches(".node:focus-visible")) return;
    reveal(event.target);
    const box = event.target.getBoundingClientRect();
    tell(event.target, box.left, box.bottom - 8);
  });
  main.addEventListener("focusout", () => { tip.hidden = true; });
  const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  addEventListener("keydown", (event) => {
    if (event.target === field) {
      if (event.key === "Enter") find(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") { field.value = ""; find(0); field.blur(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.target.closest && event.target.closest(".node");
    const near = { ArrowUp: above, ArrowDown: below }[event.key];
    if (node && near && near.get(node).length) near.get(node)[0][0].focus();
    else if (node && (event.key === "Enter" || event.key === " ")) choose(node);
    else if (event.key === "Escape") { if (chosen) choose(chosen); tip.hidden = true; }
    else if (event.key === "/") field.focus();
    else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fit();
    else if (moves[event.key]) {
      view.x += moves[event.key][0] * 80 / view.scale;
      view.y += moves[event.key][1] * 80 / view.scale;
      show();
    } else return;
    event.preventDefault();
  });
  field.addEventListener("input", () => find(0));
  document.getElementById("closer").addEventListener("click", () => zoom(1.25));
  document.getElementById("farther").addEventListener("click", () => zoom(0.8));
  document.getElementById("fit").addEventListener("click", fit);
  addEventListener("resize", show);

  document.getElementById("tools").hidden = false;
  main.classList.add("live");
  begin();
  document.documentElement.dataset.ready = String(nodes.length);
})();
