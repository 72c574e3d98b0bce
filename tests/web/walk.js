// What the keyboard reaches, one press of Tab at a time, and what it should have reached.
(() => {
  const seen = new Map(); // element -> the order in which it was reached
  const STOPS = "a[href], area[href], button, input, select, textarea, summary, iframe, audio[controls], "
    + "video[controls], [tabindex], [contenteditable]:not([contenteditable=false])";

  const name = (element) => {
    const words = (element.getAttribute("aria-label") || element.innerText || element.value || "").trim();
    const mark = element.id ? `#${element.id}` : [...element.classList].map((each) => `.${each}`).join("");
    return `${element.localName}${mark} ${words.replace(/\s+/g, " ").slice(0, 60)}`.trim();
  };

  // An input that is drawn by its label is seen where the label is.
  const drawn = (element) => {
    const box = element.getBoundingClientRect();
    const bare = box.width <= 1 || box.height <= 1 || getComputedStyle(element).opacity === "0";
    return (bare && element.labels?.[0]) || element;
  };

  const shows = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  const largest = (element) => [...element.getClientRects()]
    .sort((one, other) => other.width * other.height - one.width * one.height)[0] || element.getBoundingClientRect();

  const at = (element, x, y) => {
    const top = document.elementFromPoint(x, y);
    return top !== null && (element.contains(top) || top.contains(element));
  };

  const cover = (element, x, y) => {
    const top = document.elementFromPoint(x, y);
    return at(element, x, y) ? "" : top === null ? "outside the window" : name(top);
  };

  const frame = () => new Promise((done) => requestAnimationFrame(done));

  // What slides is looked at when it has come to rest.
  const still = async (element) => {
    const place = () => Object.values(element.getBoundingClientRect().toJSON()).join(" ");
    for (let left = 60, was = place(); left > 0; left -= 1, was = place()) {
      await frame();
      if (was === place()) return;
    }
  };

  const corners = ({ left, right, top, bottom }) => {
    const inside = (low, high) => [low + Math.min(3, (high - low) / 2), high - Math.min(3, (high - low) / 2)];
    return inside(left, right).flatMap((x) => inside(top, bottom).map((y) => [x, y]));
  };

  const start = () => {
    document.documentElement.style.scrollBehavior = "auto";
    const first = document.createElement("span");
    first.tabIndex = -1;
    document.body.prepend(first);
    first.focus();
    first.remove();
    scrollTo({ top: 0, left: 0, behavior: "instant" });
    seen.clear();
  };

  // The stop where the focus is; null where it left the document, or came round to a stop that was there before.
  const here = async () => {
    const element = document.activeElement;
    if (element === null || element === document.body || element === document.documentElement || seen.has(element)) {
      return null;
    }
    seen.set(element, seen.size);
    const part = drawn(element);
    await still(part);
    const box = largest(part);
    const covered = cover(part, box.x + box.width / 2, box.y + box.height / 2);
    return {
      name: name(element),
      box: [box.x, box.y, box.width, box.height],
      visible: shows(part) && box.width > 1 && box.height > 1,
      covered,
      whole: covered === "" && corners(box).every(([x, y]) => at(part, x, y)),
    };
  };

  const reachable = (element) => !element.matches(":disabled") && !element.closest("[inert]")
    && element.tabIndex >= 0 && (shows(element) || shows(drawn(element)));

  // Of the radio buttons of one name, one is a stop.
  const stands = (element) => element.type === "radio" && element.name !== ""
    && [...seen.keys()].some((other) => other.name === element.name && other.form === element.form);

  const missed = () => [...document.querySelectorAll(STOPS)]
    .filter((element) => reachable(element) && !seen.has(element) && !stands(element))
    .map(name);

  window.__walk = { start, here, missed };
})();
