// The table of contents marks the section that is being read.
(function () {
  "use strict";
  const links = new Map([...document.querySelectorAll("#contents a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...links.keys()].map((id) => document.getElementById(id)).filter((s) => s && !s.hidden);
  const menu = document.getElementById("contents-menu");
  if (menu && window.matchMedia("(max-width: 1099px)").matches) menu.open = false;
  function mark() {
    const passed = sections.filter((s) => s.getBoundingClientRect().top < 0.3 * window.innerHeight);
    const current = passed.pop() || sections[0];
    for (const [id, link] of links) {
      if (id === current.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  window.addEventListener("scroll", mark, { passive: true });
  mark();
})();
