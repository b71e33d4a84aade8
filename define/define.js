"use strict";
(() => {
  const many = 8;
  document.querySelectorAll("button.toggle").forEach((button) => {
    const body = button.closest("tbody");
    const show = (open) => {
      body.classList.toggle("closed", !open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.hidden = false;
    show(body.querySelectorAll("tr.value").length <= many);
    button.addEventListener("click", () => show(body.classList.contains("closed")));
  });

  const reveal = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const body = place && place.closest("tbody.closed");
    if (body) {
      body.querySelector("button.toggle").click();
      place.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  if (matchMedia("(max-width: 760px)").matches) document.querySelector("nav details").open = false;
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((item) => { item.open = true; }));

  const input = document.getElementById("q");
  const list = document.getElementById("found");
  const count = document.getElementById("count");
  const places = [];
  const add = (id, name, say, text) => places.push({ id, name, say, text: text.toLowerCase() });
  document.querySelectorAll("[data-find]").forEach((item) => {
    const own = item.matches("section.dataset") ? item.dataset.find + " " + item.dataset.say : item.textContent;
    add(item.id, item.dataset.find, item.dataset.say, item.dataset.find + " " + own);
  });

  let chosen = -1;
  const choose = (place) => {
    const items = list.children;
    if (!items.length) return;
    if (items[chosen]) items[chosen].setAttribute("aria-selected", "false");
    chosen = (place + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    items[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[chosen].id);
  };
  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const go = (id) => {
    close();
    location.hash = "#" + id;
    const place = document.getElementById(id);
    place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
    place.scrollIntoView();
  };
  const search = () => {
    const parts = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    list.textContent = "";
    if (!parts.length) { count.textContent = ""; close(); return; }
    const rank = (place) => (place.name.toLowerCase() === parts[0] ? 0 : place.name.toLowerCase().startsWith(parts[0]) ? 1 : 2);
    const hits = places.filter((place) => parts.every((part) => place.text.includes(part)));
    hits.map((place, order) => [rank(place), order, place]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, 40)
      .forEach(([, , place], number) => {
        const item = document.createElement("li");
        item.id = "hit" + number;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const name = document.createElement("b");
        name.textContent = place.name;
        const say = document.createElement("span");
        say.textContent = " " + place.say;
        item.append(name, say);
        item.addEventListener("mousedown", (event) => { event.preventDefault(); go(place.id); });
        item.dataset.to = place.id;
        list.append(item);
      });
    count.textContent = hits.length + " found";
    list.hidden = !hits.length;
    input.setAttribute("aria-expanded", String(!!hits.length));
    chosen = -1;
    choose(0);
  };
  input.addEventListener("input", search);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
    else if (event.key === "Enter" && list.children[chosen]) { event.preventDefault(); go(list.children[chosen].dataset.to); }
    else if (event.key === "Escape") { input.value = ""; search(); }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input && !event.ctrlKey && !event.metaKey) { event.preventDefault(); input.focus(); }
  });
})();
