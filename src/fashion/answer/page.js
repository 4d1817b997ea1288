"use strict";
// Without this script the page is complete: all is open, rows are in the configuration's order, and marks have titles.

// Sections are folded on the screen and open in print.
const folds = [...document.querySelectorAll("details")];
for (const fold of folds) fold.open = fold.classList.contains("unfolded");
let closed = [];
addEventListener("beforeprint", () => {
  closed = folds.filter(fold => !fold.open);
  for (const fold of closed) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });

// A heading sorts its table, and words filter the rows.
const { compare } = new Intl.Collator("en", { numeric: true });
const number = text => parseFloat(text.replaceAll(",", ""));
const element = (tag, properties) => Object.assign(document.createElement(tag), properties);
for (const table of document.querySelectorAll(".data")) {
  const rows = [...table.tBodies].flatMap(body => [...body.rows].map(row => ({ row, body })));
  if (rows.length < 8) continue;
  const headings = [...table.tHead.rows[0].cells];
  const box = element("p", { className: "tools" });
  const input = element("input", { type: "search", placeholder: "Filter rows" });
  input.setAttribute("aria-label", "Filter rows: all of these words");
  const count = element("output");
  box.append(input, count);
  table.parentNode.before(box);

  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const { row } of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
    count.value = input.value ? `${rows.filter(({ row }) => !row.hidden).length} of ${rows.length} rows` : "";
  };
  const sort = (column, direction) => {
    for (const heading of headings) heading.removeAttribute("aria-sort");
    if (!direction) {
      for (const { row, body } of rows) body.append(row);
      return;
    }
    headings[column].setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const numeric = headings[column].classList.contains("number");
    const text = ({ row }) => row.cells[column].textContent.trim();
    // Empty cells come last in both directions.
    const order = (a, b) => !a - !b || sign * (numeric ? number(a) - number(b) : compare(a, b));
    const sorted = [...rows].sort((a, b) => order(text(a), text(b)));
    table.tBodies[0].append(...sorted.map(({ row }) => row));
  };
  headings.forEach((heading, column) => {
    const button = element("button", { type: "button" });
    button.append(...heading.childNodes);
    heading.append(button);
    // Numbers sort from the largest, words from A to Z; the third click restores the first order.
    const directions = [null, "ascending", "descending"];
    if (heading.classList.contains("number")) directions.push(directions.splice(1, 1)[0]);
    button.addEventListener("click", () => {
      const next = directions.indexOf(heading.getAttribute("aria-sort")) + 1;
      sort(column, directions[next % directions.length]);
    });
  });
  input.addEventListener("input", filter);
  table.addEventListener("reset", () => { input.value = ""; filter(); sort(); });
}

// A link reaches its target even if the target is folded, filtered out or sorted away.
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentNode.closest("details")) fold.open = true;
  target.closest("table")?.dispatchEvent(new Event("reset"));
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();

// A click enlarges a figure; a mark shows its value.
const large = element("dialog", { ariaLabel: "Enlarged figure" });
const close = element("button", { type: "button", className: "enlarge", textContent: "Close" });
const tip = element("div", { className: "tip", hidden: true });
let place;
large.append(close);
document.body.append(large, tip);
for (const picture of document.querySelectorAll(".picture")) {
  const button = element("button", { type: "button", className: "enlarge", textContent: "Enlarge" });
  picture.before(button);
  const open = () => {
    if (large.open) return large.close();
    place = element("div", { className: "picture" });
    place.style.height = `${picture.offsetHeight}px`;
    picture.replaceWith(place);
    large.append(picture, tip);
    large.showModal();
  };
  button.addEventListener("click", open);
  picture.addEventListener("click", open);
}
close.addEventListener("click", () => large.close());
large.addEventListener("close", () => {
  tip.hidden = true;
  document.body.append(tip);
  place.replaceWith(large.querySelector(".picture"));
});

for (const title of document.querySelectorAll(".picture title")) {
  title.parentNode.setAttribute("aria-label", title.textContent);
  title.parentNode.classList.add("mark");
  title.remove();
}
const say = (mark, x, y) => {
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.getAttribute("aria-label");
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 8 : y + 18}px`;
};
// Lines are thin, so marks a few pixels from the pointer count too.
const AROUND = [[0, 0], [0, 4], [0, -4], [4, 0], [-4, 0]];
addEventListener("pointermove", ({ clientX: x, clientY: y }) => {
  const marks = AROUND.map(([right, down]) => document.elementFromPoint(x + right, y + down)?.closest(".mark"));
  say(marks.find(mark => mark), x, y);
});
const sayFocused = () => {
  const { left, bottom } = document.activeElement.getBoundingClientRect();
  say(document.activeElement.closest(".mark"), left, bottom);
};
addEventListener("focusin", sayFocused);
addEventListener("focusout", () => say());
addEventListener("scroll", sayFocused, true);
